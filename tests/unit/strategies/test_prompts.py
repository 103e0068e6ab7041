"""Every strategy by name, on a scripted model: everything that it asks, word for word, and what comes of it."""

import time

import pytest

from agentkit import ScriptedModel
from agentkit.strategies import Example, NumberForm, Problem, strategy

_PENS = Problem("3 boxes of 4 pens?", "A shop sells pens.", NumberForm(), system="Be exact.")
_ASKED = "A shop sells pens.\n\n3 boxes of 4 pens?"
_PLAIN = "\n\nGive only the answer: a number without its unit."
_ENDING = ' Then give a number without its unit in a last line that begins with "Answer: ".'
_REASON = f"\n\nLet's think step by step.{_ENDING}"
_DRAFT = "3 + 4.\nAnswer: 7"
_STEP = "Write only the next step towards the answer, in one line."
_VERDICT = "Can these steps lead to a right answer? Say only one word: sure, likely or impossible."

_CASES: list[tuple[str, dict[str, object], list[str], list[str], str, float | None]] = [
    ("direct", {}, ["12"], [_ASKED + _PLAIN], "12", None),
    (
        "few-shot",
        {"examples": [Example("1 + 1?", "2")]},
        ["12"],
        ["1 + 1?" + _PLAIN, "2", _ASKED + _PLAIN],
        "12",
        None,
    ),
    ("cot", {}, ["3 * 4.\nAnswer: 12"], [_ASKED + _REASON], "12", None),
    (
        "self-consistency",
        {"samples": 3},
        ["Answer: 7", "Answer: 12", "Answer: 12.0"],
        [_ASKED + _REASON] * 3,
        "12",
        2 / 3,
    ),
    (
        "tot",
        {"depth": 1, "proposals": 2},
        ["Add.", "Multiply.", *["impossible"] * 3, "sure", "sure", "likely", "12"],
        [
            *[f"{_ASKED}\n\n{_STEP}"] * 2,
            *[f"{_ASKED}\n\nSteps so far:\nAdd.\n\n{_VERDICT}"] * 3,
            *[f"{_ASKED}\n\nSteps so far:\nMultiply.\n\n{_VERDICT}"] * 3,
            f"{_ASKED}\n\nThese steps were taken:\nMultiply.{_PLAIN}",
        ],
        "12",
        (1 + 1 + 0.05) / 3,
    ),
    (
        "plan",
        {},
        ["Multiply.\nAnswer: 12"],
        [
            (
                f"{_ASKED}\n\nLet's first understand the problem and devise a plan to solve it. Then let's carry out "
                f"the plan, step by step, with correct calculations.{_ENDING}"
            )
        ],
        "12",
        None,
    ),
    (
        "refine",
        {"rounds": 1},
        [_DRAFT, "It must multiply.", "3 * 4.\nAnswer: 12"],
        [
            _ASKED + _REASON,
            (
                f"{_ASKED}\n\nA draft:\n{_DRAFT}\n\nCheck every step of the draft and name its mistakes. If it has "
                'none, say only "No mistakes."'
            ),
            (
                f"{_ASKED}\n\nA draft:\n{_DRAFT}\n\nWhat is wrong with it:\nIt must multiply.\n\nWrite a better one. "
                f"Let's think step by step.{_ENDING}"
            ),
        ],
        "12",
        None,
    ),
]


@pytest.mark.parametrize(
    ("name", "options", "replies", "asked", "answer", "confidence"), _CASES, ids=lambda value: value
)
def test_this_is_all_that_is_asked(
    name: str,
    options: dict[str, object],
    replies: list[str],
    asked: list[str],
    answer: str,
    confidence: float | None,
) -> None:
    model = ScriptedModel(replies=replies)
    chosen = strategy(name, **options)
    started = time.perf_counter()
    found = chosen.solve(_PENS, model)
    assert time.perf_counter() - started < 1  # milliseconds, on a machine that is not busy
    assert (found.text, found.confidence) == (answer, confidence and pytest.approx(confidence))
    said = [str(message.content) for call in model.calls for message in call if message.type != "system"]
    assert said == asked
    assert all(call[0].content == "Be exact." for call in model.calls)
