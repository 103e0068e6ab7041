"""LangChain's own agent with our tools, and our agent with LangChain's models, tools and retrievers."""

from collections.abc import Callable, Sequence
from typing import Any

from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool, StructuredTool, Tool, create_retriever_tool
from langchain_core.vectorstores import InMemoryVectorStore

from agentkit import ScriptedModel, StopReason
from agentkit.agents import Agent
from agentkit.tools import tool
from agentkit.tools.calculator import calculator


class FakeToolCallingModel(GenericFakeChatModel):
    """LangChain's fake model with the binding that its own tests give it."""

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **options: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        return self.bind(tools=[], **options)


def _call(name: str, /, **arguments: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": f"{name} {arguments}"}])


def _fake(*replies: AIMessage) -> BaseChatModel:
    return FakeToolCallingModel(messages=iter(replies))


def test_langchain_s_agent_runs_our_tools_and_reads_their_errors() -> None:
    replies = [_call("calculator", expression="17 * 3"), _call("calculator", expression="1 / 0"), "It is 51."]
    agent = create_agent(ScriptedModel(replies=replies), tools=[calculator])
    messages = agent.invoke({"messages": [HumanMessage("17 * 3?")]})["messages"]
    results = [message for message in messages if isinstance(message, ToolMessage)]
    assert [message.status for message in results] == ["success", "error"]
    assert results[0].content == "51"
    assert "division by zero" in str(results[1].content)
    assert messages[-1].content == "It is 51."


def test_our_agent_runs_langchain_s_fake_model() -> None:
    answer = Agent(_fake(_call("calculator", expression="6 * 7"), AIMessage("42.")), tools=[calculator]).run("6 * 7?")
    assert (answer.text, answer.stop_reason) == ("42.", StopReason.COMPLETED)
    assert answer.steps[0].observation == "42"


def test_our_agent_runs_tools_that_others_made() -> None:
    store = InMemoryVectorStore.from_documents(
        [Document("The mill was built in 1871.")], DeterministicFakeEmbedding(size=8)
    )
    tools: list[BaseTool] = [
        create_retriever_tool(store.as_retriever(), "search_notes", "Search the notes."),
        Tool.from_function(lambda text: text.upper(), "shout", "Say something loudly."),
        StructuredTool.from_function(lambda x, y: x + y, name="join", description="Join two texts."),
    ]
    replies = [
        _call("search_notes", query="mill"),
        _call("shout", __arg1="hello"),
        _call("join", x="a", y="b"),
        AIMessage("Done."),
    ]
    answer = Agent(_fake(*replies), tools=tools).run("x")
    assert [step.observation for step in answer.steps] == ["The mill was built in 1871.", "HELLO", "ab"]
    assert answer.text == "Done."


def test_a_tool_of_five_lines_is_enough() -> None:
    @tool
    def crossings(vessel: str) -> int:
        """How many crossings a vessel makes a day.

        Args:
            vessel: Its name.
        """
        return {"Brida": 4}[vessel]

    answer = Agent(_fake(_call("crossings", vessel="Brida"), AIMessage("4.")), tools=[crossings]).run("x")
    assert answer.steps[0].observation == "4"
