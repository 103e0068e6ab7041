"""What a chat answers with, loaded in a thread of its own so that a person can type meanwhile.

What the next setup names too is kept: one model and one index stay loaded through a whole chat.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentkit.agents.session import SessionSetup

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from agentkit.indexes import Index
    from agentkit.pipelines.conversation import Conversation


@dataclass(frozen=True, slots=True)
class Loaded:
    """The parts of a chat."""

    setup: SessionSetup
    model: "BaseChatModel"
    index: "Index | None"
    conversation: "Conversation"


Load = Callable[[SessionSetup, Loaded | None], Loaded]
"""Makes the parts of a setup, given those of the setup before it, which it closes where they are not needed."""


class Loader:
    """Loads one setup after another."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._job: _Job | None = None

    @property
    def is_loading(self) -> bool:
        """True while something is being loaded, which cannot be stopped."""
        return self._job is not None and not self._job.ended.is_set()

    @property
    def error(self) -> Exception | None:
        """Why the last setup could not be loaded."""
        return self._job.error if self._job else None

    @property
    def loaded(self) -> Loaded | None:
        """What is loaded; None while it is not."""
        return self._job.loaded if self._job and self._job.ended.is_set() else None

    def start(self, setup: SessionSetup) -> None:
        """Load `setup` when what is being loaded now has come to its end."""
        self._job = _Job(self._load, setup, before=self._job)

    def wait(self, setup: SessionSetup) -> Loaded:
        """What `setup` names, loaded now where that was not begun or has failed. Ctrl-C ends the wait, not the loading.

        Raises:
            AgentkitError: it cannot be loaded.
        """
        if self._job is None or self._job.setup != setup or self._job.error:
            self.start(setup)
        assert self._job is not None
        self._job.ended.wait()
        if self._job.error:
            raise self._job.error
        assert self._job.loaded is not None
        return self._job.loaded


class _Job:
    """One setup being loaded in a thread."""

    def __init__(self, load: Load, setup: SessionSetup, *, before: "_Job | None") -> None:
        self.setup = setup
        self.ended = threading.Event()
        self.loaded: Loaded | None = None
        self.error: Exception | None = None
        self._load = load
        threading.Thread(target=self._run, args=(before,), name="agentkit-chat-loading", daemon=True).start()

    def _run(self, before: "_Job | None") -> None:
        if before:
            before.ended.wait()
        try:
            self.loaded = self._load(self.setup, before.loaded if before else None)
        except Exception as error:  # noqa: BLE001 it is raised again by whoever waits
            self.error = error
        finally:
            self.ended.set()
