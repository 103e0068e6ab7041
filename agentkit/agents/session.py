"""What is kept of a conversation: the session, its turns, and how they are written as JSON."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from agentkit.results import Answer, Step

_SURROGATES = re.compile("[\ud800-\udfff]")
_ANSWER = TypeAdapter(Answer)
_STEP = TypeAdapter(Step)


@dataclass(frozen=True, slots=True)
class SessionSetup:
    """What a conversation is had with."""

    model: str = ""
    index: str = ""
    """Empty where the model answers without documents."""
    tools: tuple[str, ...] = ()
    strategy: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation at a glance. Times are seconds since 1970."""

    id: str
    title: str
    """The beginning of the first question."""
    workspace: str
    """The folder that it was had in; empty where that was no workspace."""
    setup: SessionSetup
    created_at: float
    updated_at: float
    turn_count: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file whose text went with a question."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what became of it."""

    number: int
    """Its own among all sessions, growing."""
    question: str
    asked_at: float
    attachments: tuple[Attachment, ...] = ()
    searched: str = ""
    """The question as it was searched for, where the conversation before it made that another one."""
    answer: Answer | None = None
    """None where the process ended before the answer did."""
    steps: tuple[Step, ...] = ()
    """What an agent did for the answer; also of a turn that has none."""


@dataclass(frozen=True, slots=True)
class FoundTurn:
    """A turn that a search found."""

    session: Session
    turn: int
    excerpt: str
    """The words around what was searched for."""


_SETUP = TypeAdapter(SessionSetup)


def storable(text: str) -> str:
    """`text` without lone surrogates, which are no characters and which no file takes."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def to_stored(value: Any) -> str:  # Any: a dataclass of results.py, or what json can write
    """JSON for a column."""
    plain = asdict(value) if hasattr(value, "__dataclass_fields__") else value
    return storable(json.dumps(plain, ensure_ascii=False, default=str))


def answer_from(stored: str, steps: tuple[Step, ...]) -> Answer:
    """An answer as it was given."""
    return _ANSWER.validate_python({**json.loads(stored), "steps": steps})


def step_from(stored: str) -> Step:
    """A step as it was made."""
    return _STEP.validate_json(stored)


def setup_from(stored: str) -> SessionSetup:
    """A setup; what it does not say has its default."""
    return _SETUP.validate_json(stored)
