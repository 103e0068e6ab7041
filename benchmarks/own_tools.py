"""An agent with tools of one's own, alone and beside the documents of `examples/`: what is called, what comes of it.

    python benchmarks/own_tools.py [--tasks documents-first|documents-second|alone|alone-fresh ...] [--model NAME]
                                   [--out FILE]

Tasks need one tool or several, the documents, both, or nothing (`tool_tasks.py`). The thresholds of
`agentkit/agents/routing.py` were chosen on all but the fresh ones, the rest of the agent was changed while looking at
`documents-first` and `alone`; the fresh ones were written before they were tried. Prints a line for each, a table for
each kind and, last, one JSON line.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from tool_tasks import ALONE, ALONE_FRESH, DOCUMENTS_FIRST, DOCUMENTS_SECOND, Task

from agentkit import Index, LocalChatModel, ModelStore, SentenceTransformerEmbedder, index_folder
from agentkit.agents import Agent
from agentkit.results import Answer
from agentkit.tools.calculator import calculator
from agentkit.tools.flags import flags_of

_EXAMPLES = Path(__file__).parents[1] / "examples"
_KINDS = {
    "documents-first": DOCUMENTS_FIRST,
    "documents-second": DOCUMENTS_SECOND,
    "alone": ALONE,
    "alone-fresh": ALONE_FRESH,
}


def main() -> None:
    options = _options()
    rows = []
    embedder = SentenceTransformerEmbedder(ModelStore().path("all-minilm-l6-v2"))
    with (
        tempfile.TemporaryDirectory() as folder,
        Index.open(Path(folder) / "examples", embedder=embedder) as index,
        LocalChatModel(model=options.model) as model,
    ):
        index_folder(index, [_EXAMPLES])
        for kind in options.tasks:
            documents = index if kind.startswith("documents") else None
            for task in _KINDS[kind]:
                agent = Agent(model, tools=[calculator, *task.tools], index=documents, approve=lambda _: True)
                started = time.perf_counter()
                answer = agent.run(task.task)
                rows.append({"kind": kind, **_row(task, answer, time.perf_counter() - started)})
                print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
    if options.out:
        options.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    figures = {kind: _figures([row for row in rows if row["kind"] == kind]) for kind in options.tasks}
    for kind, of_kind in figures.items():
        print(f"{kind:18}", ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in of_kind.items()))
    print(json.dumps(figures))


def _figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    needing = [row for row in rows if row["needs_tools"]]
    return {
        "tasks": len(rows),
        "right": sum(row["is_right"] for row in rows),
        "need_tools": len(needing),
        "called_them": sum(row["is_called"] for row in needing),
        "called_others": sum(row["is_needless"] for row in rows),
        "seconds_each": round(sum(row["seconds"] for row in rows) / len(rows), 1),
    }


def _row(task: Task, answer: Answer, seconds: float) -> dict[str, Any]:
    """One result as JSON has it."""
    called = {step.tool for step in answer.steps if not step.error}
    needed = {tool.name for tool in task.needed}
    acting = {tool.name for tool in task.needed if flags_of(tool).effects}
    done = " ".join(str(step.arguments) for step in answer.steps if step.tool in acting)
    text = (done if acting else answer.text).lower()
    is_wanted = all(any(form.lower() in text for form in wanted.split("|")) for wanted in task.wanted)
    return {
        "task": task.task,
        "is_right": needed <= called and is_wanted,
        "needs_tools": bool(needed),
        "is_called": needed <= called,
        "is_needless": bool(called & {tool.name for tool in task.tools} - needed),
        "calls": [step.tool for step in answer.steps],
        "answer": answer.text,
        "seconds": round(seconds, 1),
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--tasks", nargs="+", choices=list(_KINDS), default=list(_KINDS))
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
