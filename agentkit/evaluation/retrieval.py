"""Does a search find what answers the query? Ranked documents against judgements, by `ir_measures`.

The corpus goes through the product: each document is written as a file and indexed like any folder. A query's passages
are mapped to their documents, each standing where its best passage stands.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agentkit.errors import EvaluationError
from agentkit.evaluation.datasets import CorpusDocument, JudgedQueries, Question
from agentkit.evaluation.records import Evaluation
from agentkit.indexes import Index
from agentkit.pipelines.indexing import index_folder
from agentkit.results import Hit, SearchMode
from agentkit.retrievers.refined import RefinedRetriever

METRICS = ("nDCG@10", "AP", "RR", "P@5", "R@10", "R@100")
"""In the notation of `ir_measures`: RR's mean is MRR, AP's is MAP. Gains of nDCG are linear."""
_DEPTH = 100
"""Documents of a ranking that are scored."""
PASSAGES = 300
"""Passages searched for: several can be of one document."""

Ranking = Sequence[tuple[str, float]]
"""Document ids with their scores, best first."""


def index_corpus(documents: Sequence[CorpusDocument], folder: Path, index: Index) -> Mapping[str, str]:
    """Write a corpus as the text files of `folder`, index them, and give path -> document id."""
    paths = {f"{number:06}.txt": document for number, document in enumerate(documents)}
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.txt"):
        if file.name not in paths:  # of a corpus that was longer
            file.unlink()
    for path, document in paths.items():
        file, text = folder / path, f"{document.title}\n\n{document.text}"
        if not file.exists() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")
    index_folder(index, [folder])
    return {path: document.id for path, document in paths.items()}


def evaluate_retrieval(
    index: Index,
    judged: JudgedQueries,
    documents: Mapping[str, str],
    *,
    mode: SearchMode = SearchMode.HYBRID,
    retriever: RefinedRetriever | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Search for every query and score the documents found.

    Args:
        index: What is searched.
        judged: The queries, and what answers them.
        documents: Path in the index -> id in the judgements.
        mode: How `Index.search` searches.
        retriever: Searches instead of it, with steps of its own; its `k` is best `PASSAGES`.
        on_progress: Called with the number of queries done, and of all.
    """
    started = time.monotonic()
    run: dict[str, Ranking] = {}
    queries = list(judged.queries.values())
    searches = map(retriever.hits, queries) if retriever else index.search_all(queries, k=PASSAGES, mode=mode)
    for number, (query, hits) in enumerate(zip(judged.queries, searches, strict=True), start=1):
        run[query] = document_ranking(hits, documents)
        if on_progress:
            on_progress(number, len(judged.queries))
    details = [
        {"id": query, "query": text, "found": [document for document, _ in run[query][:10]]}
        for query, text in judged.queries.items()
    ]
    settings = {"index": index.name, "mode": str(mode), "embedder": index.embedder.identity.name}
    return Evaluation(
        name="retrieval",
        settings={**settings, "queries": len(judged.queries), "documents": len(set(documents.values()))},
        values=score_rankings(run, judged.judgements),
        details=details,
        notes=judged.notes,
        seconds=time.monotonic() - started,
    )


def questions_as_judged(questions: Sequence[Question], paths: frozenset[str]) -> JudgedQueries:
    """Questions with expected files as queries whose documents are the files, all equally relevant.

    Raises:
        EvaluationError: none of the questions has an expected file in the index.
    """
    known = {question.id: {file: 1 for file in question.files if file in paths} for question in questions}
    asked = {question.id: question.question for question in questions if known[question.id]}
    missing = sorted({file for question in questions for file in question.files} - paths)
    without = [question.id for question in questions if not question.files]
    notes = [f"{len(without)} questions name no file and were left out"] if without else []
    notes += [f"{len(missing)} expected files are not in the index ({', '.join(missing[:5])})"] if missing else []
    if not asked:
        raise EvaluationError("no question has an expected file that is in the index: paths are as `search` shows them")
    return JudgedQueries(asked, {query: known[query] for query in asked}, tuple(notes))


def document_ranking(hits: Sequence[Hit], documents: Mapping[str, str]) -> list[tuple[str, float]]:
    """Documents of the hits, each once, where its best hit stands; the score only keeps the order."""
    found = dict.fromkeys(documents[hit.path] for hit in hits if hit.path in documents)
    return [(document, float(-rank)) for rank, document in enumerate(found)][:_DEPTH]


def score_rankings(
    run: Mapping[str, Ranking], judgements: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, float]]:
    """Metric -> query -> value, 0 for a query that found nothing.

    Raises:
        EvaluationError: `ir_measures` is not installed.
    """
    measures = _ir_measures()
    wanted = [measures.parse_measure(name) for name in METRICS]
    judged = [measures.Qrel(query, doc, value) for query, docs in judgements.items() for doc, value in docs.items()]
    scored = [measures.ScoredDoc(query, doc, score) for query, ranking in run.items() for doc, score in ranking]
    values: dict[str, dict[str, float]] = {name: dict.fromkeys(judgements, 0.0) for name in METRICS}
    for metric in measures.iter_calc(wanted, judged, scored):
        values[str(metric.measure)][metric.query_id] = float(metric.value)
    return values


def _ir_measures() -> Any:  # Any: the package has no types
    try:
        import ir_measures
    except ImportError as error:
        raise EvaluationError("evaluation needs more packages: pip install 'agentkit-local[eval]'") from error
    return ir_measures
