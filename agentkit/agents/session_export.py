"""A session as a document: Markdown to read, or what `json` can write."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from agentkit.agents.session import Session, Turn
from agentkit.results import BROKEN_OFF, Citation, Step

INTERRUPTED = "(interrupted before there was an answer)"


def session_markdown(session: Session, turns: Sequence[Turn]) -> str:
    """The whole conversation, with the steps and sources of each answer. Times are in UTC."""
    about = [
        f"- session: {session.id}",
        f"- begun: {_moment(session.created_at)}",
        f"- model: {session.setup.model}",
        *([f"- index: {session.setup.index}"] if session.setup.index else []),
        *([f"- tools: {', '.join(session.setup.tools)}"] if session.setup.tools else []),
        *([f"- system: {_line(session.setup.system)}"] if session.setup.system else []),
    ]
    parts = [f"# {_line(session.title)}", "\n".join(about), *(part for turn in turns for part in _turn_parts(turn))]
    return "\n\n".join(parts) + "\n"


def session_record(session: Session, turns: Sequence[Turn]) -> dict[str, Any]:  # Any: whatever JSON holds
    """The whole conversation, for programs. Times are ISO 8601 in UTC."""
    return {**session_summary(session), "turns": [turn_record(turn) for turn in turns]}


def session_summary(session: Session) -> dict[str, Any]:
    """A session without its turns."""
    return {
        "id": session.id,
        "title": session.title,
        "workspace": session.workspace,
        **asdict(session.setup),
        "created": _iso(session.created_at),
        "updated": _iso(session.updated_at),
        "turn_count": session.turn_count,
    }


def turn_record(turn: Turn) -> dict[str, Any]:
    """A turn in the shape that `ask --json` and `run --json` have; `answer` is null where it was interrupted."""
    answer = turn.answer
    return {
        "question": turn.question,
        "files": [attached.name for attached in turn.attachments],
        "searched": turn.searched or None,
        "answer": answer.text if answer else None,
        "citations": [cited.as_json() for cited in answer.citations] if answer else [],
        "grounded": bool(answer and answer.is_grounded),
        "steps": [step.as_json() for step in turn.steps],
        "stop_reason": answer.stop_reason.value if answer else None,
        "warnings": list(answer.warnings) if answer else [],
        "usage": asdict(answer.usage) if answer else None,
        "asked": _iso(turn.asked_at),
    }


def _turn_parts(turn: Turn) -> list[str]:
    quoted = "\n".join(f"> {line}".rstrip() for line in turn.question.splitlines())
    files = [f"Files: {', '.join(_line(attached.name) for attached in turn.attachments)}"] if turn.attachments else []
    steps = ["\n".join(_step_line(step) for step in turn.steps)] if turn.steps else []
    answer = turn.answer
    if answer is None or (answer.stop_reason in BROKEN_OFF and not answer.text):
        return ["---", quoted, *files, *steps, INTERRUPTED]
    sources = ["\n".join(_source_line(n, cited) for n, cited in enumerate(answer.citations, 1))]
    return ["---", quoted, *files, *steps, answer.text, *(sources if answer.citations else [])]


def _step_line(step: Step) -> str:
    arguments = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in step.arguments.items())
    return f"- `{step.tool}({_line(arguments)})` → {_line(step.error or step.observation)}"


def _source_line(number: int, cited: Citation) -> str:
    place = f"{cited.path}, page {cited.page}" if cited.page else cited.path
    return f"{number}. {place}: “{_line(cited.quote)}”"


def _line(text: str) -> str:
    return " ".join(text.split())


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
