"""What can be done with the hits of a search: other orders, fewer of a kind, longer passages, better questions."""

from agentkit.retrievers.diversity import diversified, limited_per_document
from agentkit.retrievers.merging import merged
from agentkit.retrievers.refined import RefinedRetriever
from agentkit.retrievers.rerank import CrossEncoderReranker, ModelReranker, Reranker

__all__ = [
    "CrossEncoderReranker",
    "ModelReranker",
    "RefinedRetriever",
    "Reranker",
    "diversified",
    "limited_per_document",
    "merged",
]
