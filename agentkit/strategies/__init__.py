"""Ways to get from a problem to an answer, over any LangChain chat model."""

from agentkit.strategies.chain_of_thought import ChainOfThought
from agentkit.strategies.choosing import option_names, strategy, strategy_names
from agentkit.strategies.direct import Direct
from agentkit.strategies.evaluating import ScoredVerdicts, Votes, WrittenVerdicts
from agentkit.strategies.examples import Example, load_examples
from agentkit.strategies.few_shot import Choosing, few_shot
from agentkit.strategies.forms import ChoiceForm, JsonForm, NumberForm, TextForm
from agentkit.strategies.option_texts import read_options, writable_options
from agentkit.strategies.plan_and_solve import LeastToMost, plan_and_solve
from agentkit.strategies.problem import Problem, Strategy
from agentkit.strategies.proposing import ListedProposals, RankedProposals, SampledProposals
from agentkit.strategies.refine import SelfRefine
from agentkit.strategies.self_consistency import SelfConsistency
from agentkit.strategies.thought_rules import Budget, ThoughtRules
from agentkit.strategies.thought_tree import Fate, Thought, ThoughtTree
from agentkit.strategies.tree_of_thought import Search, TreeOfThought
from agentkit.strategies.tree_picture import to_html

__all__ = [
    "Budget",
    "ChainOfThought",
    "ChoiceForm",
    "Choosing",
    "Direct",
    "Example",
    "Fate",
    "JsonForm",
    "LeastToMost",
    "ListedProposals",
    "NumberForm",
    "Problem",
    "RankedProposals",
    "SampledProposals",
    "ScoredVerdicts",
    "Search",
    "SelfConsistency",
    "SelfRefine",
    "Strategy",
    "TextForm",
    "Thought",
    "ThoughtRules",
    "ThoughtTree",
    "TreeOfThought",
    "Votes",
    "WrittenVerdicts",
    "few_shot",
    "load_examples",
    "option_names",
    "plan_and_solve",
    "read_options",
    "strategy",
    "strategy_names",
    "to_html",
    "writable_options",
]
