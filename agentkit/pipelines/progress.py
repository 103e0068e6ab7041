"""How far a sync is, for whoever watches it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexingProgress:
    """How far a sync is. Files that have not changed are not counted."""

    files_done: int
    files_total: int
    chunks_done: int
    current_path: str
    seconds: float


OnProgress = Callable[[IndexingProgress], None]
