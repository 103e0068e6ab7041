"""What `benchmarks/agent.py` counts."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from langchain_core.messages import AIMessage, InvalidToolCall

from agentkit import ScriptedModel
from agentkit.agents import Agent
from agentkit.tools.calculator import calculator

_BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def bench() -> Iterator[ModuleType]:
    sys.path.insert(0, str(_BENCHMARKS))
    yield import_module("agent")
    sys.path.remove(str(_BENCHMARKS))


def test_each_malformed_call_of_a_task_is_counted(bench: ModuleType) -> None:
    cut = InvalidToolCall(name="calculator", args='{"expr', id="1", error="cut", type="invalid_tool_call")
    unfit = {"name": "calculator", "args": {"sum": "1+1"}, "id": "2"}
    replies = [
        AIMessage("", invalid_tool_calls=[cut, cut]),
        AIMessage("", tool_calls=[unfit], invalid_tool_calls=[cut]),
        "Two.",
    ]
    agent = Agent(ScriptedModel(replies=replies), tools=[calculator])
    row = bench._described(*bench._run(agent, "1+1?"))
    assert (row["answer"], row["malformed_calls"]) == ("Two.", 4)
