"""The seam of the strategies: a problem and a chat model in, an answer with its reasoning out."""

from dataclasses import dataclass, field
from typing import Protocol

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import SystemMessage

from agentkit.errors import StrategyError
from agentkit.results import Answer
from agentkit.strategies.forms import AnswerForm, TextForm


@dataclass(frozen=True, slots=True)
class Problem:
    """What is asked, with what it is about and what an answer looks like."""

    question: str
    context: str = ""
    """Text that the question is about: retrieved passages, a file. It stands before the question."""
    form: AnswerForm = field(default_factory=TextForm)
    system: str = ""
    """A system message for everything that the model is asked on the way."""

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise StrategyError("the problem has no question: give one")

    @property
    def text(self) -> str:
        """Context and question as one text."""
        return f"{self.context.strip()}\n\n{self.question.strip()}" if self.context.strip() else self.question.strip()

    @property
    def opening(self) -> tuple[SystemMessage, ...]:
        """What every prompt begins with: the system message, if there is one."""
        return (SystemMessage(self.system.strip()),) if self.system.strip() else ()


class Strategy(Protocol):
    """A way to get from a problem to an answer."""

    def solve(self, problem: Problem, model: BaseChatModel) -> Answer:
        """The answer, its reasoning, and what both cost.

        Where no answer of the problem's form could be read, `stop_reason` is `unparsed` and `text` is what the model
        said.

        Raises:
            ModelError: the model failed.
            StrategyError: a budget that is too small for one thought.
        """
        ...


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Refuse an option out of its range.

    Raises:
        StrategyError: it is; the message has the range.
    """
    if not least <= value <= most:
        raise StrategyError(f"{name} is {value}: give a value from {least} to {most}")
