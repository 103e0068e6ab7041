"""Chain of thought: reason first, then answer.

Wei et al. 2022 (arXiv:2201.11903) with reasoned examples; without any, zero-shot as Kojima et al. 2022
(arXiv:2205.11916).
"""

from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from agentkit.results import Answer
from agentkit.strategies.asking import Asker, Request
from agentkit.strategies.concluding import (
    ask_with_reasoning,
    reasoned_question,
    reasoned_reply,
    thought_then,
    to_answer,
)
from agentkit.strategies.examples import ExampleChooser, FittedPrompt, NoExamples, fit_examples
from agentkit.strategies.problem import Problem, check_range


@dataclass(frozen=True, slots=True)
class ChainOfThought:
    r"""One reasoning, then the answer in the problem's form.

    >>> from agentkit import ScriptedModel
    >>> from agentkit.strategies.forms import NumberForm
    >>> model = ScriptedModel(replies=["3 boxes of 4 are 12.\nAnswer: 12"])
    >>> answer = ChainOfThought().solve(Problem("3 boxes of 4 pens?", form=NumberForm()), model)
    >>> answer.text, answer.reasoning
    ('12', '3 boxes of 4 are 12.')
    """

    examples: ExampleChooser = NoExamples()  # noqa: RUF009 - it is immutable
    instruction: str = "Let's think step by step."
    max_tokens: int = 1024
    temperature: float = 0.0
    seed: int = 0
    max_prompt_tokens: int | None = None
    """Room for the prompt with its examples; None is the context's for a local model, and no limit for another."""

    def __post_init__(self) -> None:
        check_range("max_tokens", self.max_tokens, 1, 1_000_000)
        check_range("temperature", self.temperature, 0, 2)

    def solve(self, problem: Problem, model: BaseChatModel) -> Answer:
        asker = Asker(model, problem.opening)
        fitted = self.prompt(problem, model)
        request = Request(fitted.messages, self.max_tokens, self.temperature, self.seed)
        return to_answer(ask_with_reasoning(asker, request, problem.form), asker, fitted.warnings)

    def prompt(self, problem: Problem, model: BaseChatModel) -> FittedPrompt:
        """What the model is asked, with as many examples as fit."""
        return fit_examples(
            self.examples,
            problem,
            model,
            ask=lambda text: reasoned_question(text, problem.form, self.instruction),
            reply=lambda example: reasoned_reply(example.reasoning, example.answer),
            max_tokens=self.max_tokens,
            max_prompt_tokens=self.max_prompt_tokens,
        )

    def requests(self, problem: Problem, fitted: FittedPrompt, count: int) -> list[Request]:
        """The same question `count` times with different seeds."""
        constraint = thought_then(problem.form)
        return [
            Request(fitted.messages, self.max_tokens, self.temperature, self.seed + number, constraint)
            for number in range(count)
        ]
