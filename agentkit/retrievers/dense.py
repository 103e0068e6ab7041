"""An index as a LangChain retriever, so that it works in any LangChain program."""

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from agentkit.indexes import Index
from agentkit.results import Hit


class DenseRetriever(BaseRetriever):
    """The `k` passages of `index` nearest to the query, best first.

    Each document's metadata has `path`, `page`, `start`, `end`, `score` and what the index knows of its file.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    index: Index
    k: int = 5

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [_document(hit) for hit in self.index.search(query, k=self.k)]


def _document(hit: Hit) -> Document:
    place = {"path": hit.path, "page": hit.page, "start": hit.start, "end": hit.end, "score": hit.score}
    return Document(page_content=hit.text, metadata={**hit.metadata, **place})
