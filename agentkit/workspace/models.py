"""The models that the settings name. Each is loaded at first use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agentkit.errors import ModelLoadError
from agentkit.models.catalog import is_hosted, is_path
from agentkit.paths import StrPath, expanded
from agentkit.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from agentkit.chunkers import ChunkLimits
    from agentkit.embedders import Embedder
    from agentkit.models.store import ModelStore
    from agentkit.reading.entailment import Entailment


class Models:
    """Makes the models of a workspace's settings, or takes a caller's own."""

    def __init__(
        self,
        settings: Settings,
        *,
        root: Path | None = None,
        make_embedder: "Callable[[], Embedder] | None" = None,
        make_chat_model: "Callable[[str], BaseChatModel] | None" = None,
    ) -> None:
        """`root`: the workspace's folder."""
        self._settings = settings
        self._root = root
        self._make_embedder = make_embedder
        self._make_chat_model = make_chat_model

    def with_settings(self, settings: Settings) -> "Models":
        """The same with other settings."""
        return Models(
            settings, root=self._root, make_embedder=self._make_embedder, make_chat_model=self._make_chat_model
        )

    def store(self) -> "ModelStore":
        """The models on this machine."""
        from agentkit.models.store import ModelStore

        return ModelStore(self._settings.models.directory)

    @property
    def embedder_name(self) -> str:
        """What indexes call the embedder: a folder of the workspace by its path in it, so that both can be moved."""
        name = self._settings.models.embedder
        is_inside = self._root is not None and is_path(name) and Path(name).is_relative_to(self._root)
        return str(Path(name).relative_to(self._root)) if self._root and is_inside else name

    def embedder(self) -> "Embedder":
        """The embedder that the settings name; its model is loaded at first use.

        Raises:
            ModelNotFoundError: it was not pulled.
            ModelLoadError: it is not an embedder.
        """
        if self._make_embedder:
            return self._make_embedder()
        from agentkit.embedders import SentenceTransformerEmbedder

        name = self._settings.models.embedder
        folder = self.store().path(name)
        if not folder.is_dir():
            raise ModelLoadError(f"{name} is not an embedder: set models.embedder to one of `agentkit models list`")
        precision = self._settings.models.embedder_precision
        return SentenceTransformerEmbedder(folder, name=self.embedder_name, precision=precision)

    def chat_model(self, name: str | None = None) -> "BaseChatModel":
        """The chat model `name`, by default the settings' one; it is loaded at first use.

        Raises:
            ModelNotFoundError: it was not pulled, or the catalog does not know it.
            ModelLoadError: it is an embedder, or a provider's model that cannot be used.
        """
        name = name or self._settings.models.chat
        answer = self._settings.answer
        if self._make_chat_model:
            return self._make_chat_model(name)
        if is_hosted(name):
            from agentkit.models.hosted import HostedModel

            temperature = answer.temperature if "temperature" in answer.model_fields_set else None
            return HostedModel.of(name, temperature=temperature, seed=answer.seed)
        # A name that is not there is an error now, not after the embedder was loaded.
        if self.store().path(name).is_dir():
            raise ModelLoadError(
                f"{name} is an embedder and cannot answer: choose a chat model of `agentkit models list`"
            )
        from agentkit.models.chat import LocalChatModel

        settings = self._settings.models
        return LocalChatModel(
            model=name,
            temperature=answer.temperature,
            seed=answer.seed,
            context_tokens=settings.context_tokens,
            gpu_layers=settings.gpu_layers,
            main_gpu=settings.main_gpu,
            tensor_split=settings.tensor_split,
            flash_attention=settings.flash_attention,
            kv_cache_type=settings.kv_cache_type,
            draft_tokens=settings.draft_tokens,
            threads=settings.threads,
            models_directory=settings.directory,
        )

    @contextmanager
    def for_one_answer(self, name: str | None) -> "Iterator[BaseChatModel]":
        """The chat model `name` within a block, closed at its end."""
        from agentkit.models.chat import LocalChatModel

        model = self.chat_model(name)
        try:
            yield model
        finally:
            if isinstance(model, LocalChatModel):
                model.close()

    def judge(self, folder: StrPath | None = None) -> "Entailment | None":
        """The cross-encoder that judges statements; None where the chat model does."""
        from agentkit.reading.entailment import CrossEncoderJudge

        folder = folder or self._settings.models.judge
        return CrossEncoderJudge(expanded(folder)) if folder else None

    def chunk_limits(self, embedder: "Embedder") -> "ChunkLimits":
        """How large chunks are: by the settings, and by what the embedder can read."""
        from agentkit.chunkers import ChunkLimits

        chunks = self._settings.chunks
        return ChunkLimits(chunks.max_chars, chunks.overlap_chars, embedder.max_tokens)
