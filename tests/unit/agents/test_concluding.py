"""An agent whose answer a strategy reasons from what the tools gave."""

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from agentkit import ScriptedModel, StopReason
from agentkit.agents import Agent, AgentLimits
from agentkit.strategies import SelfConsistency, strategy
from agentkit.tools.calculator import calculator

_CALL = AIMessage(
    "I reckon it.",
    tool_calls=[{"name": "calculator", "args": {"expression": "60 * 4"}, "id": "1", "type": "tool_call"}],
)
_VOTES = ["Answer: 240", "Answer: 204", "Answer: 240"]


def test_the_answer_is_reasoned_from_the_task_and_what_the_tools_gave() -> None:
    model = ScriptedModel(replies=[_CALL, "It is about 250.", *_VOTES])
    agent = Agent(model, tools=[calculator], instructions="Be exact.", strategy=SelfConsistency(samples=3))
    answer = agent.run("How many people in 4 crossings of 60?")
    assert (answer.text, round(answer.confidence or 0, 2), answer.stop_reason) == ("240", 0.67, StopReason.COMPLETED)
    assert [step.tool for step in answer.steps] == ["calculator"]
    system, asked = model.calls[2]
    assert system == SystemMessage("Be exact.")
    assert str(asked.content).startswith("Result of calculator:\n240\n\nHow many people in 4 crossings of 60?\n\nLet's")


def test_the_conversation_before_is_a_part_of_what_it_is_about() -> None:
    model = ScriptedModel(replies=["Hm.", "Five.\nAnswer: 5"])
    history = [HumanMessage("I have 2 pens."), AIMessage("Fine.")]
    answer = Agent(model, strategy=strategy("cot")).run("And 3 more?", history=history)
    assert (answer.text, answer.reasoning) == ("5", "Five.")
    assert str(model.calls[1][1].content).startswith("User: I have 2 pens.\n\nAssistant: Fine.\n\nAnd 3 more?")


def test_what_a_strategy_could_not_read_is_its_stop_reason() -> None:
    model = ScriptedModel(replies=["Hm.", "Many.", " "])
    answer = Agent(model, strategy=strategy("cot")).run("How many?")
    assert answer.stop_reason is StopReason.UNPARSED
    assert "no answer of the wanted form could be read from the reply" in answer.warnings


def test_out_of_time_the_last_reply_is_the_answer() -> None:
    model = ScriptedModel(replies=["Hm."])
    answer = Agent(model, strategy=strategy("cot"), limits=AgentLimits(seconds=1e-6)).run("How many?")
    assert answer.stop_reason is not StopReason.COMPLETED
    assert len(model.calls) <= 1
