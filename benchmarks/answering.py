"""How well questions about `examples/` are answered: right file cited, quotes exact, unanswerable questions refused.

    python benchmarks/answering.py [--limit N] [--model NAME] [--passages K] [--out FILE]

Prints a table and, last, one JSON line.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from agentkit import Index, LocalChatModel, ModelStore, SentenceTransformerEmbedder, answer_question, index_folder
from agentkit.evaluation.answers import contains

_HERE = Path(__file__).parent


def main() -> None:
    options = _options()
    answerable = _read("examples.jsonl")[: options.limit]
    unanswerable = _read("unanswerable.jsonl")[: options.limit]
    embedder = SentenceTransformerEmbedder(ModelStore().path("all-minilm-l6-v2"))
    records = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Index.open(Path(folder) / "examples", embedder=embedder) as index,
        LocalChatModel(model=options.model) as model,
    ):
        index_folder(index, [_HERE.parent / "examples"])
        retriever = index.as_retriever(k=options.passages)
        for question in [*answerable, *unanswerable]:
            started = time.monotonic()
            answer = answer_question(question["question"], retriever, model)
            exact = [index.document_text(c.path)[c.start : c.end] == c.quote for c in answer.citations]
            record = {
                **question,
                "got": answer.text,
                "cited": [citation.path for citation in answer.citations],
                "quotes": [citation.quote for citation in answer.citations],
                "exact": exact,
                "grounded": answer.is_grounded,
                "retrieved": [passage.path for passage in answer.passages],
                "seconds": round(time.monotonic() - started, 1),
            }
            records.append(record)
            print(_line(record), flush=True)
    if options.out:
        options.out.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    print(json.dumps(_summary(records, options)))


def _summary(records: list[dict], options: argparse.Namespace) -> dict:
    asked = [record for record in records if "files" in record]
    others = [record for record in records if "files" not in record]
    quotes = [is_exact for record in records for is_exact in record["exact"]]
    return {
        "model": options.model,
        "passages": options.passages,
        "answerable": len(asked),
        "right_file_cited": sum(_has_right_file(record) for record in asked),
        "right_answer": sum(_is_right(record) for record in asked),
        "right_file_retrieved": sum(bool(set(r["files"]) & set(r["retrieved"])) for r in asked),
        "quotes": len(quotes),
        "quotes_exact": sum(quotes),
        "unanswerable": len(others),
        "refused": sum(not record["grounded"] for record in others),
        "seconds_per_question": round(sum(record["seconds"] for record in records) / max(1, len(records)), 1),
    }


def _has_right_file(record: dict) -> bool:
    return bool(set(record["files"]) & set(record["cited"]))


def _is_right(record: dict) -> bool:
    return any(contains(record["got"], answer) for answer in record["answer"])


def _line(record: dict) -> str:
    if "files" in record:
        marks = ("file " if _has_right_file(record) else "FILE?") + (" ok " if _is_right(record) else " ?? ")
    else:
        marks = "refused  " if not record["grounded"] else "ANSWERED "
    return f"{record['id']} {marks} {record['seconds']:5.1f} s  {record['question']}  ->  {record['got'][:90]}"


def _read(name: str) -> list[dict]:
    return [json.loads(line) for line in (_HERE / "questions" / name).read_text("utf-8").splitlines()]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=None, help="only the first N questions of each kind")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--passages", type=int, default=6)
    parser.add_argument("--out", type=Path, help="one JSON line a question")
    return parser.parse_args()


if __name__ == "__main__":
    main()
