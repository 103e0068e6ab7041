"""LangChain's own tests of our tools, and its own agent with them."""

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from agentkit.tools.calculator import calculator


class TestCalculatorUnit(ToolsUnitTests):
    @property
    def tool_constructor(self) -> BaseTool:
        return calculator

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"expression": "1 + 1"}


class TestCalculatorIntegration(ToolsIntegrationTests):
    @property
    def tool_constructor(self) -> BaseTool:
        return calculator

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"expression": "1 / 3"}


class CallingModel(GenericFakeChatModel):
    """LangChain's fake model, which takes tools and does not look at them."""

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self


@pytest.mark.parametrize(
    ("expression", "status", "content"), [("6 * 7", "success", "42"), ("6 * ", "error", "a number is missing")]
)
def test_langchains_own_agent_runs_our_tool_and_survives_its_errors(expression: str, status: str, content: str) -> None:
    call = {"type": "tool_call", "id": "1", "name": "calculator", "args": {"expression": expression}}
    model = CallingModel(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("done")]))
    messages = create_agent(model, [calculator]).invoke({"messages": [HumanMessage("?")]})["messages"]
    (observation,) = [message for message in messages if isinstance(message, ToolMessage)]
    assert observation.status == status
    assert content in str(observation.content)
    assert messages[-1].content == "done"
