"""Numbers and names of an answer that stand in nothing that was read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.agents.unread import unread_facts

_READ = """name: Caspar Lunde; post: mill keeper; telephone: 52
The mill was built in 1871 for 8,400 crowns, a third of it (33.333 %) from Åse Tveit. It has fifteen sails.
"""


@pytest.mark.parametrize(
    ("answer", "unread"),
    [
        ("The mill was built in 1871.", []),
        ("The mill was built in 1871 by Tove Arnesen for 9,000 crowns.", ["9000", "Tove Arnesen"]),
        ("Øystein, or Vik. Arnesen, too.", []),
        ("It was Øystein Vik.", ["Øystein Vik"]),
        ("It was Åse Tveit, or Caspar Vik.", []),
        (
            "The keeper, **Caspar Lunde**, has the number 52 [14]. Mill [1, 23]. So it is 52.",
            [],
        ),
        ("1. Caspar Lunde keeps it.\n2. Therefore it is 52.\n\n- Barley is ground [3]", []),
        ("## Total Cost Overview\n\nStep 12: a third is 33.33, of 15 sails.", []),
        ("1872. That is the year.", ["1872"]),
        ("52: the telephone. 53 is none.", ["53"]),
        ("There are three mills and 7 keepers.", []),
        ("", []),
    ],
)
def test_numbers_and_names_that_were_not_read_are_told(answer: str, unread: list[str]) -> None:
    assert unread_facts(answer, _READ) == unread


@given(st.text(max_size=80))
def test_a_text_has_nothing_that_it_has_not(text: str) -> None:
    assert unread_facts(text, text) == []
