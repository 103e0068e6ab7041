"""Few-shot prompting (Brown et al. 2020, arXiv:2005.14165): the plain question after worked examples as real turns."""

from collections.abc import Sequence
from enum import StrEnum

from agentkit.embedders import Embedder
from agentkit.errors import StrategyError
from agentkit.strategies.direct import Direct
from agentkit.strategies.examples import EmbeddedExamples, Example, ExampleChooser, FixedExamples

_HALF = 0.5
"""Relevance and novelty weigh the same."""


class Choosing(StrEnum):
    """How examples are chosen for a question."""

    FIXED = "fixed"
    """The first ones, for every question."""
    SIMILAR = "similar"
    """Those most like the question."""
    DIVERSE = "diverse"
    """Those like the question and unlike each other."""


def few_shot(
    examples: Sequence[Example],
    *,
    choosing: Choosing = Choosing.FIXED,
    embedder: Embedder | None = None,
    count: int = 4,
    max_tokens: int = 512,
    temperature: float = 0.0,
) -> Direct:
    """A direct strategy that shows examples first.

    Raises:
        StrategyError: no examples, an option out of its range, or no embedder where the choice needs one.
    """
    chooser = choose_examples(examples, choosing=choosing, embedder=embedder, count=count)
    return Direct(examples=chooser, max_tokens=max_tokens, temperature=temperature)


def choose_examples(
    examples: Sequence[Example], *, choosing: Choosing, embedder: Embedder | None, count: int
) -> ExampleChooser:
    """What chooses up to `count` of the examples for each question.

    Raises:
        StrategyError: no examples, an option out of its range, or no embedder where the choice needs one.
    """
    if not all(isinstance(example, Example) for example in examples):
        raise StrategyError(f"examples are {repr(examples)[:60]}: give Examples, such as load_examples(path) reads")
    if choosing is Choosing.FIXED:
        if not examples:
            raise StrategyError("few-shot needs examples: give a list, or a file of JSON lines (-o examples FILE)")
        if count < 1:
            raise StrategyError(f"count is {count}: give 1 or more")
        return FixedExamples(tuple(examples[:count]))
    if embedder is None:
        raise StrategyError(f"choosing examples as {choosing.value!r} needs an embedder: give one, or choose 'fixed'")
    return EmbeddedExamples(examples, embedder, count=count, diversity=_HALF if choosing is Choosing.DIVERSE else 0.0)
