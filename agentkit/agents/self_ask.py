"""A question answered from lines of documents in several hops: Self-Ask (Press et al. 2022, arXiv:2210.03350).

The model asks itself what must be found out first, and goes on with what it found. Before each answer it quotes the
line that tells it; a constraint leaves it the lines that it is shown and no others. A model of 1.5 billion parameters
that has whole passages before it takes the next row of a table for the one that is meant; the line that it has just
copied it reads right.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from agentkit.agents.citing import Quote
from agentkit.agents.terms import numeric_terms_of, terms_of
from agentkit.models.constraints import Constraint, lark, literal, substring_rule
from agentkit.models.messages import text_of
from agentkit.models.outcome import usage_of
from agentkit.results import Usage

_MOST_HOPS = 3
_INSTRUCTIONS = "Answer the question from the lines of documents that you are given."
_LINE, _ANSWER, _FINAL, _NONE = "\nLine: ", "\nIntermediate answer: ", "So the final answer is: ", "none of these"
_HOP = re.compile(f"{_LINE}(.*){_ANSWER}(.*)")
_EXAMPLES = (
    (
        (
            "name: Greta Holm; trade: baker; street: Mill Lane; dog: Rex; neighbour: Otto Brandt",
            "name: Otto Brandt; trade: smith; street: Church Road; dog: Bella; neighbour: none",
            "The clock of the town hall was wound every Sunday by Otto Brandt until 1988.",
            "The clock of the school was given by the baker.",
        ),
        "In which street lives the man who wound the clock of the town hall?",
        """\
Follow up: Who wound the clock of the town hall?
Line: The clock of the town hall was wound every Sunday by Otto Brandt until 1988.
Intermediate answer: Otto Brandt
Follow up: In which street lives Otto Brandt?
Line: name: Otto Brandt; trade: smith; street: Church Road; dog: Bella; neighbour: none
Intermediate answer: Church Road
So the final answer is: Otto Brandt, who wound the clock of the town hall, lives in Church Road.""",
    ),
    (
        (
            "| Train | Leaves | Seats |",
            "| Comet | 7.10 | 220 |",
            "| Arrow | 9.45 | 180 |",
            "The new engine of the Arrow is red; that of the Comet is still green.",
            "In winter the Comet leaves ten minutes later.",
        ),
        "How many seats has the train with the green engine?",
        """\
Follow up: Which train has a green engine?
Line: The new engine of the Arrow is red; that of the Comet is still green.
Intermediate answer: the Comet
Follow up: How many seats has the Comet?
Line: | Comet | 7.10 | 220 |
Intermediate answer: 220
So the final answer is: The train with the green engine, the Comet, has 220 seats.""",
    ),
)


@dataclass(frozen=True)
class SelfAsk:
    """A question and the lines that may answer it, each of which has a word."""

    question: str
    lines: Sequence[Quote]
    instructions: str = ""
    """What else the answer shall be, as a system message says it."""

    @property
    def messages(self) -> list[BaseMessage]:
        """The prompt, which begins alike for every question."""
        system = "\n\n".join(part for part in (_INSTRUCTIONS, self.instructions) if part)
        messages: list[BaseMessage] = [SystemMessage(system)]
        for lines, question, hops in _EXAMPLES:
            messages += [_asked(lines, question), AIMessage(hops)]
        return [*messages, _asked(self._texts, self.question)]

    def ask(self, complete: Callable[[Constraint, str], AIMessage]) -> tuple[str, Usage]:
        """The hops and the final answer, as far as they came, and what they cost.

        `complete` gives what the model adds, under a constraint, to the reply so far.
        """
        reply, added, usage = "", "\n", Usage()
        while added.endswith("\n"):  # as a hop does
            message = complete(self.next(reply), reply)
            added = text_of(message)
            reply, usage = reply + added, usage + usage_of(message)
        return reply, usage

    def next(self, hops: str) -> Constraint:
        """What may follow the hops so far: one more, with a line and an answer out of that line; the final
        answer; or a question that no line answers.
        """
        count = hops.count(_ANSWER)
        may_ask = ["ASK NONE", *(f"ASK LINE{number} ANSWER{number} END" for number in range(len(self._texts)))]
        may_end = ["FINAL"] if count else []
        rules = [
            f"start: {' | '.join(may_end + (may_ask if count < _MOST_HOPS else []))}",
            r'ASK: "Follow up: " /[^\n?]{3,150}\?/',
            f"NONE: {literal(_LINE + _NONE)}",
            f"FINAL: {literal(_FINAL)} /[^\\n]{{1,300}}/",
            'END: "\\n"',
        ]
        for number, text in enumerate(self._texts):
            rules += [
                f"LINE{number}: {literal(_LINE + text + _ANSWER)}",
                f"PART{number}: {substring_rule(text)}",
                f"ANSWER{number}: PART{number} & /[^ |].{{0,100}}/",  # a part may be none
            ]
        return lark("\n".join(rules) + "\n")

    def read(self, reply: str) -> tuple[str, list[Quote]] | None:
        """The final answer and the lines that it rests on; None where there is none.

        A number that neither the lines nor the question have is not from the documents, nor is a part of a number, such
        as 5 of 1.5: such an answer is none, too. So is one that takes nothing from its hops, nor a number from another
        line: a small model goes on where it has found nothing.
        """
        hops, _, answer = f"\n{reply}".partition(f"\n{_FINAL}")  # elsewhere in a line it is the document's
        parts = _HOP.findall(hops)
        if any(numeric_terms_of(part) - numeric_terms_of(line) for line, part in parts):
            return None
        quoted = {line for line, _ in parts}
        told = [line for line, text in zip(self.lines, self._texts, strict=True) if text in quoted]
        missing = numeric_terms_of(answer) - numeric_terms_of("\n".join([self.question, *(each.text for each in told)]))
        found = missing.union(*(terms_of(part) for _, part in parts)) - terms_of(self.question)
        for line in self.lines:
            if numbers := missing & numeric_terms_of(line.text):
                told.append(line)
                missing -= numbers
        return None if missing or not found & terms_of(answer) else (answer.strip(), told)

    @property
    def _texts(self) -> list[str]:
        return [re.sub(r"\s+", " ", line.text).strip() for line in self.lines]


def _asked(lines: Sequence[str], question: str) -> HumanMessage:
    return HumanMessage("\n".join(f"- {line}" for line in lines) + f"\n\nQuestion: {question}")
