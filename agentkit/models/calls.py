"""What one call to a local model asks for beside sampling, and what follows from it: the constraint, how it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentkit.errors import ConstraintError
from agentkit.models.constraints import Constraint, Thought, check_schema_depth, json_schema
from agentkit.models.engine.vocabulary import Vocabulary
from agentkit.models.replies import ReplyForm
from agentkit.models.schemas import closed, openai_tool
from agentkit.models.template import ChatTemplate, Prompt
from agentkit.models.tool_calling import ToolBinding, check_names, tool_choice

CALL_OPTIONS = frozenset(
    {"constraint", "reply_start", "tools", "tool_choice", "parallel_tool_calls", "response_format"}
)
"""What `Call.of` reads."""


@dataclass(frozen=True, slots=True)
class Call:
    """What one call asks for beside sampling."""

    constraint: Constraint | None = None
    reply_start: str = ""
    tools: ToolBinding | None = None
    answer_schema: Mapping[str, Any] | None = None
    """A JSON schema for replies that call no tool."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Call":
        """Read LangChain's and our own options of a call.

        Raises:
            ConstraintError: options that contradict each other, are of the wrong kind, or name no tool.
        """
        functions = [openai_tool(tool) for tool in options.get("tools") or ()]
        choice, only = tool_choice(options.get("tool_choice"), check_names(functions))
        is_parallel = bool(options.get("parallel_tool_calls"))
        tools = ToolBinding(tuple(functions), choice, only, is_parallel=is_parallel) if functions else None
        answer_schema = _answer_schema(options.get("response_format"))
        call = cls(options.get("constraint"), options.get("reply_start", ""), tools, answer_schema)
        if not isinstance(call.constraint, Constraint | None):
            raise ConstraintError(
                f"{str(call.constraint)[:80]!r} is no constraint: make one by agentkit.models.constraints"
            )
        if not isinstance(call.reply_start, str):
            raise ConstraintError(f"reply_start is {call.reply_start!r}: give text")
        if call.constraint and (answer_schema is not None or (tools and tools.choice != "none")):
            raise ConstraintError("a call takes one of constraint, tools and response_format: leave the others out")
        return call

    @property
    def calls_tools(self) -> bool:
        """The reply may hold tool calls."""
        return self.tools is not None and self.tools.choice != "none"

    def form(
        self, prompt: Prompt, template: ChatTemplate, vocabulary: Vocabulary
    ) -> tuple[Constraint | None, ReplyForm]:
        """What constrains the reply, and how it will be read.

        Raises:
            ConstraintError: a schema is nested too deep or is too large.
        """
        constraint = self.constraint
        if self.tools and constraint is None:
            constraint = self.tools.constraint(vocabulary.spell, self.answer_schema)
        if constraint is None and self.answer_schema is not None:
            constraint = json_schema(closed(self.answer_schema))
        closes_reasoning = constraint is not None and constraint.thought is None and prompt.is_reasoning_open
        if constraint and closes_reasoning:
            constraint = replace(constraint, thought=Thought("\n</think>\n\n"))
        elif constraint and constraint.thought:
            thought = replace(constraint.thought, is_reasoning_open=prompt.is_reasoning_open)
            constraint = replace(constraint, thought=thought)
        return constraint, ReplyForm(
            calls_tools=self.calls_tools,
            marker=constraint.thought.marker if constraint and constraint.thought else "",
            is_marker_shown=not closes_reasoning,
            is_reasoning_open=prompt.is_reasoning_open,
            may_lack_tag=template.knows_reasoning
            and not (prompt.is_reasoning_open or prompt.is_reasoning_done)
            and (constraint is None or constraint.thought is not None),
        )


def _answer_schema(response_format: object) -> Mapping[str, Any] | None:
    """The schema in OpenAI's `response_format`; None where it asks for text.

    Raises:
        ConstraintError: no such form, or a schema nested too deep.
    """
    match response_format:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return {"type": "object"}
        case {"type": "json_schema", "json_schema": {"schema": Mapping() as schema}}:
            check_schema_depth(schema)
            return dict(schema)
    raise ConstraintError(
        f"response_format {str(response_format)[:80]} is not understood: give a JSON schema in OpenAI's form, "
        "or use with_structured_output"
    )
