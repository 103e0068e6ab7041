"""An agent as a Runnable, for LangChain programs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, convert_to_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from pydantic import TypeAdapter

from agentkit.errors import MessageError
from agentkit.models.messages import text_of
from agentkit.results import Answer

if TYPE_CHECKING:
    from agentkit.agents.react import Agent

_ANSWER = TypeAdapter(Answer)


def runnable(agent: "Agent") -> Runnable[LanguageModelInput, AIMessage]:
    """See `Agent.as_runnable`."""

    def run(given: LanguageModelInput, config: RunnableConfig) -> AIMessage:
        *history, task = _messages(given)
        return _message(agent.run(text_of(task), history=history, config=config))

    return RunnableLambda(run, name="agent")


def _messages(given: LanguageModelInput) -> list[BaseMessage]:
    """Raises MessageError where a chat model would not take it, or the last one is not a person's."""
    if isinstance(given, str):
        return [HumanMessage(given)]
    if not isinstance(given, PromptValue | Sequence):  # of a dict the keys would be texts
        raise MessageError(f"an agent takes text or messages, not a {type(given).__name__}")
    messages = given.to_messages() if isinstance(given, PromptValue) else convert_to_messages(given)
    if not messages or not isinstance(messages[-1], HumanMessage):
        raise MessageError("an agent needs a task: let the last message be a human's")
    return messages


def _message(answer: Answer) -> AIMessage:
    used = answer.usage
    return AIMessage(
        answer.text,
        response_metadata={
            "stop_reason": answer.stop_reason.value,
            # plain data, as all of a message must be: LangGraph's checkpoints keep nothing else
            "answer": _ANSWER.dump_python(answer, mode="json", fallback=str),
        },
        usage_metadata=UsageMetadata(
            input_tokens=used.prompt_tokens,
            output_tokens=used.completion_tokens,
            total_tokens=used.prompt_tokens + used.completion_tokens,
        ),
    )
