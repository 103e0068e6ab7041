"""Chat templates: messages to prompt tokens, with content that can never become a control token.

A GGUF carries its model's Jinja template (the Hugging Face convention: `messages`, `tools`,
`add_generation_prompt`). It is somebody else's program, and runs as `sandbox.py` has it.

Content is data (design.md, invariant 6). Every control token that is written in it is replaced by a marker before the
template runs; afterwards the markers are spelled out as plain text and everything else is tokenised as markup.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jinja2 import TemplateError

from agentkit.errors import MessageError, ModelLoadError
from agentkit.models.engine.vocabulary import Vocabulary
from agentkit.models.reasoning import CLOSE_REASONING, OPEN_REASONING
from agentkit.models.sandbox import Sandbox, within_limits
from agentkit.models.tool_calling import OPEN_CALL, plain_messages

# Private-use characters that mark a control token's text: MARK_START, its number in decimal, MARK_END.
_MARK_START, _MARK_END = "\uf8f0", "\uf8f1"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given to go on from."""

    tokens: tuple[int, ...]
    is_reasoning_open: bool = False
    """It ends inside a `<think>` block, so that the reply begins there."""
    is_reasoning_done: bool = False
    """It ends with such a block, so that the reply has none."""


class ChatTemplate:
    """The chat template of one model."""

    def __init__(self, source: str, vocabulary: Vocabulary) -> None:
        """Compile the template.

        Raises:
            ModelLoadError: it is not a valid Jinja template.
        """
        self._vocabulary = vocabulary
        try:
            self._template = Sandbox(trim_blocks=True, lstrip_blocks=True).from_string(source)
        except (TemplateError, RecursionError) as error:
            raise ModelLoadError(f"the model's chat template is not valid Jinja: {error}") from error
        self.knows_tools = "tools" in source and OPEN_CALL in source
        """It writes tools, calls and results itself, in the form that `tool_calling` reads."""
        self.knows_reasoning = CLOSE_REASONING in source
        """It is a reasoning model's."""

    def prompt(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        enable_thinking: bool | None = None,
    ) -> Prompt:
        """The prompt for messages of the Hugging Face form (`role`, `content`, …), ready for a reply.

        `enable_thinking` is the switch of templates such as Qwen3's; None leaves it as the template has it.

        Raises:
            MessageError: the template refuses the messages, takes too long, or the text holds lone surrogates.
        """
        options = {} if enable_thinking is None else {"enable_thinking": enable_thinking}
        try:
            if not self.knows_tools:
                messages, tools = plain_messages(messages, tools), ()
            if not self.supports_system:
                messages = _without_system(messages)
            marked = self._mark(list(messages)), self._mark(list(tools))
        except RecursionError as error:
            raise MessageError("the arguments of a tool call are nested too deep: flatten them") from error
        except (TypeError, ValueError) as error:
            raise MessageError(f"a tool, or the arguments of a call, cannot be written as JSON: {error}") from error
        rendered = self._render(*marked, options)
        tokens = [token for part in re.split(self._marker, rendered) for token in self._part_tokens(part)]
        vocabulary = self._vocabulary
        if vocabulary.adds_bos and tokens[:1] != [vocabulary.bos]:
            tokens.insert(0, vocabulary.bos)
        end = rendered.rstrip()
        return Prompt(tuple(tokens), end.endswith(OPEN_REASONING), end.endswith(CLOSE_REASONING))

    @cached_property
    def supports_system(self) -> bool:
        """Whether a system message reaches the prompt: some templates refuse one, others leave it out in silence."""
        probe = [{"role": "system", "content": "probe-7f3a"}, {"role": "user", "content": "x"}]
        try:
            return "probe-7f3a" in self._render(probe, [], {})
        except MessageError:
            return False

    def _render(self, messages: list[Any], tools: list[Any], options: Mapping[str, bool]) -> str:
        markup = {name: self._markup(token) for name, token in self._named_tokens.items()}
        try:
            return within_limits(
                lambda: self._template.render(
                    messages=messages, tools=tools or None, add_generation_prompt=True, **markup, **options
                )
            )
        except (TimeoutError, MemoryError) as error:
            reason = str(error) or "takes too much memory"  # Python's own MemoryError says nothing
            raise MessageError(f"the model's chat template {reason}: use another model") from error
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise MessageError(f"the model's chat template refuses these messages: {error}") from error

    @cached_property
    def _named_tokens(self) -> dict[str, int]:
        return {"bos_token": self._vocabulary.bos, "eos_token": self._vocabulary.eos}

    def _markup(self, token: int) -> str:
        return next((text for text, control in self._control if control == token), "")

    @cached_property
    def _control(self) -> list[tuple[str, int]]:
        """Control tokens, longest text first, so that the longest one standing at a place is the one marked."""
        return sorted(self._vocabulary.control_tokens.items(), key=lambda item: (-len(item[0]), item[0]))

    @cached_property
    def _written_control(self) -> re.Pattern[str]:
        return re.compile("|".join(re.escape(text) for text, _ in self._control) or "(?!)")

    @cached_property
    def _marker(self) -> re.Pattern[str]:
        return re.compile(f"({_MARK_START}[0-9]+{_MARK_END})")

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {text: number for number, (text, _) in enumerate(self._control)}

    def _mark(self, value: Any) -> Any:
        """`value` with every control token's text in its strings, at any depth, replaced by a marker."""
        if isinstance(value, str):
            clean = value.replace(_MARK_START, "\ufffd").replace(_MARK_END, "\ufffd")
            return self._written_control.sub(lambda found: self._marker_for(found[0]), clean)
        if isinstance(value, Mapping):
            return {self._mark(key): self._mark(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._mark(inner) for inner in value]
        return value

    def _marker_for(self, text: str) -> str:
        return f"{_MARK_START}{self._numbers[text]}{_MARK_END}"

    def _part_tokens(self, part: str) -> list[int]:
        if part.startswith(_MARK_START) and part.endswith(_MARK_END):
            return self._vocabulary.tokenize(self._control[int(part[1:-1])][0])
        return self._vocabulary.tokenize_markup(part) if part else []


def _without_system(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The system message as the beginning of the first message of the user."""
    system = [message["content"] for message in messages if message["role"] == "system"]
    rest = [dict(message) for message in messages if message["role"] != "system"]
    if not system:
        return list(rest)
    if not rest or rest[0]["role"] != "user":
        rest.insert(0, {"role": "user", "content": ""})
    rest[0]["content"] = "\n\n".join(filter(None, [*system, rest[0]["content"]]))
    return list(rest)
