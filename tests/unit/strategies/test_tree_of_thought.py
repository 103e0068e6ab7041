"""The search, with exact trees and prompts. The problem: reach 10 from 0 by adding small numbers, one a step."""

import pytest
from langchain_core.messages import HumanMessage

from agentkit import ScriptedModel, StopReason
from agentkit.errors import StrategyError
from agentkit.strategies import (
    Budget,
    Fate,
    ListedProposals,
    NumberForm,
    Problem,
    RankedProposals,
    SampledProposals,
    ScoredVerdicts,
    Search,
    ThoughtRules,
    ThoughtTree,
    TreeOfThought,
    Votes,
    WrittenVerdicts,
)

_PROBLEM = Problem("Reach 10.")
_RULES = ThoughtRules(
    start=lambda _: "0",
    advance=lambda state, thought: str(int(state) + int(thought)),
    is_valid=lambda state, thought: thought.isdigit() and int(state) + int(thought) <= 10,
    is_goal=lambda state: state == "10",
    conclude=lambda _, steps: " + ".join(steps),
)


def _tree(strategy: TreeOfThought, model: ScriptedModel) -> ThoughtTree:
    return list(strategy.grow(_PROBLEM, model))[-1]


def _rows(tree: ThoughtTree) -> list[tuple[int | None, str, str, float | None, Fate]]:
    return [(thought.parent, thought.text, thought.state, thought.value, thought.fate) for thought in tree.thoughts]


def test_breadth_first_keeps_the_best_states_of_a_level() -> None:
    replies = ["1\n2\n1\n99\nx", "likely", "sure", "9\n8\n7", "impossible"]
    model = ScriptedModel(replies=replies)
    strategy = TreeOfThought(
        depth=2, beam=1, proposer=ListedProposals(count=5), evaluator=WrittenVerdicts(samples=1), rules=_RULES
    )
    tree = _tree(strategy, model)
    assert _rows(tree) == [
        (None, "", "0", None, Fate.KEPT),
        (0, "1", "1", 0.05, Fate.PRUNED),
        (0, "2", "2", 1.0, Fate.KEPT),
        (0, "1", "1", None, Fate.MERGED),
        (0, "99", "0", None, Fate.INVALID),
        (0, "x", "0", None, Fate.INVALID),
        (2, "9", "2", None, Fate.INVALID),
        (2, "8", "10", 1.0, Fate.GOAL),
        (2, "7", "9", None, Fate.OPEN),
    ]
    assert tree.stop_reason is StopReason.COMPLETED
    assert tree.is_solved
    assert [thought.text for thought in tree.path(tree.best)] == ["2", "8"]
    assert len(model.calls) == 4  # the goal was found before anything else was evaluated
    assert model.calls[0] == [
        HumanMessage("Reach 10.\n\nSteps so far:\n0\n\nList different possible next steps, one a line.")
    ]
    assert str(model.calls[3][0].content).startswith("Reach 10.\n\nSteps so far:\n2\n\n")


def test_the_answer_tells_the_steps_and_what_they_are_worth() -> None:
    model = ScriptedModel(replies=["2\n4", "sure", "likely", "8", "10"])
    strategy = TreeOfThought(depth=2, beam=2, proposer=ListedProposals(), evaluator=WrittenVerdicts(1), rules=_RULES)
    answer = strategy.solve(_PROBLEM, model)
    assert (answer.text, answer.reasoning, answer.confidence) == ("2 + 8", "2\n8", 1.0)
    assert answer.stop_reason is StopReason.COMPLETED


def test_depth_first_goes_back_where_a_branch_leads_nowhere() -> None:
    replies = ["3\n5", "sure", "likely", "1", "impossible", "5"]
    strategy = TreeOfThought(
        search=Search.DEPTH_FIRST,
        depth=2,
        beam=2,
        least_value=0.01,
        proposer=ListedProposals(),
        evaluator=WrittenVerdicts(samples=1),
        rules=_RULES,
    )
    tree = _tree(strategy, ScriptedModel(replies=replies))
    assert _rows(tree)[1:] == [
        (0, "3", "3", 1.0, Fate.KEPT),
        (0, "5", "5", 0.05, Fate.KEPT),
        (1, "1", "4", 0.00005, Fate.PRUNED),
        (2, "5", "10", 1.0, Fate.GOAL),
    ]
    assert [thought.id for thought in tree.walk()] == [0, 1, 3, 2, 4]


def test_samples_are_proposals_and_votes_are_values() -> None:
    replies = ["1", "4", "4", "2", "2", "1", "6", "7"]
    model = ScriptedModel(replies=replies)
    strategy = TreeOfThought(depth=2, beam=1, proposer=SampledProposals(3), evaluator=Votes(3), rules=_RULES)
    tree = _tree(strategy, ScriptedModel(replies=[*replies, "6"]))
    assert [thought.value for thought in tree.thoughts[1:4]] == [1 / 3, 2 / 3, None]
    assert tree.best.state == "10"
    with pytest.raises(Exception, match="asked for one more"):
        _tree(strategy, model)


def test_a_search_without_success_says_so_and_gives_its_best() -> None:
    strategy = TreeOfThought(depth=1, proposer=ListedProposals(), evaluator=WrittenVerdicts(1), rules=_RULES)
    answer = strategy.solve(_PROBLEM, ScriptedModel(replies=["1\n2"]))
    assert answer.stop_reason is StopReason.EXHAUSTED
    assert answer.text == "1"
    assert answer.warnings == ("the search ended with its best thought so far: no goal was reached after 2 thoughts",)


def test_no_more_thoughts_than_the_budget_of_nodes() -> None:
    strategy = TreeOfThought(
        depth=3, beam=1, proposer=ListedProposals(), evaluator=WrittenVerdicts(1), rules=_RULES, budget=Budget(nodes=3)
    )
    tree = _tree(strategy, ScriptedModel(replies=["1\n2", "likely", "sure", "1\n3\n4"]))
    assert len(tree.thoughts) == 4
    assert tree.stop_reason is StopReason.BUDGET
    assert (tree.best.state, tree.best.depth) == ("3", 2)


def test_a_budget_too_small_for_one_thought_says_what_it_needs() -> None:
    strategy = TreeOfThought(proposer=SampledProposals(max_tokens=50), budget=Budget(tokens=10))
    with pytest.raises(
        StrategyError, match=r"the budget of 10 tokens is too small for one thought: give (\d+)"
    ) as caught:
        strategy.solve(_PROBLEM, ScriptedModel(replies=[]))
    needed = int(str(caught.value).split("give ")[1].split()[0])
    assert 50 < needed < 100


def test_without_rules_the_model_concludes_from_the_steps() -> None:
    model = ScriptedModel(replies=["Take 3.", "Take 7.", "likely", "sure", "10"])
    strategy = TreeOfThought(depth=1, beam=1, proposer=SampledProposals(2), evaluator=WrittenVerdicts(1))
    answer = strategy.solve(Problem("What are 3 and 7?", form=NumberForm()), model)
    assert (answer.text, answer.reasoning, answer.confidence) == ("10", "Take 7.", 1.0)
    assert answer.stop_reason is StopReason.COMPLETED
    assert "These steps were taken:\nTake 7." in str(model.calls[-1][0].content)


def test_steps_known_to_be_possible_need_no_model_where_they_are_few() -> None:
    proposer = RankedProposals(candidates=lambda state: ["5"] if state == "5" else ["5", "1"], count=2)
    strategy = TreeOfThought(depth=2, beam=2, proposer=proposer, evaluator=WrittenVerdicts(1), rules=_RULES)
    tree = _tree(strategy, ScriptedModel(replies=["sure", "likely"]))
    assert tree.best.state == "10"


def test_log_probabilities_are_asked_of_a_local_model_only() -> None:
    strategy = TreeOfThought(depth=2, proposer=ListedProposals(), evaluator=ScoredVerdicts(), rules=_RULES)
    with pytest.raises(StrategyError, match="ScriptedModel tells no log-probabilities"):
        _tree(strategy, ScriptedModel(replies=["1"]))


@pytest.mark.parametrize("options", [{"depth": 0}, {"depth": 65}, {"beam": 0}, {"beam": -3}])
def test_depth_and_beam_have_ranges(options: dict[str, int]) -> None:
    with pytest.raises(StrategyError, match="give a value from 1 to"):
        TreeOfThought(**options)  # type: ignore[arg-type]  # the names are those of integer fields


def test_budgets_have_ranges() -> None:
    with pytest.raises(StrategyError, match="budget nodes is 0"):
        Budget(nodes=0)
    with pytest.raises(StrategyError, match="budget seconds is -1"):
        Budget(seconds=-1)
