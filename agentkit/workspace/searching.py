"""What the `[search]` settings ask for around a search, made into a retriever."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from agentkit.errors import ModelLoadError
from agentkit.paths import expanded
from agentkit.results import SearchMode
from agentkit.settings import SearchSettings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from agentkit.indexes import Index
    from agentkit.retrievers import RefinedRetriever, Reranker
    from agentkit.retrievers.queries import QueryWriter
    from agentkit.workspace.models import Models


def is_plain(settings: SearchSettings) -> bool:
    """True where nothing is asked for beyond `Index.search`."""
    return settings == SearchSettings()


def needs_chat_model(settings: SearchSettings) -> bool:
    """True where a chat model writes the queries or judges the passages."""
    return settings.queries != "one" or settings.reranker == "model"


@contextmanager
def opened_retriever(
    index: "Index",
    settings: SearchSettings,
    models: "Models",
    **options: Any,  # those of `refined_retriever`
) -> "Iterator[RefinedRetriever]":
    """`refined_retriever` within a block, with the chat model of the settings where its steps need one."""
    with ExitStack() as stack:
        model = stack.enter_context(models.for_one_answer(None)) if needs_chat_model(settings) else None
        yield refined_retriever(index, settings, model=model, **options)


def refined_retriever(
    index: "Index",
    settings: SearchSettings,
    *,
    k: int,
    model: "BaseChatModel | None" = None,
    mode: SearchMode = SearchMode.HYBRID,
    path: str | None = None,
    format: str | None = None,
    where: str | Sequence[str] = (),
) -> "RefinedRetriever":
    """The search with its steps. `model` is used only where `needs_chat_model`.

    Raises:
        ModelLoadError: the reranker is no cross-encoder's folder, or `model` is no local one and shall rerank.
    """
    from agentkit.retrievers import RefinedRetriever

    return RefinedRetriever(
        index=index,
        k=k,
        mode=mode,
        path=path,
        format=format,
        where=(where,) if isinstance(where, str) else tuple(where),
        queries=_query_writer(settings, model),
        reranker=_reranker(settings, model),
        rerank_budget=settings.rerank_budget,
        relevance_weight=settings.relevance_weight,
        per_document=settings.per_file,
        merges_neighbours=settings.merge_neighbours,
    )


def _query_writer(settings: SearchSettings, model: "BaseChatModel | None") -> "QueryWriter | None":
    if settings.queries == "one" or model is None:
        return None
    from agentkit.retrievers.queries import hypothetical, several

    return several(model) if settings.queries == "several" else hypothetical(model)


def _reranker(settings: SearchSettings, model: "BaseChatModel | None") -> "Reranker | None":
    if settings.reranker == "off":
        return None
    from agentkit.retrievers import CrossEncoderReranker, ModelReranker

    if settings.reranker != "model":
        return CrossEncoderReranker(expanded(settings.reranker))
    from agentkit.models.chat import LocalChatModel

    if not isinstance(model, LocalChatModel):
        raise ModelLoadError("search.reranker is model, which a local model can be: choose one, or a cross-encoder")
    return ModelReranker(model)
