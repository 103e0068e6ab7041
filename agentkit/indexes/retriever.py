"""An index as a LangChain retriever, so that it works in any LangChain program."""

from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from agentkit.results import Hit, SearchMode

if TYPE_CHECKING:
    from agentkit.indexes.index import Index


class IndexRetriever(BaseRetriever):
    """The `k` passages of an index that suit the query best, best first. Made by `Index.as_retriever`.

    Each document's metadata has `path`, `page`, `start`, `end`, `score` and what the index knows of its file.
    """

    index: Any  # an Index; naming the type here would make pydantic import it while it is being defined
    k: int = Field(default=5, ge=1)
    mode: SearchMode = SearchMode.HYBRID
    path: str | None = None
    """Only files whose path matches, such as `reports/*`."""
    format: str | None = None
    """Only files of this format, such as `pdf`."""
    where: tuple[str, ...] = ()
    """Only what every condition holds for, such as `size<1MB`."""

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        index: Index = self.index
        return [
            hit_document(hit)
            for hit in index.search(
                query, k=self.k, mode=self.mode, path=self.path, format=self.format, where=self.where
            )
        ]


def hit_document(hit: Hit) -> Document:
    """A hit as a LangChain document."""
    place = {"path": hit.path, "page": hit.page, "start": hit.start, "end": hit.end, "score": hit.score}
    return Document(page_content=hit.text, metadata={**hit.metadata, **place})
