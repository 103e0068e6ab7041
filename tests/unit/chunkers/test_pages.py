"""Page numbers from offsets."""

from hypothesis import given
from hypothesis import strategies as st

from agentkit.chunkers import page_at


@given(st.lists(st.text("ab", max_size=5), min_size=1), st.data())
def test_each_character_stands_on_the_page_it_came_from(pages: list[str], data: st.DataObject) -> None:
    offsets = [sum(len(page) + 2 for page in pages[:number]) for number in range(len(pages))]
    number = data.draw(st.integers(1, len(pages)))
    for position in range(len(pages[number - 1])):
        assert page_at(offsets, offsets[number - 1] + position) == number


def test_a_format_without_pages_has_none() -> None:
    assert page_at([], 5) is None
