"""The hallucination check on statements about the examples: true ones, and the same with a fact changed.

    python benchmarks/grounding.py [--model NAME] [--claims FILE]

Prints balanced accuracy (the mean of both rates), the confusion matrix, each half of the statements by itself (the bar
of the verdicts was chosen on the first), and what was judged wrongly.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

from agentkit import Index, LocalChatModel, SentenceTransformerEmbedder, index_folder
from agentkit.models.store import ModelStore
from agentkit.reading.grounding import check_answer
from agentkit.results import Verdict

_HERE = Path(__file__).parent
_PASSAGES = 4


def main() -> None:
    options = _options()
    rows = [json.loads(line) for line in options.claims.read_text("utf-8").splitlines()]
    started = time.monotonic()
    judged = []
    embedder = SentenceTransformerEmbedder(ModelStore().path("all-minilm-l6-v2"), name="all-minilm-l6-v2")
    with (
        tempfile.TemporaryDirectory() as folder,
        Index.open(Path(folder), embedder=embedder) as index,
        LocalChatModel(model=options.model, context_tokens=4096) as model,
    ):
        index_folder(index, [_HERE.parent / "examples"])
        retriever = index.as_retriever(k=_PASSAGES)
        for number, row in enumerate(rows):
            for kind in ("true", "false"):
                (claim,) = check_answer(row[kind], retriever, model).claims
                judged.append((number, kind, row, claim))
    seconds = time.monotonic() - started
    for name, part in (
        ("all", judged),
        ("first half", judged[0::4] + judged[1::4]),
        ("second half", judged[2::4] + judged[3::4]),
    ):
        print(name, json.dumps(figures(part)))
    print(f"{seconds:.0f} s, {seconds / len(judged):.1f} s a statement")
    for _, kind, _, claim in judged:
        if (claim.verdict is Verdict.SUPPORTED) != (kind == "true"):
            quote = claim.citation.quote[:80] if claim.citation else ""
            print(f"WRONG {kind} {claim.verdict} {claim.score:.1f} {claim.missing}: {claim.text} | {quote}")


def figures(judged: list) -> dict[str, object]:
    counts = Counter((kind, str(claim.verdict)) for _, kind, _, claim in judged)
    true = sum(count for (kind, _), count in counts.items() if kind == "true")
    false = sum(counts.values()) - true
    kept = counts["true", "supported"] / true
    caught = 1 - counts["false", "supported"] / false
    return {
        "balanced_accuracy": round((kept + caught) / 2, 3),
        "true": true,
        "false": false,
        **{f"{kind} judged {verdict}": count for (kind, verdict), count in sorted(counts.items())},
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--claims", type=Path, default=_HERE / "questions" / "claims.jsonl")
    return parser.parse_args()


if __name__ == "__main__":
    main()
