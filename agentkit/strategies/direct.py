"""The plain question: zero-shot (Brown et al. 2020, arXiv:2005.14165). A local model is held to the answer's form."""

from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from agentkit.results import Answer
from agentkit.strategies.asking import Asker, Request
from agentkit.strategies.concluding import ask_plainly, to_answer
from agentkit.strategies.examples import ExampleChooser, NoExamples, fit_examples
from agentkit.strategies.forms import AnswerForm, TextForm
from agentkit.strategies.problem import Problem, check_range


@dataclass(frozen=True, slots=True)
class Direct:
    """Asks once, without reasoning; with `examples` it is few-shot.

    >>> from agentkit import ScriptedModel
    >>> Direct().solve(Problem("Who built the mill?"), ScriptedModel(replies=["Josiah Pell."])).text
    'Josiah Pell.'
    """

    examples: ExampleChooser = NoExamples()  # noqa: RUF009 - it is immutable
    max_tokens: int = 512
    temperature: float = 0.0
    seed: int = 0
    max_prompt_tokens: int | None = None
    """Room for the prompt with its examples; None is the context's for a local model, and no limit for another."""

    def __post_init__(self) -> None:
        check_range("max_tokens", self.max_tokens, 1, 1_000_000)
        check_range("temperature", self.temperature, 0, 2)

    def solve(self, problem: Problem, model: BaseChatModel) -> Answer:
        asker = Asker(model, problem.opening)
        fitted = fit_examples(
            self.examples,
            problem,
            model,
            ask=lambda text: plain_question(text, problem.form),
            reply=lambda example: example.answer,
            max_tokens=self.max_tokens,
            max_prompt_tokens=self.max_prompt_tokens,
        )
        request = Request(fitted.messages, self.max_tokens, self.temperature, self.seed)
        return to_answer(ask_plainly(asker, request, problem.form), asker, fitted.warnings)


def plain_question(text: str, form: AnswerForm) -> str:
    """The question with what its answer looks like; free text needs no words about it."""
    return text if isinstance(form, TextForm) else f"{text}\n\nGive only the answer: {form.description}."
