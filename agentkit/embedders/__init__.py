"""Texts to vectors."""

from agentkit.embedders.base import Embedder, EmbedderIdentity, embed
from agentkit.embedders.hashing import HashingEmbedder
from agentkit.embedders.sentence_transformer import SentenceTransformerEmbedder

__all__ = ["Embedder", "EmbedderIdentity", "HashingEmbedder", "SentenceTransformerEmbedder", "embed"]
