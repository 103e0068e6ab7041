"""A strategy by its name, as the command line and settings give it."""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from agentkit.embedders import Embedder
from agentkit.errors import StrategyError
from agentkit.strategies.chain_of_thought import ChainOfThought
from agentkit.strategies.direct import Direct
from agentkit.strategies.evaluating import DefaultVerdicts, Evaluator, Votes
from agentkit.strategies.examples import Example, ExampleChooser, NoExamples
from agentkit.strategies.few_shot import Choosing, choose_examples, few_shot
from agentkit.strategies.plan_and_solve import plan_and_solve
from agentkit.strategies.problem import Strategy
from agentkit.strategies.proposing import ListedProposals, Proposer, SampledProposals
from agentkit.strategies.refine import SelfRefine
from agentkit.strategies.self_consistency import SelfConsistency
from agentkit.strategies.thought_rules import Budget
from agentkit.strategies.tree_of_thought import Search, TreeOfThought


class Generating(StrEnum):
    """How the thoughts of a tree are proposed."""

    SAMPLED = "sampled"
    """The next step, several times."""
    LISTED = "listed"
    """Several steps in one reply."""


class Evaluating(StrEnum):
    """How the states of a tree are valued."""

    VERDICTS = "verdicts"
    """Each by itself: sure, likely or impossible."""
    VOTES = "votes"
    """All of a level at once: the best is named, several times."""


_Choice = TypeVar("_Choice", bound=StrEnum)


def strategy(name: str, **options: Any) -> Strategy:  # Any: each option has its own type, checked by its strategy
    """The strategy `name` with its options; those left out have good defaults.

    | name | options |
    |---|---|
    | direct | max_tokens, temperature, seed |
    | few-shot | examples, choosing, embedder, count, max_tokens, temperature |
    | cot | examples, choosing, embedder, count, max_tokens, temperature, seed |
    | self-consistency | samples, temperature, seed, and those of cot |
    | tot | search, depth, beam, generate, proposals, evaluate, tokens, seconds, nodes, max_tokens, seed |
    | plan | max_tokens, temperature, seed |
    | refine | rounds, max_tokens, temperature, seed |

    Raises:
        StrategyError: an unknown strategy or option, with the nearest known one; a value out of its range.
    """
    check_options(name, options, known=option_names(name))
    try:
        return _MAKERS[name][0](**options)
    except (TypeError, ValueError) as error:
        raise StrategyError(f"the strategy {name!r}: {error}") from error


def strategy_names() -> list[str]:
    """The names that `strategy` knows, the simplest first."""
    return list(_MAKERS)


def option_names(name: str) -> Sequence[str]:
    """The options of the strategy `name`.

    Raises:
        StrategyError: an unknown strategy, with the nearest known one.
    """
    if name not in _MAKERS:
        raise StrategyError(f"there is no strategy {name!r}{_nearest(name, list(_MAKERS))}")
    return _MAKERS[name][1]


def check_options(name: str, options: Iterable[str], *, known: Sequence[str]) -> None:
    """Refuse what is not among the `known` options of the strategy `name`.

    Raises:
        StrategyError: an unknown option, with the nearest known one.
    """
    for option in options:
        if option not in known:
            raise StrategyError(f"the strategy {name!r} has no option {option!r}{_nearest(option, known)}")


def _few_shot(examples: Sequence[Example] = (), choosing: str = Choosing.FIXED, **options: Any) -> Strategy:
    return few_shot(examples, choosing=_member(Choosing, "choosing", choosing), **options)


def _cot(
    examples: Sequence[Example] = (),
    choosing: str = Choosing.FIXED,
    embedder: Embedder | None = None,
    count: int = 4,
    **options: Any,
) -> ChainOfThought:
    chooser: ExampleChooser = NoExamples()
    chosen = _member(Choosing, "choosing", choosing)
    if examples:
        chooser = choose_examples(examples, choosing=chosen, embedder=embedder, count=count)
    return ChainOfThought(examples=chooser, **options)


def _self_consistency(samples: int = 8, temperature: float = 0.7, **options: Any) -> Strategy:
    return SelfConsistency(samples, _cot(temperature=temperature, **options))


def _tot(
    search: str = Search.BREADTH_FIRST,
    generate: str = Generating.SAMPLED,
    proposals: int = 4,
    evaluate: str = Evaluating.VERDICTS,
    tokens: int | None = None,
    seconds: float | None = None,
    nodes: int | None = None,
    **options: Any,
) -> Strategy:
    is_sampled = _member(Generating, "generate", generate) is Generating.SAMPLED
    proposer: Proposer = SampledProposals(proposals) if is_sampled else ListedProposals(proposals)
    is_judged = _member(Evaluating, "evaluate", evaluate) is Evaluating.VERDICTS
    evaluator: Evaluator = DefaultVerdicts() if is_judged else Votes()
    return TreeOfThought(
        search=_member(Search, "search", search),
        proposer=proposer,
        evaluator=evaluator,
        budget=Budget(tokens, seconds, nodes),
        **options,
    )


def _refine(rounds: int = 2, **options: Any) -> Strategy:
    return SelfRefine(rounds, ChainOfThought(**options))


def _member(kind: type[_Choice], option: str, value: str) -> _Choice:
    if value not in set(kind):
        raise StrategyError(f"{option} is {value!r}: give {' or '.join(kind)}")
    return kind(value)


def _nearest(name: str, known: Sequence[str]) -> str:
    found = get_close_matches(name, known, n=1)
    return f": did you mean {found[0]!r}?" if found else f": known are {', '.join(known)}"


_EXAMPLES = ("examples", "choosing", "embedder", "count")
_TREE = ("search", "depth", "beam", "generate", "proposals", "evaluate", "tokens", "seconds", "nodes")
_SAMPLING = ("max_tokens", "temperature", "seed")
_MAKERS: dict[str, tuple[Callable[..., Strategy], tuple[str, ...]]] = {
    "direct": (Direct, _SAMPLING),
    "few-shot": (_few_shot, (*_EXAMPLES, "max_tokens", "temperature")),
    "cot": (_cot, (*_EXAMPLES, *_SAMPLING)),
    "self-consistency": (_self_consistency, ("samples", *_EXAMPLES, *_SAMPLING)),
    "tot": (_tot, (*_TREE, "max_tokens", "seed")),
    "plan": (plan_and_solve, _SAMPLING),
    "refine": (_refine, ("rounds", *_SAMPLING)),
}
