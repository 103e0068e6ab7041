"""What the agent does: GSM8K with a calculator beside plain chain-of-thought, and two-hop questions over `examples/`.

    python benchmarks/agent.py gsm8k FILE [--limit 60] [--model NAME] [--only agent|cot] [--parallel N]
                                     [--peer-seconds S] [--out FILE]
    python benchmarks/agent.py two-hop [--questions FILE] [--limit N] [--model NAME] [--out FILE]

`FILE` has a `question` and a numeric `answer` a line. Both variants of a task run one after the other, so that they see
the same machine. With `--out` each result is a line of that file as soon as it is there, and what is there already is
not done again. `--parallel` solves several tasks at a time, which tells what is right sooner and nothing of the seconds
of one. `--peer-seconds`: what another agent needed for one of the first 15 tasks on the same machine. Prints a table
and, last, one JSON line.
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from pydantic import BaseModel, Field

from agentkit import Index, LocalChatModel, ModelStore, SentenceTransformerEmbedder, index_folder
from agentkit.agents import Agent
from agentkit.agents.reading import whole_calls
from agentkit.results import Answer
from agentkit.strategies import ChainOfThought, NumberForm, Problem
from agentkit.tools.calculator import calculator

_HERE = Path(__file__).parent
_FIRST = 15
_UNFIT = "do not fit"
_Solve = Callable[[str], tuple[Answer, int]]
"""From a question to its answer, and to how many calls could not be read."""


class Number(BaseModel):
    """The answer to the user's question."""

    answer: float = Field(description="The number that was asked for, without its unit.")


class _Unreadable(BaseCallbackHandler):
    """Counts the calls in a model's replies that cannot be read."""

    def __init__(self) -> None:
        self.count = 0

    def on_llm_end(self, response: LLMResult, **_: object) -> None:
        for generation in chain.from_iterable(response.generations):
            if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
                self.count += len(whole_calls(generation.message).invalid_tool_calls)


def main() -> None:
    options = _options()
    with LocalChatModel(model=options.model) as model:
        model.invoke("Hello", max_tokens=1)  # loading is not what is measured
        summary = _gsm8k(model, options) if options.kind == "gsm8k" else _two_hop(model, options)
    for name, value in summary.items():
        print(f"{name:24} {value}")
    print(json.dumps({"benchmark": options.kind, "model": options.model, "date": time.strftime("%Y-%m-%d"), **summary}))


def _gsm8k(model: LocalChatModel, options: argparse.Namespace) -> dict:
    journal = _Journal(options.out)
    agent = Agent(model, tools=[calculator], response_format=Number)
    thinking = ChainOfThought(max_tokens=1024)
    variants: dict[str, _Solve] = {
        "agent": partial(_run, agent),
        "cot": lambda question: (thinking.solve(Problem(question, form=NumberForm()), model), 0),
    }
    with ThreadPoolExecutor(options.parallel) as threads:
        jobs = [
            threads.submit(journal.do, f"{name} {number}", partial(_solved, variants[name], task))
            for number, task in enumerate(_lines(options.file)[: options.limit])
            for name in ([options.only] if options.only else variants)
        ]
        for job in jobs:
            job.result()
    rows = {name: [row for key, row in journal.rows.items() if key.split()[0] == name] for name in variants}
    summary: dict = {"parallel": options.parallel}
    for name, all_found in rows.items():
        found = [row for row in all_found if int(row["key"].split()[1]) < options.limit]
        first = [row["seconds"] for row in found if int(row["key"].split()[1]) < _FIRST]
        summary[f"{name}_done"] = len(found)
        summary[f"{name}_correct"] = sum(row["is_right"] for row in found)
        summary[f"{name}_seconds"] = _mean([row["seconds"] for row in found])
        summary[f"{name}_seconds_first_{_FIRST}"] = _mean(first)
    agents = rows["agent"]
    summary |= {name: sum(row[name] for row in agents) for name in ("calls", "malformed_calls", "tool_errors")}
    if options.peer_seconds:
        summary["share_of_peer_seconds"] = round(summary[f"agent_seconds_first_{_FIRST}"] / options.peer_seconds, 3)
    return summary


def _run(agent: Agent, question: str) -> tuple[Answer, int]:
    """The answer, and how many calls could not be read."""
    unreadable = _Unreadable()
    return agent.run(question, config={"callbacks": [unreadable]}), unreadable.count


def _solved(solve: _Solve, task: dict) -> dict:
    answer, unreadable = solve(task["question"])
    found = answer.value.answer if isinstance(answer.value, Number) else NumberForm().parse(answer.text)
    is_right = found is not None and abs(float(found) - float(task["answer"])) < 1e-4
    return {"is_right": is_right, "wanted": task["answer"], "found": found, **_described(answer, unreadable)}


def _two_hop(model: LocalChatModel, options: argparse.Namespace) -> dict:
    journal = _Journal(options.out)
    embedder = SentenceTransformerEmbedder(ModelStore().path("all-minilm-l6-v2"))
    with (
        tempfile.TemporaryDirectory() as folder,
        Index.open(Path(folder) / "examples", embedder=embedder) as index,
    ):
        index_folder(index, [_HERE.parent / "examples"])
        agent = Agent(model, index=index)
        for question in _lines(options.questions)[: options.limit]:
            journal.do(question["id"], partial(_asked, agent, index, question))
    rows = list(journal.rows.values())
    return {
        "questions": len(rows),
        "both_files_cited": sum(row["cites_both"] for row in rows),
        "right_answers": sum(row["is_right"] for row in rows),
        "right_and_both_cited": sum(row["is_right"] and row["cites_both"] for row in rows),
        "files_cited_each": _mean([len(row["cited"]) for row in rows]),
        "quotes_exact": f"{sum(row['exact'] for row in rows)} of {sum(row['quotes'] for row in rows)}",
        "searches_each": _mean([row["calls"] for row in rows]),
        "malformed_calls": sum(row["malformed_calls"] for row in rows),
        "seconds_each": _mean([row["seconds"] for row in rows]),
    }


def _asked(agent: Agent, index: Index, question: dict) -> dict:
    answer, unreadable = _run(agent, question["question"])
    cited = sorted({citation.path for citation in answer.citations})
    exact = [index.document_text(c.path)[c.start : c.end] == c.quote for c in answer.citations]
    return {
        "is_right": any(wanted.lower() in answer.text.lower() for wanted in question["answer"]),
        "cites_both": all(set(files) & set(cited) for files in question["files"]),
        "cited": cited,
        "quotes": len(exact),
        "exact": sum(exact),
        "question": question["question"],
        **_described(answer, unreadable),
    }


def _described(answer: Answer, unreadable: int) -> dict:
    errors = [step.error or "" for step in answer.steps]
    return {
        "answer": answer.text,
        "reasoning": answer.reasoning[:1000],
        "steps": [(step.thought, step.tool, step.arguments, step.observation) for step in answer.steps],
        "calls": len(answer.steps),
        "malformed_calls": unreadable + sum(_UNFIT in error or "there is no tool" in error for error in errors),
        "tool_errors": sum(map(bool, errors)),
        "stop_reason": answer.stop_reason.value,
        "written": answer.usage.completion_tokens,
        "read": answer.usage.prompt_tokens - answer.usage.cached_tokens,
    }


class _Journal:
    """Results by their key, kept in a file where one is given."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        kept = _lines(file) if file and file.exists() else []
        self.rows: dict[str, dict] = {row["key"]: row for row in kept}
        self._lock = threading.Lock()

    def do(self, key: str, measure: Callable[[], dict]) -> None:
        if key in self.rows:
            return
        started = time.monotonic()
        measured = measure()
        row = {"key": key, "seconds": round(time.monotonic() - started, 2), **measured}
        marks = " ".join(f"{name}={row[name]}" for name in ("is_right", "cites_both", "calls") if name in row)
        with self._lock:
            self.rows[key] = row
            print(f"{key:10} {row['seconds']:6.1f} s  {marks}  {' '.join(row['answer'].split())[-90:]}", flush=True)
            if self._file:
                with self._file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 1) if values else 0.0


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    gsm8k = kinds.add_parser("gsm8k")
    gsm8k.add_argument("file", type=Path)
    gsm8k.add_argument("--limit", type=int, default=60)
    gsm8k.add_argument("--only", choices=["agent", "cot"])
    gsm8k.add_argument("--peer-seconds", type=float)
    gsm8k.add_argument("--parallel", type=int, default=1)
    two_hop = kinds.add_parser("two-hop")
    two_hop.add_argument("--questions", type=Path, default=_HERE / "questions" / "two_hop.jsonl")
    two_hop.add_argument("--limit", type=int)
    for kind in (gsm8k, two_hop):
        kind.add_argument("--model", default="qwen2.5-coder-1.5b")
        kind.add_argument("--out", type=Path, help="one JSON line a result; a run that was stopped goes on")
    return parser.parse_args()


if __name__ == "__main__":
    main()
