"""A workspace: a folder with an `agentkit.toml`, and the one place that makes objects of settings.

Without such a folder, indexes are in the user's data folder and the settings are the defaults and the environment.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agentkit.directories import data_directory
from agentkit.errors import DocumentError, WorkspaceError
from agentkit.indexes.collection import IndexCollection
from agentkit.paths import StrPath, paths_of
from agentkit.results import Answer, Hit, IndexPlan, IndexReport, RebuildReport, SearchMode
from agentkit.settings import FILE_NAME, Settings, load_settings, with_options
from agentkit.workspace.files import WORKSPACE_FILES
from agentkit.workspace.measuring import Measuring
from agentkit.workspace.models import Models
from agentkit.workspace.places import find_root

if TYPE_CHECKING:
    import threading

    from langchain_core.language_models import BaseChatModel
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.tools import BaseTool

    from agentkit.agents import Agent, AgentLimits, PendingCall
    from agentkit.agents.sessions import SessionStore
    from agentkit.embedders import Embedder
    from agentkit.indexes import Index
    from agentkit.loaders import PathPatterns
    from agentkit.pipelines.progress import OnProgress as OnIndexing
    from agentkit.pipelines.watching import WatchRound
    from agentkit.reading.grounding import GroundingReport
    from agentkit.strategies import Strategy
    from agentkit.tools.collection import ToolCollection
    from agentkit.tools.discovery import DropIn
    from agentkit.tools.trust import TrustStore

    OnProgress = Callable[[int, int], None]

_PASSAGES_TO_CHECK = 4


class Workspace:
    """Settings, indexes and models that belong together. Making one loads no model."""

    def __init__(
        self,
        root: StrPath | None,
        settings: Settings,
        *,
        make_embedder: "Callable[[], Embedder] | None" = None,
        make_chat_model: "Callable[[str], BaseChatModel] | None" = None,
    ) -> None:
        """Use `Workspace.open`; or bring your own embedder and chat models.

        Args:
            root: The workspace's folder; None where there is none.
            settings: What to make everything from.
            make_embedder: Gives the embedder instead of the one that the settings name.
            make_chat_model: Gives the chat model of a name instead of the one on this machine.
        """
        self.root = None if root is None else Path(root).absolute()
        self.settings = settings
        self.indexes = IndexCollection((self.root or data_directory()) / "indexes")
        """The indexes there are, without opening any."""
        self.models = Models(settings, root=self.root, make_embedder=make_embedder, make_chat_model=make_chat_model)
        """The embedder and the chat models."""

    @classmethod
    def open(cls, start: StrPath | None = None) -> "Workspace":
        """The workspace of `start` (by default the current folder) or of the nearest folder above it.

        The search ends at a folder with a `.git` and at the home folder.

        Raises:
            SettingsError: its settings, or those of the environment, are wrong.
            WorkspaceError: `start` does not exist, or the current folder is gone.
        """
        place = Path(start) if start else _current_folder()
        if not place.exists():
            raise WorkspaceError(f"{start} does not exist: give a folder that is there")
        root = find_root(place)
        return cls(root, load_settings(root / FILE_NAME if root else None))

    @classmethod
    def create(cls, folder: StrPath) -> "Workspace":
        """Make `folder` a workspace. Files that are there already stay as they are.

        Raises:
            ValueError: an empty path.
            WorkspaceError: it is one already, or it cannot be written.
        """
        folder = paths_of(folder)[0].absolute()
        if (folder / FILE_NAME).exists():
            raise WorkspaceError(f"{folder} is a workspace already: edit its {FILE_NAME}")
        try:
            for name, text in reversed(WORKSPACE_FILES.items()):  # the settings last: they make it a workspace
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists():
                    path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise WorkspaceError(f"cannot make a workspace in {folder}: {error.strerror} ({error.filename})") from error
        return cls.open(folder)

    # Indexes

    def open_index(self, name: str) -> "Index":
        """An index that exists; close it after use.

        Raises:
            IndexNotFoundError: there is none of that name.
            IndexMismatchError: it was made with another embedder or chunker.
        """
        from agentkit.indexes import Index

        directory = self.indexes.require(name)
        embedder = self.models.embedder()
        return Index.open(directory, embedder=embedder, limits=self.models.chunk_limits(embedder))

    def index_folder(
        self,
        sources: StrPath | Sequence[StrPath],
        name: str | None = None,
        *,
        is_full: bool = False,
        patterns: "PathPatterns | None" = None,
        on_progress: "OnIndexing | None" = None,
    ) -> IndexReport:
        """Bring the index `name` (by default named after the first source) in step with `sources`, making it if needed.

        An index that would come out new and empty is not kept. `patterns` say what to read of the sources; None is as
        the last time.

        Raises:
            IndexingError: no name is given and the index of the first source's name holds other folders.
        """
        from agentkit.pipelines.indexing import index_folder

        folders = paths_of(sources)
        with self._index_to_fill(folders, name) as index:
            limit = self.settings.index.max_file_bytes
            return index_folder(
                index, folders, max_file_bytes=limit, is_full=is_full, patterns=patterns, on_progress=on_progress
            )

    def plan_folder(
        self,
        sources: StrPath | Sequence[StrPath],
        name: str | None = None,
        *,
        is_full: bool = False,
        patterns: "PathPatterns | None" = None,
        on_progress: "OnIndexing | None" = None,
    ) -> IndexPlan:
        """What `index_folder` would do; nothing is embedded or written, and no model is needed."""
        from agentkit.indexes.catalog import CATALOG_NAME, Catalog
        from agentkit.pipelines.planning import plan_folder

        folders = paths_of(sources)
        directory = self.indexes.folder_for(folders) if name is None else self.indexes.folder(name)
        is_there = directory.name in self.indexes.names()
        with closing(Catalog(directory / CATALOG_NAME if is_there else Path(":memory:"))) as catalog:
            limit = self.settings.index.max_file_bytes
            return plan_folder(
                catalog,
                directory.name,
                folders,
                max_file_bytes=limit,
                is_full=is_full,
                patterns=patterns,
                on_progress=on_progress,
            )

    def watch_folder(
        self,
        sources: StrPath | Sequence[StrPath],
        name: str | None = None,
        *,
        patterns: "PathPatterns | None" = None,
        on_progress: "OnIndexing | None" = None,
        stop: "threading.Event | None" = None,
    ) -> "Iterator[WatchRound]":
        """As `index_folder`, and again after each burst of changes, until `stop` is set."""
        from agentkit.pipelines.indexing import index_folder
        from agentkit.pipelines.watching import watch_sources

        folders = paths_of(sources)
        with self._index_to_fill(folders, name) as index:

            def sync(unsettled: frozenset[Path]) -> IndexReport:
                nonlocal patterns
                report = index_folder(
                    index,
                    folders,
                    max_file_bytes=self.settings.index.max_file_bytes,
                    patterns=patterns,
                    unsettled=unsettled,
                    on_progress=on_progress,
                )
                patterns = None  # remembered from now on: when the last file that suits them goes, so does its text
                return report

            yield from watch_sources(sync, folders, ignored=self.indexes.directory, stop=stop)

    @contextmanager
    def _index_to_fill(self, sources: Sequence[Path], name: str | None) -> "Iterator[Index]":
        """An index that is made if needed, and is not kept where it was made and nothing came into it."""
        from agentkit.indexes import Index

        directory = self.indexes.folder_for(sources) if name is None else self.indexes.folder(name)
        is_new = directory.name not in self.indexes.names()
        embedder = self.models.embedder()
        is_empty = False
        try:
            with Index.open(directory, embedder=embedder, limits=self.models.chunk_limits(embedder)) as index:
                try:
                    yield index
                except DocumentError:
                    is_empty = not index.chunk_count
                    raise
                is_empty = not index.chunk_count
        finally:
            if is_new and is_empty:
                self.indexes.remove(directory.name)

    def reembed_index(self, name: str, *, is_cut_anew: bool = False) -> RebuildReport:
        """Embed an index's texts again with the settings' embedder; `is_cut_anew`: in chunks of the settings' sizes.

        Raises:
            IndexNotFoundError: there is none of that name.
        """
        from agentkit.indexes.remaking import reembed

        embedder = self.models.embedder()
        limits = self.models.chunk_limits(embedder) if is_cut_anew else None
        return reembed(self.indexes.require(name), embedder=embedder, limits=limits)

    def rechunk_index(self, name: str) -> RebuildReport:
        """Cut an index's texts again, in chunks of the settings' sizes.

        Raises:
            IndexNotFoundError: there is none of that name.
            IndexMismatchError: it was made with another embedder.
        """
        from agentkit.indexes.remaking import rechunk

        embedder = self.models.embedder()
        return rechunk(self.indexes.require(name), embedder=embedder, limits=self.models.chunk_limits(embedder))

    def search(
        self,
        query: str,
        index: "Index",
        *,
        k: int = 5,
        mode: SearchMode = SearchMode.HYBRID,
        path: str | None = None,
        format: str | None = None,
        where: str | Sequence[str] = (),
    ) -> list[Hit]:
        """The `k` passages of an open index that suit `query` best, after the steps that the settings ask for.

        Raises:
            ModelLoadError: the reranker cannot be loaded.
        """
        from agentkit.workspace.searching import is_plain, opened_retriever

        settings = self.settings.search
        if is_plain(settings):
            return index.search(query, k=k, mode=mode, path=path, format=format, where=where)
        with opened_retriever(
            index, settings, self.models, k=k, mode=mode, path=path, format=format, where=where
        ) as retriever:
            return retriever.hits(query)

    def retriever(
        self,
        index: "Index",
        *,
        k: int,
        model: "BaseChatModel",
        path: str | None = None,
        format: str | None = None,
        where: str | Sequence[str] = (),
    ) -> "BaseRetriever":
        """An open index as a retriever, with the steps that the settings ask for; `model` does those that need one."""
        from agentkit.workspace.searching import is_plain, refined_retriever

        settings = self.settings.search
        if is_plain(settings):
            return index.as_retriever(k=k, path=path, format=format, where=where)
        return refined_retriever(index, settings, k=k, model=model, path=path, format=format, where=where)

    # Questions

    def ask(
        self,
        question: str,
        index: str,
        *,
        model: str | None = None,
        passages: int | None = None,
        path: str | None = None,
        format: str | None = None,
        where: str | Sequence[str] = (),
        strategy: "Strategy | None" = None,
        system: str = "",
        on_token: Callable[[str], None] | None = None,
    ) -> Answer:
        """Answer a question from an index, with citations.

        Args:
            question: What is asked.
            index: The name of an index that exists.
            model: The chat model; by default the settings' one.
            passages: How many passages to retrieve; by default the settings' number.
            path: Only files whose path matches, such as `reports/*`.
            format: Only files of this format, such as `pdf`.
            where: Only what every condition holds for, such as `size<1MB`.
            strategy: How to reason over the passages before anything is quoted.
            system: Instructions for the model, beside its own.
            on_token: Called with each piece of the answer as it is decoded.

        Raises:
            ValueError: `passages` is below 1.
        """
        from agentkit.pipelines.answering import answer_question

        settings = self.settings.answer
        k = settings.passages if passages is None else passages
        if k < 1:
            raise ValueError(f"passages is {passages}: give 1 or more")
        with self.open_index(index) as opened, self.models.for_one_answer(model) as chat_model:
            retriever = self.retriever(opened, k=k, model=chat_model, path=path, format=format, where=where)
            return answer_question(
                question,
                retriever,
                chat_model,
                strategy=strategy,
                system=system,
                judge=self.models.judge(),
                on_token=on_token,
                max_tokens=settings.max_tokens,
            )

    def ask_model(
        self,
        question: str,
        *,
        model: str | None = None,
        strategy: "Strategy | None" = None,
        system: str = "",
        on_token: Callable[[str], None] | None = None,
    ) -> Answer:
        """What the chat model says by itself, without documents; a strategy's answer comes in one piece."""
        from agentkit.pipelines.direct import answer_directly
        from agentkit.strategies import Problem

        with self.models.for_one_answer(model) as chat_model:
            if strategy:
                return strategy.solve(Problem(question, system=system), chat_model)
            max_tokens = self.settings.answer.max_tokens
            return answer_directly(question, chat_model, system=system, on_token=on_token, max_tokens=max_tokens)

    def ask_model_several_times(
        self, question: str, count: int, *, model: str | None = None, system: str = ""
    ) -> list[Answer]:
        """`count` different answers of the chat model by itself, in one batch where it is a local one."""
        from agentkit.pipelines.direct import answer_several_times

        settings = self.settings.answer
        with self.models.for_one_answer(model) as chat_model:
            return answer_several_times(
                question,
                chat_model,
                count=count,
                system=system,
                temperature=settings.temperature,
                seed=settings.seed,
                max_tokens=settings.max_tokens,
            )

    def strategy(self, name: str, options: Mapping[str, str]) -> "Strategy":
        """A strategy by its name, its options as a person writes them; examples are chosen with the settings' embedder.

        Raises:
            StrategyError: an unknown strategy or option, with the nearest known one; a value out of its range.
        """
        from agentkit.strategies import Choosing, read_options, strategy

        read = read_options(name, options)
        if read.get("choosing", Choosing.FIXED) != Choosing.FIXED:
            read["embedder"] = self.models.embedder()
        return strategy(name, **read)

    def with_options(self, section: Literal["answer", "search"], options: Mapping[str, str]) -> "Workspace":
        """This workspace with some settings of a section replaced, as a person writes them.

        Raises:
            SettingsError: an unknown option, with the nearest known one; a value out of its range.
        """
        changed = copy(self)
        changed.settings = with_options(self.settings, section, options)
        changed.models = self.models.with_settings(changed.settings)
        return changed

    def check(
        self, answer: str, index: str, *, model: str | None = None, judge: StrPath | None = None
    ) -> "GroundingReport":
        """Hold each sentence of an answer against an index. `judge` as in the settings.

        Raises:
            ModelLoadError: `judge` is not the folder of an NLI cross-encoder.
        """
        from agentkit.reading.grounding import check_answer

        if encoder := self.models.judge(judge):
            with self.open_index(index) as opened:
                return check_answer(answer, opened.as_retriever(k=_PASSAGES_TO_CHECK), None, judge=encoder)

        with self.open_index(index) as opened, self.models.for_one_answer(model) as chat_model:
            return check_answer(answer, opened.as_retriever(k=_PASSAGES_TO_CHECK), chat_model)

    @property
    def measuring(self) -> Measuring:
        """Measures of search and answers."""
        return Measuring(self)

    # Tools

    def tools(self, *, trusts_all: bool = False) -> "ToolCollection":
        """The built-in tools that are on, those of installed packages, and the drop-ins that are trusted.

        Args:
            trusts_all: Run every drop-in of the workspace this time, without remembering it.

        Raises:
            ToolSetupError: see `collect_tools`.
        """
        from agentkit.tools.collection import collect_tools
        from agentkit.tools.trust import TrustState

        store = self._trust_store()
        return collect_tools(
            search=self.settings.tools.search,
            wikipedia=self.settings.tools.wikipedia,
            folder=self._tools_folder(),
            may_run=lambda path, sha256: trusts_all or store.state(path, sha256) is TrustState.TRUSTED,
        )

    @contextmanager
    def agent(
        self,
        tools: "Sequence[BaseTool]",
        *,
        index: str | None = None,
        model: str | None = None,
        limits: "AgentLimits | None" = None,
        strategy: "Strategy | None" = None,
        approve: "Callable[[PendingCall], bool] | None" = None,
    ) -> "Iterator[Agent]":
        """An agent over a chat model and, where one is named, an index; both are closed at the end of the block.

        Args:
            tools: What it may call, such as `list(workspace.tools().registry)`.
            index: The name of an index that exists.
            model: The chat model; by default the settings' one.
            limits: By default ten replies.
            strategy: How the answer is reasoned from what the tools gave.
            approve: Asked before each call of a tool with effects.
        """
        from agentkit.agents import Agent

        with ExitStack() as stack:
            opened = stack.enter_context(self.open_index(index)) if index else None
            chat_model = stack.enter_context(self.models.for_one_answer(model))
            yield Agent(chat_model, tools=tools, index=opened, limits=limits, strategy=strategy, approve=approve)

    def drop_ins(self) -> "list[DropIn]":
        """The files of the workspace's `tools/`, with whether each is trusted. None is run.

        Raises:
            ToolSetupError: the store of what is trusted cannot be read.
        """
        from agentkit.tools.discovery import find_drop_ins

        folder = self._tools_folder()
        return find_drop_ins(folder, self._trust_store()) if folder else []

    def trust_tools(self, drop_ins: "Sequence[DropIn]") -> None:
        """Remember that these files may run, with the content that they had when they were found.

        Raises:
            ToolSetupError: it cannot be written.
        """
        self._trust_store().trust((drop_in.path, drop_in.sha256) for drop_in in drop_ins)

    def _tools_folder(self) -> Path | None:
        return self.root / "tools" if self.root else None

    def _trust_store(self) -> "TrustStore":
        from agentkit.tools.trust import TrustStore

        return TrustStore(data_directory() / "trusted-tools.json")

    # Conversations

    def sessions(self) -> "SessionStore":
        """What was said in chats, in all workspaces. It is in the user's data folder, since a workspace may be shared.

        Raises:
            SessionsDamagedError: the file is damaged, or a newer agentkit made it.
        """
        from agentkit.agents.sessions import SessionStore

        return SessionStore(data_directory() / "sessions.sqlite")


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise WorkspaceError("the current folder does not exist any more: change to another one") from error
