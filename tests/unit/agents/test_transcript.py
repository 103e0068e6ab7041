"""What gives way, and in which order, where a transcript does not fit."""

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agentkit.agents.transcript import fitted


def _count(messages: list[BaseMessage]) -> int:
    return sum(len(str(message.content)) for message in messages)


def _transcript(*observations: int, thought: str = "I look.") -> list[BaseMessage]:
    messages: list[BaseMessage] = [SystemMessage("system"), HumanMessage("the task")]
    for number, chars in enumerate(observations):
        call = {"name": "look", "args": {"n": number}, "id": str(number)}
        messages += [
            AIMessage(thought, tool_calls=[call]),
            ToolMessage(str(number % 10) * chars, tool_call_id=str(number)),
        ]
    return messages


def test_what_fits_stays_as_it_is() -> None:
    messages = _transcript(100, 100)
    assert fitted(messages, 1000, _count, task=1) == (messages, None)
    assert fitted(messages, None, lambda _: 10**9, task=1) == (messages, None)


def test_old_observations_are_condensed_first_and_it_is_said() -> None:
    messages = _transcript(1000, 1000, 1000, 1000)
    found, said = fitted(messages, 3500, _count, task=1)
    assert said == "2 old results of tools were condensed to fit the context"
    assert [str(found[number].content)[160:] for number in (3, 5)] == ["\n[condensed: 840 characters left out]"] * 2
    assert found[6:] == messages[6:]
    assert messages[3].content == "0" * 1000


def test_more_gives_way_than_must_so_that_the_next_prompts_only_grow_at_their_end() -> None:
    found, _ = fitted(_transcript(*[1000] * 8), 7500, _count, task=1)
    assert _count(found) <= 7500 * 0.75
    longer = [*found, AIMessage("x"), ToolMessage("y" * 1000, tool_call_id="9")]
    assert fitted(longer, 7500, _count, task=1) == (longer, None)


def test_then_the_oldest_steps_are_left_out_and_the_task_says_so() -> None:
    found, said = fitted(_transcript(*[100] * 9, thought="t" * 300), 1500, _count, task=1)
    assert said is not None
    assert "old steps were left out" in said
    assert str(found[1].content).startswith("the task\n\n[")
    assert str(found[-1].content) == "8" * 100


def test_at_last_the_latest_observations_are_cut_and_the_cut_is_true() -> None:
    found, said = fitted(_transcript(8000), 3000, _count, task=1)
    assert said == "1 of the latest results of tools were cut to fit the context"
    shown, _, note = str(found[-1].content).partition("\n")
    assert note == f"[cut here: {8000 - len(shown):,} characters left out]"


@given(st.lists(st.integers(0, 3000), max_size=12), st.integers(300, 6000))
def test_system_task_and_latest_step_always_stay(observations: list[int], limit: int) -> None:
    messages = _transcript(*observations)
    found, said = fitted(messages, limit, _count, task=1)
    assert found[0] == messages[0]
    assert str(found[1].content).startswith("the task")
    assert (said is None) == (found == messages)
    calls = [call["id"] for message in found if isinstance(message, AIMessage) for call in message.tool_calls]
    assert calls == [message.tool_call_id for message in found if isinstance(message, ToolMessage)]
    if observations:
        assert calls[-1] == str(len(observations) - 1)
    assert _count(found) <= limit or _count(found) <= 900
