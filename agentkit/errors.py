"""Every exception that crosses agentkit's API.

AgentkitError
├── SettingsError               agentkit.toml or AGENTKIT_*: unknown key, value out of range
├── WorkspaceError              a workspace or index folder that cannot be made or found
├── DiskSpaceError              a write that needs more bytes than the disk has
├── StrategyError               an unknown strategy, an option out of range, examples that cannot be read
├── DocumentError               one file that cannot be turned into text; its message is the reason for the skip
├── IndexingError
│   ├── IndexNotFoundError      no index of that name
│   ├── IndexLockedError        another process is writing the index
│   ├── IndexMismatchError      an index made with another embedder or chunker
│   ├── IndexUnreadableError    a catalog that cannot be opened now, damaged or not: permissions, memory, the disk
│   ├── IndexDamagedError       a catalog that SQLite cannot read
│   │   └── VectorsDamagedError a vector store that Chroma cannot read; made again from the catalog
│   └── ConditionError          a filter such as `size>1MB` that cannot be read
├── SessionError
│   ├── SessionNotFoundError    no session of that id
│   └── SessionsDamagedError    a file of sessions that SQLite cannot read, or of a newer agentkit
├── EvaluationError             data to measure by that is malformed, or a package for it that is missing
├── ModelError
│   ├── ModelNotFoundError      a name that the catalog does not know, or a model not pulled
│   ├── ModelDownloadError      no source gave the file: offline, refused, wrong sha256
│   ├── ModelLoadError          not a GGUF, truncated, unknown architecture, no chat template
│   ├── EmbedderError           an embedder that gives other vectors than it says, or is none
│   ├── ContextLengthError      a prompt longer than the context
│   ├── ConstraintError         a schema, grammar or regex that the constraint engine refuses
│   ├── ModelOptionError        an option of one call to a model that is out of range; a ValueError as well
│   ├── MessageError            a message that a text model cannot take: empty, an image, an unknown role
│   └── EngineError             the engine is closed, was forked, or a decode failed
├── ToolSetupError              tools that cannot be offered: undescribed, two of one name, a package that is missing
└── ShownToModel                what becomes an observation: the model reads it and can do better
    ├── ToolError               a tool could not do what was asked
    ├── UnknownToolError        no tool of that name
    └── InvalidArgumentsError   arguments that do not fit the tool's schema

A message says what happened, with which value, and what to do next. A limit that was reached is a
`StopReason`, not an exception.
"""


class AgentkitError(Exception):
    """Root of every error that agentkit raises on purpose."""


class SettingsError(AgentkitError):
    """`agentkit.toml` or an `AGENTKIT_*` variable has an unknown key or a value out of range."""


class WorkspaceError(AgentkitError):
    """A workspace or one of its folders cannot be made, found or written."""


class DiskSpaceError(AgentkitError):
    """A write needs more bytes than the disk has free."""


class StrategyError(AgentkitError):
    """A strategy is unknown, one of its options is out of range, or its examples cannot be read."""


class DocumentError(AgentkitError):
    """One file cannot be turned into text; the message is the reason that a report shows.

    `is_passing` is True where the file itself is not known to be wrong: no permission, too little time, a crash. What
    was read of the same file before stays then. `recurs` is True where the same file would fail so again: unless it is
    passing, and also where its parser was busy for all of its time or crashed.
    """

    def __init__(self, message: str, *, is_passing: bool = False, recurs: bool = False) -> None:
        super().__init__(message)
        self.is_passing = is_passing
        self.recurs = recurs or not is_passing


class IndexingError(AgentkitError):
    """Root of errors about an index."""


class IndexNotFoundError(IndexingError):
    """No index of that name; the message names the nearest."""


class IndexLockedError(IndexingError):
    """Another process is writing the index; the message says which."""


class IndexMismatchError(IndexingError):
    """The index was made with another embedder or chunker; the message names both."""


class IndexUnreadableError(IndexingError):
    """The index's catalog cannot be opened or read now, which tells nothing of its state; the message says why."""


class IndexDamagedError(IndexingError):
    """The index's catalog cannot be read."""


class VectorsDamagedError(IndexDamagedError):
    """The vector store cannot be read, or must not be: it can be made again from the catalog."""


class ConditionError(IndexingError):
    """A condition on what is known of files cannot be read; the message says how to write it."""


class SessionError(AgentkitError):
    """Root of errors about kept conversations."""


class SessionNotFoundError(SessionError):
    """No session of that id; the message names the nearest."""


class SessionsDamagedError(SessionError):
    """The file of the sessions cannot be read, or a newer agentkit made it."""


class EvaluationError(AgentkitError):
    """Data to measure by is malformed, or a package that measures is missing."""


class ModelError(AgentkitError):
    """Root of errors about chat models and embedders."""


class ModelNotFoundError(ModelError):
    """The catalog does not know the name, or the model's file is not on this machine."""


class ModelDownloadError(ModelError):
    """No source gave the file: offline, refused, or a wrong sha256."""


class ModelLoadError(ModelError):
    """The file is not a GGUF, is truncated, or has an architecture or template that cannot be used."""


class EmbedderError(ModelError):
    """An embedder gives other vectors than it says, or it is none; the message names it."""


class ContextLengthError(ModelError):
    """The prompt is longer than the model's context."""


class ConstraintError(ModelError):
    """The constraint engine refuses a schema, grammar or regular expression."""


class ModelOptionError(ModelError, ValueError):
    """An option of one call to a chat model is out of range; the message names it."""


class MessageError(ModelError):
    """A message cannot be given to a text model."""


class EngineError(ModelError):
    """The engine is closed, belongs to another process, or a decode failed."""


class ToolSetupError(AgentkitError):
    """Tools cannot be offered to a model: the message names every one of them and what is wrong."""


class ShownToModel(AgentkitError):  # noqa: N818 it names what becomes of it
    """Root of the errors that become an observation. The message is written for the model: what to do differently."""


class ToolError(ShownToModel):
    """A tool could not do what was asked."""


class UnknownToolError(ShownToModel):
    """There is no tool of that name; the message names those that there are."""


class InvalidArgumentsError(ShownToModel):
    """Arguments do not fit the tool's schema; the message says which and why."""
