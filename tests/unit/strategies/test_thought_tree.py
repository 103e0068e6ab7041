"""The tree as a result: walked, kept as JSON, drawn."""

import json
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.errors import StrategyError
from agentkit.results import StopReason, Usage
from agentkit.strategies import Fate, Thought, ThoughtTree, to_html


@st.composite
def _trees(draw: st.DrawFn) -> ThoughtTree:
    thoughts = [Thought(0, None, 0, "", "start", None, Fate.KEPT)]
    for number in range(1, draw(st.integers(1, 12))):
        parent = thoughts[draw(st.integers(0, number - 1))]
        value = draw(st.none() | st.floats(0, 1))
        text = draw(st.text(max_size=50))
        fate = draw(st.sampled_from(list(Fate)))
        thoughts.append(Thought(number, parent.id, parent.depth + 1, text, text, value, fate))
    return ThoughtTree(tuple(thoughts), StopReason.COMPLETED, Usage(seconds=1.5))


@given(_trees())
def test_a_tree_survives_json(tree: ThoughtTree) -> None:
    assert ThoughtTree.from_json(tree.to_json()) == tree


@given(_trees())
def test_a_walk_visits_every_thought_once_and_parents_first(tree: ThoughtTree) -> None:
    walked = [thought.id for thought in tree.walk()]
    assert sorted(walked) == list(range(len(tree.thoughts)))
    place = {number: index for index, number in enumerate(walked)}
    assert all(thought.parent is None or place[thought.parent] < place[thought.id] for thought in tree.thoughts)
    assert len(tree.path(tree.best)) == tree.best.depth


@given(_trees())
def test_a_picture_has_a_box_for_every_thought_and_loads_nothing(tree: ThoughtTree) -> None:
    page = to_html(tree)
    svg = ET.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    boxes = svg.findall("{http://www.w3.org/2000/svg}g")
    assert len(boxes) == len(tree.thoughts)
    corners = {(box[1].get("x"), box[1].get("y")) for box in boxes}
    assert len(corners) == len(boxes), "no two thoughts are drawn on each other"


def test_a_thought_cannot_bring_markup_into_the_picture() -> None:
    attack = "</svg><script src=x></script>"
    tree = ThoughtTree((Thought(0, None, 0, "", ""), Thought(1, 0, 1, attack, attack)), StopReason.COMPLETED, Usage())
    tags = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)

    Reader().feed(to_html(tree, title=attack))
    assert "script" not in tags
    assert not {"link", "img", "iframe"} & set(tags)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"thoughts": []},
        {"thoughts": [{"id": 0, "parent": 3, "depth": 0, "text": "", "state": "", "value": None, "fate": "kept"}]},
        {"thoughts": [{"id": 0}]},
        {"stop_reason": "bored"},
    ],
)
def test_json_that_is_no_tree_is_refused(change: dict[str, object]) -> None:
    tree = ThoughtTree((Thought(0, None, 0, "", ""),), StopReason.COMPLETED, Usage())
    with pytest.raises(StrategyError):
        ThoughtTree.from_json(json.dumps({**json.loads(tree.to_json()), **change}))
    with pytest.raises(StrategyError, match="not a tree's JSON"):
        ThoughtTree.from_json("nonsense")
