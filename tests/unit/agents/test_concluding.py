"""An agent whose answer a strategy reasons from what the tools gave."""

import threading
import time
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agentkit import ScriptedModel, StopReason
from agentkit.agents import Agent, AgentLimits
from agentkit.agents.concluding import conclude
from agentkit.results import Answer
from agentkit.strategies import Problem, SelfConsistency, strategy
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


def test_langchain_s_callbacks_hear_of_what_the_strategy_asks() -> None:
    class Listener(BaseCallbackHandler):
        count = 0

        def on_chat_model_start(self, *_: Any, **__: Any) -> None:
            self.count += 1

    listener = Listener()
    model = ScriptedModel(replies=["It is about 250.", *_VOTES])
    Agent(model, strategy=SelfConsistency(samples=3)).run("How many?", config={"callbacks": [listener]})
    assert listener.count == len(model.calls) == 4


def test_the_conversation_before_is_a_part_of_what_it_is_about() -> None:
    model = ScriptedModel(replies=["Hm.", "Five.\nAnswer: 5"])
    history = [HumanMessage("I have 2 pens."), AIMessage("Fine.")]
    answer = Agent(model, strategy=strategy("cot")).run("And 3 more?", history=history)
    assert (answer.text, answer.reasoning) == ("5", "Five.")
    assert str(model.calls[1][1].content).startswith("User: I have 2 pens.\n\nAssistant: Fine.\n\nAnd 3 more?")


def test_what_is_said_behind_the_task_is_no_part_of_it() -> None:
    model = ScriptedModel(replies=["It says so.\nAnswer: 1871"])
    call = {"name": "retrieval", "args": {"query": "mill"}, "id": "1", "type": "tool_call"}
    messages: list[BaseMessage] = [
        SystemMessage("Be exact."),
        HumanMessage("When was the mill built?"),
        AIMessage("", tool_calls=[call]),
        ToolMessage("In 1871.", name="retrieval", tool_call_id="1"),
        HumanMessage("When was the mill built? Think."),
        AIMessage("I cannot say."),
    ]
    answer = conclude(messages, model, strategy("cot"), task=1)
    assert answer.text == "1871"
    assert str(model.calls[0][1].content).startswith(
        "Result of retrieval:\nIn 1871.\n\nWhen was the mill built?\n\nLet's"
    )


def test_what_a_strategy_could_not_read_is_its_stop_reason() -> None:
    model = ScriptedModel(replies=["Hm.", "Many.", " "])
    answer = Agent(model, strategy=strategy("cot")).run("How many?")
    assert answer.stop_reason is StopReason.UNPARSED
    assert "no answer of the wanted form could be read from the reply" in answer.warnings


class Slow:
    """A strategy that takes longer than anybody waits."""

    def solve(self, problem: Problem, model: BaseChatModel) -> Answer:
        time.sleep(3)
        return Answer("late")


def test_a_limit_and_a_cancel_end_the_wait_for_a_strategy() -> None:
    cancel = threading.Event()
    threading.Timer(0.6, cancel.set).start()
    started = time.monotonic()
    cancelled = Agent(ScriptedModel(replies=["Hm."]), strategy=Slow()).run("x", cancel=cancel)
    limits = AgentLimits(seconds=0.6)
    late = Agent(ScriptedModel(replies=["Hm."]), strategy=Slow(), limits=limits).run("x")
    assert time.monotonic() - started < 2.5
    assert (cancelled.text, cancelled.stop_reason) == ("Hm.", StopReason.CANCELLED)
    assert (late.text, late.stop_reason) == ("Hm.", StopReason.TIMEOUT)


def test_out_of_time_the_last_reply_is_the_answer() -> None:
    model = ScriptedModel(replies=["Hm."])
    answer = Agent(model, strategy=strategy("cot"), limits=AgentLimits(seconds=1e-6)).run("How many?")
    assert answer.stop_reason is not StopReason.COMPLETED
    assert len(model.calls) <= 1
