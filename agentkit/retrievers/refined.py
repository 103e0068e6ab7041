"""A search with what was asked for around it: several queries, reranking, diversity, caps, merged neighbours."""

from dataclasses import replace
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from agentkit.indexes import Index
from agentkit.indexes.fusion import fuse_ranks
from agentkit.indexes.retriever import hit_document
from agentkit.results import Hit, SearchMode
from agentkit.retrievers.diversity import diversified, limited_per_document
from agentkit.retrievers.merging import merged
from agentkit.retrievers.queries import QueryWriter
from agentkit.retrievers.rerank import Reranker, reranked

_CANDIDATES = 4
"""How many times `k` hits are looked at."""


class RefinedRetriever(BaseRetriever):
    """The `k` passages of an index that suit a question best, after each step that is asked for, in this order.

    Every step is off by default: then it finds what `Index.search` finds.
    """

    index: Any  # an Index, which pydantic has no schema for
    k: int = Field(default=5, ge=1)
    mode: SearchMode = SearchMode.HYBRID
    path: str | None = None
    """Only files whose path matches, such as `reports/*`."""
    format: str | None = None
    """Only files of this format, such as `pdf`."""
    where: tuple[str, ...] = ()
    """Only what every condition holds for, such as `size<1MB`."""
    queries: QueryWriter | None = None
    """Search with all of these queries and fuse what they find by rank."""
    reranker: Any = None  # a Reranker, which pydantic cannot check
    rerank_budget: int = Field(default=20, ge=1)
    """How many hits the reranker looks at, at most."""
    relevance_weight: float = Field(default=1.0, ge=0.0, le=1.0)
    """Below 1, hits that resemble better ones give way (maximal marginal relevance)."""
    per_document: int | None = Field(default=None, ge=1)
    """At most so many hits of one file."""
    merges_neighbours: bool = False
    """Hits that touch are one longer passage."""

    def hits(self, question: str) -> list[Hit]:
        """As hits, best first."""
        found = self._searched(question)
        if self.reranker is not None:
            reranker: Reranker = self.reranker
            found = reranked(reranker, question, found, budget=self.rerank_budget)
        if self.relevance_weight < 1:
            found = self._diversified(question, found)
        if self.per_document:
            found = limited_per_document(found, self.per_document)
        found = [replace(hit, rank=rank) for rank, hit in enumerate(found[: self.k], start=1)]
        return merged(found, self.index.document_text) if self.merges_neighbours else found

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [hit_document(hit) for hit in self.hits(query)]

    def _searched(self, question: str) -> list[Hit]:
        index: Index = self.index
        asked = self.queries(question) if self.queries else [question]
        depth = self.k * _CANDIDATES
        rankings = [
            index.search(q, k=depth, mode=self.mode, path=self.path, format=self.format, where=self.where)
            for q in asked
        ]
        if len(rankings) == 1:
            return rankings[0]
        known = {hit.metadata["chunk_id"]: hit for ranking in rankings for hit in ranking}
        fused = fuse_ranks([[(hit.metadata["chunk_id"], hit.score) for hit in ranking] for ranking in rankings])
        return [known[name] for name, _ in fused]

    def _diversified(self, question: str, found: list[Hit]) -> list[Hit]:
        """In another order; without those that were removed from the index since they were found."""
        index: Index = self.index
        known = index.vectors_of(found)
        left = [hit for hit in found if hit.metadata["chunk_id"] in known]
        vectors = np.array([known[hit.metadata["chunk_id"]] for hit in left])
        query = index.embedder.embed_array([question])[0]
        order = diversified(query, vectors, count=len(left), relevance_weight=self.relevance_weight)
        return [left[number] for number in order]
