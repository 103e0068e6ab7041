"""From the engine's pieces to LangChain's messages: reasoning, content, tool calls, log-probabilities, usage."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata

from agentkit.models.engine import Outcome, Piece, TokenLogprob
from agentkit.models.reasoning import ReasoningText
from agentkit.models.tool_calling import ToolCallReader
from agentkit.results import StopReason

_FINISH_REASONS = {StopReason.MAX_TOKENS: "length", StopReason.CONTEXT_FULL: "length"}
"""OpenAI's words, which LangChain programs look for; any other reason is "stop" or "tool_calls"."""


@dataclass(frozen=True, slots=True)
class ReplyForm:
    """How a reply's text is to be read."""

    calls_tools: bool = False
    """The constrained part is tool calls, or an answer under a schema where the model may choose."""
    marker: str = ""
    """The text that ends the thought, where there is one."""
    is_marker_shown: bool = True
    """False where the marker is a tag of the template's, not part of the answer."""
    is_reasoning_open: bool = False
    """The prompt ends inside a `<think>` block."""
    may_lack_tag: bool = False
    """A reasoning model's reply can begin inside such a block without saying so."""


class ReplyReader:
    """Reads one reply: `add` gives a message chunk a piece, `last` the end, `message` the whole."""

    def __init__(self, form: ReplyForm, model_name: str, token_text: Callable[[int], bytes]) -> None:
        self._form = form
        self._model_name = model_name
        self._token_text = token_text
        self._reasoning = ReasoningText(is_open=form.is_reasoning_open, may_lack_tag=form.may_lack_tag)
        self._calls = ToolCallReader() if form.calls_tools else None
        self._answer = self._thought = self._constrained = ""
        self._logprobs: list[dict[str, Any]] = []
        self._is_flushed = False

    def add(self, piece: Piece) -> AIMessageChunk:
        """The chunk that a stream shows for a piece; its content may be empty."""
        logprobs = [self._logprob(entry) for entry in piece.logprobs]
        self._logprobs += logprobs
        metadata = {"logprobs": {"content": logprobs}} if logprobs else {}
        if not piece.is_constrained or (self._calls is None and not self._form.marker):
            return self._text_chunk(*self._reasoning.add(piece.text), metadata)
        reasoning, answer = self._flush()
        shown = piece.text
        if not self._form.is_marker_shown and not self._constrained:
            shown = shown.removeprefix(self._form.marker)
        self._constrained += piece.text
        if self._calls is None or self._is_answer:
            return self._text_chunk(reasoning, answer + shown, metadata)
        chunk = self._text_chunk(reasoning, answer, metadata)
        return chunk.model_copy(update={"tool_call_chunks": self._calls.add(piece.text)})

    def last(self, outcome: Outcome) -> AIMessageChunk:
        """The end of a stream: what was held back, usage, and why it ended."""
        chunk = self._text_chunk(*self._flush(), self._metadata(outcome))
        cut = self._calls.cut_chunks() if self._calls else []
        last = {"tool_call_chunks": cut, "usage_metadata": _usage(outcome), "chunk_position": "last"}
        return chunk.model_copy(update=last)

    def message(self, outcome: Outcome) -> AIMessage:
        """The whole reply, after the last piece was added."""
        self._text_chunk(*self._flush(), {})
        calls, cut = self._calls.calls() if self._calls else ([], [])
        metadata = self._metadata(outcome)
        if self._logprobs:
            metadata["logprobs"] = {"content": self._logprobs}
        return AIMessage(
            self._answer,
            additional_kwargs={"reasoning_content": self._thought} if self._thought else {},
            tool_calls=calls,
            invalid_tool_calls=cut,
            usage_metadata=_usage(outcome),
            response_metadata=metadata,
        )

    @property
    def _is_answer(self) -> bool:
        """The constrained part is no call: one begins with its tag, or with a line break where the tag is a token that
        has no text; JSON begins with neither.
        """
        hidden = "" if self._form.is_marker_shown else self._form.marker
        return self._constrained.removeprefix(hidden)[:1] not in ("", "<", "\n")

    def _flush(self) -> tuple[str, str]:
        if self._is_flushed:
            return "", ""
        self._is_flushed = True
        return self._reasoning.add("", is_last=True)

    def _text_chunk(self, reasoning: str, answer: str, metadata: dict[str, Any]) -> AIMessageChunk:
        self._thought += reasoning
        self._answer += answer
        more = {"reasoning_content": reasoning} if reasoning else {}
        return AIMessageChunk(content=answer, additional_kwargs=more, response_metadata=metadata)

    def _metadata(self, outcome: Outcome) -> dict[str, Any]:
        finished = "tool_calls" if self._calls and any(self._calls.calls()) else "stop"
        usage = outcome.usage
        constrained = self._constrained.removeprefix(self._form.marker) if self._form.marker else ""
        return {
            "model_name": self._model_name,
            "finish_reason": _FINISH_REASONS.get(outcome.stop_reason, finished),
            "stop_reason": outcome.stop_reason.value,
            "forced_tokens": usage.forced_tokens,
            "seconds": usage.seconds,
            **({"constrained": constrained} if constrained and (self._calls is None or self._is_answer) else {}),
        }

    def _logprob(self, entry: TokenLogprob) -> dict[str, Any]:
        """In the form of OpenAI's API."""
        return {
            **self._token(entry.token, entry.logprob),
            "top_logprobs": [self._token(token, logprob) for token, logprob in entry.alternatives],
        }

    def _token(self, token: int, logprob: float) -> dict[str, Any]:
        data = self._token_text(token)
        return {"token": data.decode("utf-8", "replace"), "logprob": logprob, "bytes": list(data)}


def _usage(outcome: Outcome) -> UsageMetadata:
    usage = outcome.usage
    return UsageMetadata(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        input_token_details=InputTokenDetails(cache_read=usage.cached_tokens),
    )
