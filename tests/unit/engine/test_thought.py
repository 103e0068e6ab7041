"""Where a thought ends, and what of it may be shown before that is certain."""

from hypothesis import given
from hypothesis import strategies as st

from agentkit.models.constraints import Thought
from agentkit.models.engine.thought import ThoughtText, Turn
from agentkit.models.tool_calling import ToolBinding

CALL = ToolBinding(({"function": {"name": "add"}},), "auto").constraint(lambda tag: f'"{tag}"')
assert CALL is not None
assert CALL.thought is not None


def _read(thought: Thought, pieces: list[bytes]) -> tuple[bytes, Turn | None]:
    """What was shown of the thought, and its turn."""
    text, shown = ThoughtText(thought), b""
    for piece in pieces:
        if turn := text.add(piece):
            return shown + text.take(turn), turn
        shown += text.take()
    return shown + text.take_all(), None


@given(st.text(alphabet="ab<#>\n `{", max_size=40), st.lists(st.integers(1, 5), max_size=40))
def test_text_up_to_the_marker_is_shown_whatever_the_tokens_are(before: str, sizes: list[int]) -> None:
    whole = f"{before}##>rest".encode()
    pieces, at = [], 0
    for size in [*sizes, len(whole)]:
        pieces.append(whole[at : at + size])
        at += size
    shown, turn = _read(Thought("##>"), [piece for piece in pieces if piece])
    assert shown == whole[: whole.index(b"##>")]
    assert turn is not None
    assert b"".join(pieces[: turn.tokens]) + turn.rest == shown


def test_without_a_marker_everything_is_shown() -> None:
    assert _read(Thought("<tool_call>"), [b"2 < 3", b" <", b"tool"]) == (b"2 < 3 <tool", None)


def test_what_could_begin_the_marker_is_held_until_it_is_certain() -> None:
    text = ThoughtText(Thought("<tool_call>"))
    text.add(b"So <tool")
    assert text.take() == b"So "
    text.add(b"box>")
    assert text.take() == b"<toolbox>"


def test_a_call_without_its_tag_is_taken_for_one() -> None:
    pieces = [b"I add.\n", b"```json", b"\n", b'{"', b'name": "', b"add", b'", "']
    shown, turn = _read(CALL.thought, pieces)  # type: ignore[union-attr,arg-type]
    assert shown == b"I add.\n"
    assert turn == Turn(1, b"")


def test_a_call_in_the_middle_of_a_line_is_taken_for_one() -> None:
    pieces = [b"So, the answer is ", b"{", b'"name": ', b'"add', b'", "arguments']
    assert _read(CALL.thought, pieces) == (pieces[0], Turn(1, b""))  # type: ignore[union-attr,arg-type]
    text = b'As {"a": {"b": 1}} and x < y and <b>bold</b> say'
    assert _read(CALL.thought, [text[:20], text[20:]]) == (text, None)  # type: ignore[union-attr,arg-type]


def test_the_list_of_tools_copied_is_taken_for_a_call() -> None:
    pieces = [b"I add them:\n", b"<tools", b">\n", b'{"type": "', b"function", b'", "function"']
    assert _read(CALL.thought, pieces) == (pieces[0], Turn(1, b""))  # type: ignore[union-attr,arg-type]
    pieces = [b"Write\n", b"<tools", b">\n", b"<tool>saw"]
    assert _read(CALL.thought, pieces) == (b"".join(pieces), None)  # type: ignore[union-attr,arg-type]


def test_a_fence_around_the_tag_is_taken_off() -> None:
    assert _read(CALL.thought, [b"```json\n", b"<tool_call>"])[0] == b""  # type: ignore[union-attr,arg-type]


def test_what_a_tool_gives_made_up_without_a_call_is_taken_for_one() -> None:
    pieces = [b"I search:\n", b"<", b"tool", b"_res", b"ponse", b">\n"]
    assert _read(CALL.thought, pieces) == (b"I search:\n", Turn(1, b""))  # type: ignore[union-attr,arg-type]
    assert _read(CALL.thought, [b"<to", b"p>", b" it is"])[0] == b"<top> it is"  # type: ignore[union-attr,arg-type]


def test_other_json_is_text() -> None:
    for pieces in ([b'{"title": ', b'"x"}'], [b'{"name": "', b"A", b'nn"}'], [b'{"name": "add', b'ress"}']):
        assert _read(CALL.thought, pieces) == (b"".join(pieces), None)  # type: ignore[union-attr,arg-type]


def test_a_name_is_held_until_it_is_certain_that_it_is_no_tool_s() -> None:
    text = ThoughtText(CALL.thought)  # type: ignore[union-attr,arg-type]
    text.add(b'{"name": "ad')
    assert text.take() == b""
    text.add(b'a", ')
    assert text.take() == b'{"name": "ada", '


def test_a_marker_inside_reasoning_does_not_count() -> None:
    pieces = [b"<think>a <tool_call> b", b"</think>", b"ok <tool_call>"]
    shown, turn = _read(Thought("<tool_call>"), pieces)
    assert shown.endswith(b"</think>ok ")
    assert turn == Turn(2, b"ok ")
    assert _read(Thought("#", is_reasoning_open=True), [b"a # b", b"</think>c#"])[0] == b"a # b</think>c"


def test_a_begun_marker_at_the_end_does_not_count_twice() -> None:
    text = ThoughtText(Thought("<tool_call>"))
    text.add(b"Well")
    text.add(b" <tool")
    assert text.end() == Turn(1, b" ")


@given(st.integers(1, 100_000), st.integers(1, 500), st.one_of(st.none(), st.integers(1, 500)))
def test_thought_and_constrained_part_both_have_room(reply: int, reserve: int, most: int | None) -> None:
    limit = Thought("#", reserve=reserve, max_tokens=most).limit(reply)
    assert limit <= reply - min(reserve, reply * 3 // 4)
    assert limit >= 1
