"""What agentkit gives back: frozen dataclasses that a caller can print, compare and turn into JSON.

Offsets are Python string indexes into the document's text as its loader produced it: `text[start:end]` is
the quote. Pages count from 1; `page` is None where a format has none. Times are seconds.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class StopReason(StrEnum):
    """Why a generation or an answer ended."""

    COMPLETED = "completed"
    """The model ended by itself."""
    STOP_SEQUENCE = "stop_sequence"
    """One of the caller's stop strings was produced."""
    MAX_TOKENS = "max_tokens"
    """The caller's limit on new tokens was reached."""
    CONTEXT_FULL = "context_full"
    """The model's context was full."""
    MAX_STEPS = "max_steps"
    """The agent's limit on steps was reached; its last one could only answer."""
    TIMEOUT = "timeout"
    """The agent's limit on seconds was reached."""
    REPEATED_CALL = "repeated_call"
    """The agent made calls that it had made before; then it could only answer."""
    CANCELLED = "cancelled"
    """The caller stopped it."""
    FAILED = "failed"
    """An error ended it."""
    NOT_FOUND = "not_found"
    """Nothing in the documents answers the question."""
    UNPARSED = "unparsed"
    """No answer of the wanted form could be read from what the model said."""
    BUDGET = "budget"
    """A search's tokens, seconds or nodes were used up."""
    EXHAUSTED = "exhausted"
    """A search ended without reaching its goal."""


BROKEN_OFF = frozenset({StopReason.CANCELLED, StopReason.FAILED})
"""The reasons with which an answer is what there was of it by then."""


class SearchMode(StrEnum):
    """How passages are found."""

    HYBRID = "hybrid"
    """Both rankings, fused: the default."""
    DENSE = "dense"
    """By meaning: cosine similarity of embeddings."""
    KEYWORD = "keyword"
    """By words: BM25 with stemming."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and seconds that a generation or an answer cost."""

    prompt_tokens: int = 0
    """Tokens of the prompt, those found in the cache included."""
    cached_tokens: int = 0
    """Tokens of the prompt that were in the cache and were not evaluated again."""
    completion_tokens: int = 0
    """Tokens produced, the forced ones included."""
    forced_tokens: int = 0
    """Tokens of the completion that the constraint left no choice about: appended without sampling."""
    seconds: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
            self.forced_tokens + other.forced_tokens,
            self.seconds + other.seconds,
        )

    def __sub__(self, earlier: "Usage") -> "Usage":
        """What was spent since."""
        return Usage(
            self.prompt_tokens - earlier.prompt_tokens,
            self.cached_tokens - earlier.cached_tokens,
            self.completion_tokens - earlier.completion_tokens,
            self.forced_tokens - earlier.forced_tokens,
            self.seconds - earlier.seconds,
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """One passage that a search found."""

    rank: int
    """1 for the best."""
    score: float
    """Higher is better; what it measures depends on the search mode."""
    path: str
    """As the index knows it: relative to the indexed root, with forward slashes."""
    page: int | None
    start: int
    end: int
    text: str
    metadata: dict[str, Any] = field(default_factory=dict, compare=False)
    """Title, format, heading path and whatever else the loader knew."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A verbatim quote and where it stands: `document_text[start:end] == quote`."""

    path: str
    page: int | None
    start: int
    end: int
    quote: str
    heading: str = ""
    """The headings that the quote stands under, outermost first; empty where the document has none."""

    def as_json(self) -> dict[str, Any]:  # Any: whatever JSON holds
        """As the command line and an exported session give it: the place and the quote."""
        return {name: getattr(self, name) for name in ("path", "page", "start", "end", "quote")}


class Verdict(StrEnum):
    """What the documents say of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Claim:
    """One sentence of an answer: `answer[start:end] == text`."""

    text: str
    start: int
    end: int
    verdict: Verdict
    score: float
    """The judge's log-odds that the documents prove it; minus infinity where nothing was found to judge by."""
    missing: tuple[str, ...] = ()
    """Numbers and names that no passage has."""
    citation: Citation | None = None
    """The place that it was held against."""


@dataclass(frozen=True, slots=True)
class PassageUse:
    """One retrieved passage and what became of it: invariant 8, nothing is dropped silently."""

    path: str
    start: int
    end: int
    tokens: int
    is_included: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a tool by an agent, and what came of it."""

    number: int
    """From 1. Calls of one reply of the model are steps of their own with one thought."""
    thought: str
    """What the model wrote before the call."""
    tool: str
    arguments: dict[str, Any]
    observation: str
    """What the model was shown: the tool's result, or what went wrong."""
    error: str | None = None
    """What went wrong; None where nothing did."""
    is_repeated: bool = False
    """The same call was made before: it was answered from the transcript."""
    seconds: float = 0.0
    usage: Usage = Usage()
    """What the model's reply with this call cost; of several calls of one reply the first has it."""

    def as_json(self) -> dict[str, Any]:  # Any: whatever JSON holds
        """As the command line and an exported session give it."""
        names = ("thought", "tool", "arguments", "observation", "error", "seconds")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with the quotes that it rests on."""

    text: str
    citations: tuple[Citation, ...] = ()
    is_grounded: bool = False
    """True where at least one true quote of a document supports the answer."""
    stop_reason: StopReason = StopReason.COMPLETED
    usage: Usage = Usage()
    passages: tuple[PassageUse, ...] = ()
    """Every retrieved passage, in the order of the search; those that did not fit have `is_included` False."""
    warnings: tuple[str, ...] = ()
    """One line for each limit that cut something."""
    unsupported: tuple[Claim, ...] = ()
    """Sentences that the passages do not bear out, in their order."""
    steps: tuple[Step, ...] = ()
    """What an agent did before it answered."""
    value: Any = None  # Any: what the schema describes
    """The answer in the form that a program asked an agent for; None where it asked for none, or it failed."""
    reasoning: str = ""
    """The thoughts that led to the answer, where a strategy made the model reason."""
    confidence: float | None = None
    """From 0 to 1, where the strategy measures it: the share of samples that agree, or a search's value."""

    @property
    def calls(self) -> dict[str, int]:
        """Tool -> how many times it was called."""
        return dict(Counter(step.tool for step in self.steps))


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that was not indexed, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What one sync of an index did. Counts are of files, except `chunks`."""

    index: str
    added: int = 0
    changed: int = 0
    reread: int = 0
    """Files that have not changed and were read again: all were to be, or agentkit reads them differently now."""
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: tuple[SkippedFile, ...] = ()
    chunks: int = 0
    """Chunks in the index after the sync."""
    seconds: float = 0.0
    moved_sources: tuple[tuple[str, str], ...] = ()
    """Folders and files of the index that were found at another place, from and to."""
    gone_sources: tuple[str, ...] = ()
    """Those that are no longer there; what was read of them stays until they are forgotten."""


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """What a sync of an index would do. Paths are as the index knows them, sorted."""

    index: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    reread: tuple[str, ...] = ()
    """Files that have not changed and would be read again."""
    moved: tuple[tuple[str, str], ...] = ()
    """From and to."""
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    skipped: tuple[SkippedFile, ...] = ()
    moved_sources: tuple[tuple[str, str], ...] = ()
    """As in `IndexReport`."""
    gone_sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IndexProblem:
    """Something of an index that is not as it must be."""

    what: str
    mend: str
    """The command that mends it."""


@dataclass(frozen=True, slots=True)
class IndexVerification:
    """What a check of everything that an index holds found."""

    index: str
    files: int = 0
    chunks: int = 0
    problems: tuple[IndexProblem, ...] = ()
    seconds: float = 0.0

    @property
    def is_sound(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """What was erased from an index."""

    index: str
    pattern: str
    paths: tuple[str, ...] = ()
    """The files whose text and vectors are gone."""
    chunks: int = 0
    also_in: tuple[str, ...] = ()
    """Files of the same bytes that the index still holds."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What was made again of an index."""

    index: str
    files: int = 0
    chunks: int = 0
    embedded: int = 0
    """Texts that were embedded for it."""
    was_damaged: bool = False
    """The catalog could not be read; what is there was saved from it."""
    to_read: tuple[str, ...] = ()
    """Folders and files to index again after that."""
    seconds: float = 0.0
