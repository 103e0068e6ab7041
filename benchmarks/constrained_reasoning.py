"""Does a constraint cost accuracy? GSM8K: free text whose last number is read, beside a constrained number at its end.

    python benchmarks/constrained_reasoning.py TASKS.jsonl [--count N] [--model NAME] [--batch B]

`TASKS.jsonl` has a `question` and a numeric `answer` a line (Cobbe et al. 2021, arXiv:2110.14168). Both sides are
greedy, in one run, on one model, decoded in batches.
"""

import argparse
import json
import re
import time
from pathlib import Path

from agentkit import LocalChatModel
from agentkit.models.constraints import after_thought, regex

_INSTRUCTION = "Solve the problem step by step. End with the final answer as a number."
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_MAX_TOKENS = 400


def main() -> None:
    options = _options()
    tasks = [json.loads(line) for line in options.tasks.read_text("utf-8").splitlines()][: options.count]
    prompts = [[("system", _INSTRUCTION), ("user", task["question"])] for task in tasks]
    constrained = after_thought(regex(r"-?[0-9]{1,9}(\.[0-9]{1,4})?"), marker="\n\nThe answer is ", reserve=24)
    figures: dict[str, object] = {"model": options.model, "tasks": len(tasks)}
    with LocalChatModel(model=options.model, context_tokens=options.batch * 800, max_tokens=_MAX_TOKENS) as model:
        for name, more in (("free", {}), ("constrained", {"constraint": constrained})):
            started = time.monotonic()
            replies = model.batch(prompts, {"max_concurrency": options.batch}, **more)
            figures[f"{name}_seconds"] = round(time.monotonic() - started, 1)
            answers = [
                reply.response_metadata.get("constrained") or last_number(str(reply.content)) for reply in replies
            ]
            right = [is_right(answer, task["answer"]) for answer, task in zip(answers, tasks, strict=True)]
            figures[f"{name}_right"] = sum(right)
            figures[f"{name}_tokens"] = sum(reply.usage_metadata["output_tokens"] for reply in replies)
            figures[f"{name}_which"] = [number for number, value in enumerate(right) if value]
    print(json.dumps(figures))


def last_number(text: str) -> str:
    """The last number in a text; empty where there is none."""
    found = _NUMBER.findall(text)
    return found[-1].replace(",", "") if found else ""


def is_right(answer: str, expected: float) -> bool:
    return bool(answer) and abs(float(answer) - float(expected)) < 1e-4


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--batch", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    main()
