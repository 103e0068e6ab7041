"""A question that the documents alone can answer: read out of their passages as `ask` does, or hop by hop.

A small model that is given passages and tools and is left to itself talks about them, takes the next row for the one
that is meant, and makes up what they do not say. So a model of our own is asked in these two ways before the loop.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from agentkit.agents.evidence import evidence
from agentkit.agents.focus import focus, is_told_together
from agentkit.agents.model import AgentModel
from agentkit.agents.reading import awaited
from agentkit.agents.self_ask import SelfAsk
from agentkit.errors import ConstraintError, ContextLengthError
from agentkit.indexes.retriever import hit_document
from agentkit.models.chat import LocalChatModel
from agentkit.models.context import text_tokens
from agentkit.reading.answer import read_answer, room_for_passages
from agentkit.reading.passages import Passage, fit_passages
from agentkit.results import Answer, Usage
from agentkit.tools.retrieval import PassageNumbering

_HOP_TOKENS, _MOST_HOPS_TOKENS = 400, 1200
"""The longest hop, whose line is a part of it, and the longest reply of several."""
_PUT_TOGETHER = "no passage states the answer: it is put together from the quoted lines"
"""A small model cannot tell whether it follows from them."""


@dataclass(frozen=True)
class DocumentsQuestion:
    """A question and the passages that the first search found for it."""

    question: str
    passages: PassageNumbering
    model: AgentModel
    instructions: str
    """What else the answer shall be, as a system message says it."""
    is_over: Callable[[], bool]
    """Whether the answer is no longer waited for."""

    def answer(self, local: LocalChatModel) -> tuple[Answer | None, Usage]:
        """What the passages answer, None where it was not found in them, and what asking cost.

        Where one passage has all words of the question that any has, it is likely to answer it alone; else facts of
        several may have to be put together.
        """
        if is_told_together(self.question, self.passages):
            return self._read(local)
        answer, hops_cost = self._hop()
        if answer or self.is_over():
            return answer, hops_cost
        answer, cost = self._read(local)
        return answer, hops_cost + cost

    def _read(self, local: LocalChatModel) -> tuple[Answer | None, Usage]:
        found = [Passage.of(each.number, hit_document(each.hit)) for each in self.passages]
        try:
            room = room_for_passages(self.question, local, system=self.instructions)
        except ContextLengthError:
            return None, Usage()
        included, _ = fit_passages(found, room, partial(text_tokens, local))
        if not included:
            return None, Usage()
        unlimited = local.without_limits()  # which would cut quotes
        read = partial(read_answer, self.question, included, unlimited, system=self.instructions)
        answer = awaited(lambda: self.model.traced(read), self.is_over)
        if answer is None:
            return None, Usage()
        return answer if answer.is_grounded else None, answer.usage

    def _hop(self) -> tuple[Answer | None, Usage]:
        """From the lines that are likely to matter."""
        asked = SelfAsk(self.question, focus(self.question, self.passages), self.instructions)
        messages, longest = asked.messages, self.model.longest_reply(_HOP_TOKENS)
        room = self.model.room(_MOST_HOPS_TOKENS)
        if not asked.lines or (room is not None and self.model.count(messages) > room):
            return None, Usage()
        complete = partial(self.model.complete, messages, max_tokens=longest, has_tools=False)
        try:
            replied = awaited(lambda: asked.ask(complete), self.is_over)
        except ConstraintError:  # a line of which the grammar can make nothing
            return None, Usage()
        if replied is None:
            return None, Usage()
        reply, usage = replied
        if (found := asked.read(reply)) is None:
            return None, usage
        text, lines = found
        quotes = evidence(self.question, text, self.passages, lines)
        citations = tuple(quote.citation for quote in quotes)
        return Answer(text, citations, bool(quotes), warnings=(_PUT_TOGETHER,), reasoning=reply), usage
