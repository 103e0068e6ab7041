"""Planning before solving: in one reply (plan-and-solve), or question by question (least-to-most).

Wang et al. 2023 (arXiv:2305.04091); Zhou et al. 2022 (arXiv:2205.10625).
"""

import re
from dataclasses import dataclass, replace

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, HumanMessage

from agentkit.results import Answer
from agentkit.strategies.asking import Asker, Request
from agentkit.strategies.chain_of_thought import ChainOfThought
from agentkit.strategies.concluding import ask_with_reasoning, reasoned_question, to_answer
from agentkit.strategies.examples import ExampleChooser, NoExamples
from agentkit.strategies.problem import Problem, check_range

_PLAN = (
    "Let's first understand the problem and devise a plan to solve it. Then let's carry out the plan, step by step, "
    "with correct calculations."
)
_BULLET = re.compile(r"^\s*(?:[-*•]|\(?\d+[.):])\s*")


def plan_and_solve(
    *,
    examples: ExampleChooser = NoExamples(),  # noqa: B008 - it is immutable
    max_tokens: int = 640,
    temperature: float = 0.0,
    seed: int = 0,
) -> ChainOfThought:
    """A chain of thought that begins with a plan.

    Raises:
        StrategyError: an option out of its range.
    """
    return ChainOfThought(
        examples=examples, instruction=_PLAN, max_tokens=max_tokens, temperature=temperature, seed=seed
    )


@dataclass(frozen=True, slots=True)
class LeastToMost:
    """Has the problem divided into simpler questions, answers them in turn, each knowing the ones before, then it."""

    most_questions: int = 5
    max_tokens: int = 256
    """Longest reply to one question."""
    seed: int = 0

    def __post_init__(self) -> None:
        check_range("most_questions", self.most_questions, 1, 32)
        check_range("max_tokens", self.max_tokens, 1, 1_000_000)

    def solve(self, problem: Problem, model: BaseChatModel) -> Answer:
        asker = Asker(model, problem.opening)
        request = Request(_ask_for_questions(problem), self.max_tokens, seed=self.seed)
        lines = [_BULLET.sub("", line).strip() for line in asker.ask(request).text.splitlines()]
        solved = ""
        for question in [line for line in lines if line.endswith("?")][: self.most_questions]:
            asked = (HumanMessage(f"{problem.text}\n\n{solved}Answer this in one or two sentences: {question}"),)
            reply = asker.ask(Request(asked, self.max_tokens, seed=self.seed))
            solved += f"Q: {question}\nA: {' '.join(reply.text.split())}\n\n"
        text = reasoned_question(f"{problem.text}\n\n{solved}".strip(), problem.form, "Use the answers above, if any.")
        request = Request((HumanMessage(text),), self.max_tokens, seed=self.seed)
        conclusion = ask_with_reasoning(asker, request, problem.form)
        return to_answer(replace(conclusion, reasoning=(solved + conclusion.reasoning).strip()), asker)


def _ask_for_questions(problem: Problem) -> tuple[BaseMessage, ...]:
    wanted = "Do not solve this yet. List the simpler questions that must be answered first, one a line."
    return (HumanMessage(f"{problem.text}\n\n{wanted}"),)
