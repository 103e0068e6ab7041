"""`agentkit.cli._terminal`."""

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.cli._terminal import neutralise, neutralise_line, supports_links, to_json, uses_colour

ANY_TEXT = st.text(st.characters())  # lone surrogates included
BIDI_CLASSES = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def is_obeyed(character: str) -> bool:
    """Unicode's own view of what is not shown but acts."""
    return unicodedata.category(character) in ("Cc", "Cs") or unicodedata.bidirectional(character) in BIDI_CLASSES


@given(ANY_TEXT)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert not any(is_obeyed(character) for character in neutralise(text).replace("\n", ""))
    assert not any(is_obeyed(character) for character in neutralise_line(text))


@given(st.lists(ANY_TEXT))
def test_it_makes_no_difference_how_a_text_is_cut(pieces: list[str]) -> None:
    whole = "".join(pieces).replace("\r", "")
    assert "".join(neutralise(piece.replace("\r", "")) for piece in pieces) == neutralise(whole)


@given(ANY_TEXT)
def test_a_line_stays_one_line(text: str) -> None:
    assert len(neutralise_line(text).splitlines()) <= 1


def test_an_escape_sequence_is_shown_and_not_obeyed() -> None:
    assert neutralise("\x1b[2J\x07") == "␛[2J␇"
    assert neutralise("\x9b2J") == "\ufffd2J"


def test_a_file_name_cannot_show_another_ending() -> None:
    assert neutralise_line("invoice\u202efdp.exe") == "invoice\ufffdfdp.exe"


def test_plain_text_of_any_script_stays_as_it_is() -> None:
    text = "Grüße, 你好, שלום, 👩‍🚀\n"
    assert neutralise(text) == text


@given(st.dictionaries(ANY_TEXT, ANY_TEXT))
def test_json_keeps_every_character_and_shows_none_that_acts(value: dict[str, str]) -> None:
    text = to_json(value)
    assert json.loads(text) == value
    assert not any(is_obeyed(character) for character in text.replace("\n", ""))


def test_json_keeps_letters_readable() -> None:
    assert to_json(["Grüße"]) == '[\n  "Grüße"\n]'


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, True),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "dumb", "VTE_VERSION": "7600"}, False),
        ({"TERM": "screen", "VTE_VERSION": "7600"}, False),
        ({"TERM": "xterm", "FORCE_HYPERLINK": "1"}, True),
        ({"TERM": "xterm-kitty", "FORCE_HYPERLINK": "0"}, False),
    ],
)
def test_links_are_for_terminals_that_make_them(environment: dict[str, str], expected: bool) -> None:
    assert supports_links(Terminal(), environment) is expected
    assert supports_links(io.StringIO(), environment) is False


def test_colour_is_for_terminals_whose_owner_wants_it() -> None:
    assert uses_colour(Terminal(), {"TERM": "xterm"})
    assert not uses_colour(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    assert not uses_colour(Terminal(), {"TERM": "dumb"})
    assert not uses_colour(io.StringIO(), {"TERM": "xterm"})
