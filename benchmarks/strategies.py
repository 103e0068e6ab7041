"""Strategies compared on GSM8K and Game of 24: share solved, tokens, seconds, beside the papers' own figures.

    python benchmarks/strategies.py --gsm8k FILE --game24 FILE [--model NAME] [--limit N] [--strategies NAME,…]
                                    [--samples K] [--game24-samples K] [--beam B] [--proposals N] [--at-once N]
                                    [--out FILE]

Both files are JSON lines: `question` and `answer`; `numbers`. Of Game of 24 every 5th puzzle is taken (`--every`).
With `--out` each result is a line of that file as soon as it is there, and what is there already is not done again.
`tot-random` is the search of Game of 24 with steps and values drawn at random (mean of 30 runs): what the model adds is
the difference.
What the values of its states are worth is their AUC: how often one that can make 24 is valued above one that cannot.
`tot-one-by-one` and `self-consistency-one-by-one` are the same with one call at a time. `--at-once N` works on N
problems side by side: the answers come sooner, and the table leaves out the seconds, which mean nothing then. Prints a
table and, last, one JSON line.
"""

import argparse
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import game24

from agentkit import LocalChatModel
from agentkit.results import Answer
from agentkit.strategies import (
    ChainOfThought,
    Direct,
    LeastToMost,
    NumberForm,
    Problem,
    RankedProposals,
    SampledProposals,
    ScoredVerdicts,
    SelfConsistency,
    SelfRefine,
    Strategy,
    ThoughtRules,
    ThoughtTree,
    TreeOfThought,
    plan_and_solve,
)
from agentkit.strategies.asking import PARALLEL_CALLS, Asker
from agentkit.strategies.evaluating import Evaluator
from agentkit.strategies.proposing import Proposer, ThoughtPrompt

_PAPERS = {
    ("gsm8k", "cot"): "17.9 % -> 56.9 % (PaLM 540B, 8 examples; Wei et al. 2022: standard -> chain of thought)",
    ("gsm8k", "self-consistency"): "56.5 % -> 74.4 % (PaLM 540B, 40 samples; Wang et al. 2022: greedy -> vote)",
    ("gsm8k", "plan"): "59.3 % (text-davinci-003; Wang et al. 2023, PS+)",
    ("game24", "cot"): "4 % (GPT-4; Yao et al. 2023)",
    ("game24", "self-consistency"): "9 % (GPT-4, 100 samples; Yao et al. 2023)",
    ("game24", "tot"): "74 % (GPT-4, beam 5; Yao et al. 2023)",
}
_VALUES = {
    "words": ScoredVerdicts(game24.verdict_prompt),
    "yes-no": ScoredVerdicts(game24.yes_no_prompt, game24.YES_NO),
    "tried": game24.TriedValues(),
}
_RANDOM_RUNS = 30


@dataclass(frozen=True)
class _RandomProposals:
    """Legal steps drawn at random: what the search is worth without a model."""

    count: int
    max_tokens: int = 1
    prompt: ThoughtPrompt = game24.step_prompt

    def propose(
        self, problem: Problem, states: Sequence[str], rules: ThoughtRules, asker: Asker, seed: int
    ) -> list[list[str]]:
        rows = [game24.legal_steps(state) for state in states]
        draw = random.Random(f"{seed} {states}")
        return [draw.sample(row, min(self.count, len(row))) for row in rows]


@dataclass(frozen=True)
class _RandomValues:
    """States valued at random."""

    def evaluate(self, problem: Problem, states: Sequence[str], asker: Asker, seed: int) -> list[float]:
        draw = random.Random(f"{seed} {states}")
        return [draw.random() for _ in states]


@dataclass(frozen=True)
class Item:
    """One problem of a task, and what decides whether an answer is right."""

    task: str
    id: str
    problem: Problem
    is_right: Callable[[str], bool]
    numbers: str = ""


def main() -> None:
    options = _options()
    items = [*_gsm8k(options), *_game24(options)]
    done = _read_results(options.out)
    with LocalChatModel(model=options.model, context_tokens=options.context_tokens, threads=options.threads) as model:
        model.invoke("Hello", max_tokens=1)  # loading is not what is measured
        writing = threading.Lock()

        def measure(item: Item) -> None:
            for name in options.strategies:
                key = (item.task, _label(name, item.task, options), item.id)
                if key in done:
                    continue
                record = _measure(item, name, model, options)
                with writing:
                    done[key] = record
                    print(_line(record), flush=True)
                    if options.out:
                        with options.out.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(record, ensure_ascii=False) + "\n")

        with ThreadPoolExecutor(options.at_once) as pool:
            list(pool.map(measure, items))
    wanted = {(item.task, _label(name, item.task, options), item.id) for item in items for name in options.strategies}
    rows = _summary([record for key, record in done.items() if key in wanted])
    _print_table(rows)
    print(json.dumps({"model": options.model, "date": time.strftime("%Y-%m-%d"), "rows": rows}))


def _measure(item: Item, name: str, model: LocalChatModel, options: argparse.Namespace) -> dict:
    trees: list[ThoughtTree] = []
    strategy = _strategy(name, item, options)
    if isinstance(strategy, TreeOfThought):
        strategy = replace(strategy, watch=trees.append)
    started = time.monotonic()
    answer: Answer = strategy.solve(item.problem, model)
    return {
        "model": options.model,
        "task": item.task,
        "strategy": _label(name, item.task, options),
        "id": item.id,
        "is_right": _luck(strategy, item, model) if name == "tot-random" else float(item.is_right(answer.text)),
        "answer": answer.text[:200],
        "reasoning": answer.reasoning[:1000],
        "confidence": answer.confidence,
        "stop_reason": answer.stop_reason.value,
        "written": answer.usage.completion_tokens,
        "read": answer.usage.prompt_tokens - answer.usage.cached_tokens,
        "seconds": round(time.monotonic() - started, 2),
        "at_once": options.at_once,
        "values": _values(trees[-1]) if trees and item.task == "game24" else {},
    }


def _luck(strategy: Strategy, item: Item, model: LocalChatModel) -> float:
    """The share of right answers over many seeds; no model is asked."""
    assert isinstance(strategy, TreeOfThought)
    runs = [replace(strategy, seed=seed).solve(item.problem, model) for seed in range(_RANDOM_RUNS)]
    return sum(item.is_right(run.text) for run in runs) / len(runs)


def _values(tree: ThoughtTree) -> dict[str, list[tuple[float, bool]]]:
    """How many numbers are left -> the value of each state and whether it can make 24."""
    found: dict[str, list[tuple[float, bool]]] = {}
    for thought in tree.thoughts[1:]:
        if thought.value is not None and thought.state != "24":
            pair = (round(thought.value, 6), game24.is_solvable(thought.state))
            found.setdefault(str(len(thought.state.split())), []).append(pair)
    return found


def _auc(pairs: list[tuple[float, bool]]) -> float | None:
    """How often a state that can make 24 is valued above one that cannot; ties count half."""
    good, bad = ([value for value, is_good in pairs if is_good is wanted] for wanted in (True, False))
    if not good or not bad:
        return None
    wins = sum((one > other) + (one == other) / 2 for one in good for other in bad)
    return round(wins / len(good) / len(bad), 2)


def _strategy(name: str, item: Item, options: argparse.Namespace) -> Strategy:
    calls = 1 if name.endswith("-one-by-one") else PARALLEL_CALLS
    is_random = name == "tot-random"
    base = "tot" if is_random else name.removesuffix("-one-by-one")
    chain = ChainOfThought()
    if base == "tot":
        if item.task == "gsm8k":
            return TreeOfThought(parallel_calls=calls)
        proposer: Proposer
        evaluator: Evaluator = _VALUES[options.values]
        if is_random:
            proposer, evaluator = _RandomProposals(options.proposals), _RandomValues()
        elif options.generate == "ranked":
            proposer = RankedProposals(game24.legal_steps, options.proposals, game24.step_prompt)
        else:
            proposer = SampledProposals(options.proposals, game24.step_prompt, temperature=1.0)
        return TreeOfThought(
            depth=3,
            beam=options.beam,
            proposer=proposer,
            evaluator=evaluator,
            rules=game24.rules(item.numbers),
            parallel_calls=calls,
        )
    makers: dict[str, Callable[[], Strategy]] = {
        "direct": Direct,
        "cot": lambda: chain,
        "self-consistency": lambda: SelfConsistency(
            _samples(item.task, options), replace(chain, temperature=0.7), parallel_calls=calls
        ),
        "plan": plan_and_solve,
        "least-to-most": LeastToMost,
        "refine": lambda: SelfRefine(chain=chain),
    }
    return makers[base]()


def _samples(task: str, options: argparse.Namespace) -> int:
    return options.game24_samples if task == "game24" else options.samples


def _label(name: str, task: str, options: argparse.Namespace) -> str:
    """The strategy with what it depends on: results of other options are other results."""
    if name.startswith("self-consistency"):
        return f"{name} k={_samples(task, options)}"
    if name.startswith("tot") and task == "game24":
        return f"{name} b={options.beam} n={options.proposals} {options.generate} {options.values}"
    return name


def _gsm8k(options: argparse.Namespace) -> Iterator[Item]:
    for number, record in enumerate(_lines(options.gsm8k)[: options.limit]):
        wanted = _number(str(record["answer"]))
        problem = Problem(record["question"], form=NumberForm())
        yield Item("gsm8k", str(number), problem, lambda text, wanted=wanted: _number(text) == wanted)


def _number(text: str) -> str | None:
    return NumberForm().parse(text)


def _game24(options: argparse.Namespace) -> Iterator[Item]:
    for record in _lines(options.game24)[:: options.every][: options.limit]:
        numbers = record["numbers"]
        yield Item(
            "game24",
            numbers,
            game24.problem(numbers),
            lambda text, numbers=numbers: game24.is_right(numbers, text),
            numbers,
        )


def _summary(records: list[dict]) -> list[dict]:
    groups: dict[tuple[str, str], list[dict]] = {}
    for record in records:
        groups.setdefault((record["task"], record["strategy"]), []).append(record)
    rows = []
    for (task, name), group in groups.items():
        row = {"task": task, "strategy": name, "count": len(group)}
        row["right"] = round(sum(record["is_right"] for record in group), 1)
        row["percent"] = round(100 * row["right"] / len(group), 1)
        for field in ("written", "read", "seconds"):
            row[f"{field}_each"] = round(sum(record[field] for record in group) / len(group), 1)
        if any(record.get("at_once", 1) > 1 for record in group):
            row["seconds_each"] = None
        for left in ("3", "2"):
            row[f"auc_{left}"] = _auc([pair for record in group for pair in record.get("values", {}).get(left, [])])
        row["paper"] = _PAPERS.get((task, name.split()[0]), "")
        rows.append(row)
    return rows


def _print_table(rows: list[dict]) -> None:
    print("\n| task | strategy | right | % | tokens written | tokens read | seconds | AUC 3, 2 numbers | paper |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['task']} | {row['strategy']} | {row['right']:g} of {row['count']} | {row['percent']} "
            f"| {row['written_each']} | {row['read_each']} | {_shown(row['seconds_each'], 1)} "
            f"| {_shown(row['auc_3'])}, {_shown(row['auc_2'])} | {row['paper']} |"
        )


def _shown(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _line(record: dict) -> str:
    mark = "ok" if record["is_right"] == 1 else "??"
    return (
        f"{record['task']} {record['id']:>12} {record['strategy']:<28} {mark} {record['seconds']:6.1f} s "
        f"{record['written']:5} written {record['read']:5} read  {record['answer'][:60]!r}"
    )


def _read_results(path: Path | None) -> dict[tuple[str, str, str], dict]:
    records = _lines(path) if path and path.exists() else []
    return {(record["task"], record["strategy"], record["id"]): record for record in records}


def _lines(path: Path | None) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()] if path else []


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gsm8k", type=Path)
    parser.add_argument("--game24", type=Path)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b", help="a name, or a path to a GGUF")
    parser.add_argument("--context-tokens", type=int, default=8192)
    parser.add_argument("--threads", type=int, default=None, help="by default one a core; 1 where the cores are shared")
    parser.add_argument("--limit", type=int, default=None, help="only the first N problems of each task")
    parser.add_argument("--every", type=int, default=5, help="of Game of 24 every Nth puzzle")
    parser.add_argument("--strategies", type=lambda text: text.split(","), default=["cot", "self-consistency", "tot"])
    parser.add_argument("--samples", type=int, default=8, help="of self-consistency on GSM8K")
    parser.add_argument("--game24-samples", type=int, default=16, help="of self-consistency on Game of 24")
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--proposals", type=int, default=8, help="thoughts from each state of Game of 24")
    parser.add_argument("--generate", choices=["ranked", "sampled"], default="ranked")
    parser.add_argument("--values", choices=[*_VALUES], default="tried", help="how the model values what is left")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="problems side by side")
    parser.add_argument("--out", type=Path, help="one JSON line a result; resumed where it exists, for one model")
    return parser.parse_args()


if __name__ == "__main__":
    main()
