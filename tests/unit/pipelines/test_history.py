"""What of a conversation is still read."""

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agentkit.models.context import prompt_tokens
from agentkit.models.scripted import ScriptedModel
from agentkit.pipelines.history import Exchange, fit_history, left_out, messages_of

SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=60)


def _count(messages: list[BaseMessage]) -> int:
    return prompt_tokens(ScriptedModel(replies=[]), messages)


def test_exchanges_become_messages_of_both_sides() -> None:
    assert messages_of([Exchange("a", "b"), Exchange("c")]) == [HumanMessage("a"), AIMessage("b"), HumanMessage("c")]


@given(SIZES, st.integers(60, 400))
def test_what_is_kept_fits_and_holds_the_last(sizes: list[int], room: int) -> None:
    first = left_out(sizes, room)
    assert first < len(sizes)
    assert sum(sizes[first:]) <= room


@given(SIZES, st.integers(60, 400))
def test_nothing_is_left_out_where_all_fits(sizes: list[int], room: int) -> None:
    if sum(sizes) <= room:
        assert left_out(sizes, room) == 0


@given(SIZES, st.integers(120, 400))
def test_a_beginning_is_kept_for_several_turns_so_that_the_cache_holds(sizes: list[int], room: int) -> None:
    firsts = [left_out(sizes[: number + 1], room) for number in range(len(sizes))]
    assert firsts == sorted(firsts)
    cuts = len(set(firsts)) - 1
    assert cuts <= sum(sizes) / (room * 0.4 - 60 if room > 300 else 1)


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=80)), min_size=1, max_size=30), st.integers(80, 300))
def test_the_messages_fit_by_the_models_own_count(pairs: list[tuple[str, str]], room: int) -> None:
    exchanges = [Exchange(*pair) for pair in pairs]
    kept, first = fit_history(exchanges, room, _count)
    assert kept == exchanges[first:]
    assert len(kept) == 1 or _count(list(messages_of(kept))) <= room


def test_without_a_known_limit_everything_is_read() -> None:
    exchanges = [Exchange("a" * 1000, "b" * 1000)] * 50
    assert fit_history(exchanges, None, _count) == (exchanges, 0)
