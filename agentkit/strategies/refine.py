"""Self-Refine (Madaan et al. 2023, arXiv:2303.17651): draft, feedback by the same model, a better draft."""

import re
from dataclasses import dataclass, field, replace

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage

from agentkit.results import Answer
from agentkit.strategies.asking import Asker, Request
from agentkit.strategies.chain_of_thought import ChainOfThought
from agentkit.strategies.concluding import Conclusion, ask_with_reasoning, reasoned_question, reasoned_reply, to_answer
from agentkit.strategies.problem import Problem, check_range

_NO_MISTAKES = "No mistakes."
_IS_FINE = re.compile(r"^\W*no mistakes\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SelfRefine:
    """A chain of thought that the model criticises and writes again, until it finds no mistakes."""

    rounds: int = 2
    """Most times that it is criticised."""
    chain: ChainOfThought = field(default_factory=ChainOfThought)
    """How the drafts reason."""

    def __post_init__(self) -> None:
        check_range("rounds", self.rounds, 1, 16)

    def solve(self, problem: Problem, model: BaseChatModel) -> Answer:
        asker = Asker(model, problem.opening)
        fitted = self.chain.prompt(problem, model)
        draft = ask_with_reasoning(asker, self._request(fitted.messages), problem.form)
        history = [_shown(draft)]
        for _ in range(self.rounds):
            feedback = asker.ask(self._request((HumanMessage(_ask_for_feedback(problem, draft)),))).text
            if not feedback or _IS_FINE.match(feedback):
                break
            better = (HumanMessage(self._ask_for_better(problem, draft, feedback)),)
            draft = ask_with_reasoning(asker, self._request(better), problem.form)
            history += [f"Feedback: {feedback}", _shown(draft)]
        return to_answer(replace(draft, reasoning="\n\n".join(history)), asker, fitted.warnings)

    def _request(self, messages: tuple[BaseMessage, ...]) -> Request:
        return Request(messages, self.chain.max_tokens, self.chain.temperature, self.chain.seed)

    def _ask_for_better(self, problem: Problem, draft: Conclusion, feedback: str) -> str:
        text = f"{problem.text}\n\nA draft:\n{_shown(draft)}\n\nWhat is wrong with it:\n{feedback}"
        return reasoned_question(text, problem.form, f"Write a better one. {self.chain.instruction}")


def _ask_for_feedback(problem: Problem, draft: Conclusion) -> str:
    return (
        f"{problem.text}\n\nA draft:\n{_shown(draft)}\n\nCheck every step of the draft and name its mistakes. "
        f'If it has none, say only "{_NO_MISTAKES}"'
    )


def _shown(draft: Conclusion) -> str:
    return draft.said if draft.answer is None else reasoned_reply(draft.reasoning, draft.answer)
