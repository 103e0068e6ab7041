"""LangChain's own tests of everything that embeds."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from agentkit import HashingEmbedder, SentenceTransformerEmbedder
from agentkit.embedders import Embedder


@pytest.fixture(scope="module")
def real_embedder(embedder_folder: Path) -> Embedder:
    return SentenceTransformerEmbedder(embedder_folder)


class EmbedderContract(EmbeddingsIntegrationTests):
    """LangChain's promises, and those of our own `Embedder`."""

    def test_the_identity_tells_the_dimension(self, model: Embedder) -> None:
        assert len(model.embed_query("tide")) == model.identity.dimension

    def test_rows_are_float32_and_of_unit_length(self, model: Embedder) -> None:
        rows = model.embed_array(["a tide mill", "x", "sluice gate " * 40])
        assert rows.dtype == np.float32
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-3)

    def test_no_texts_give_no_rows(self, model: Embedder) -> None:
        assert model.embed_array([]).shape == (0, model.identity.dimension)
        assert model.embed_documents([]) == []

    def test_a_text_has_the_same_vector_whatever_stands_beside_it(self, model: Embedder) -> None:
        alone = model.embed_array(["a tide mill"])[0]
        beside = model.embed_array(["sluice gate " * 40, "a tide mill", "x"])[1]
        assert float(alone @ beside) > 0.999

    def test_tokens_of_a_text_are_counted(self, model: Embedder) -> None:
        assert 0 < model.count_tokens("a tide mill") < model.count_tokens("a tide mill on an island") < model.max_tokens


class TestHashingEmbedder(EmbedderContract):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return HashingEmbedder

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        return {"dimension": 64}


class TestTheConstructorOfHashingEmbedder(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return HashingEmbedder


@pytest.mark.model
class TestSentenceTransformerEmbedder(EmbedderContract):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return SentenceTransformerEmbedder

    @pytest.fixture
    def model(self, real_embedder: Embedder) -> Embedder:
        return real_embedder
