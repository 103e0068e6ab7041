"""Are answers right, cited and honest? Exact match and F1, ROUGE, BLEU, citations, refusals, a judge's rating.

Exact match and F1 as in SQuAD's evaluation (Rajpurkar et al. 2016, arXiv:1606.05250): lower case, without punctuation
and articles. ROUGE-1, -2 and -L (Lin 2004) by `rouge-score`, BLEU (Papineni et al. 2002) by `sacrebleu`.
"""

import re
import string
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agentkit.errors import EvaluationError
from agentkit.evaluation.datasets import Question
from agentkit.evaluation.judge import Rating
from agentkit.evaluation.records import Evaluation
from agentkit.evaluation.resume import Finished
from agentkit.results import Answer, Citation, StopReason

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_ROUGE = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """One answer against what is expected. A value that does not apply is None."""

    contains_answer: float | None = None
    """1 where an expected answer stands in it."""
    exact_match: float | None = None
    f1: float | None = None
    rouge_1: float | None = None
    rouge_2: float | None = None
    rouge_l: float | None = None
    bleu: float | None = None
    """0 to 1, of this one answer."""
    hit: float | None = None
    """1 where an expected file is cited."""
    citation_precision: float | None = None
    """Share of the citations that are of expected files, and of the expected span where one is known."""
    citation_recall: float | None = None
    """Share of the expected files that are cited."""
    refusal: float | None = None
    """1 where it refused what cannot be answered or answered what can."""


def evaluate_answers(
    questions: Sequence[Question],
    answer: Callable[[str], Answer],
    *,
    settings: dict[str, Any],
    rate: Callable[[Question, Answer], Rating] | None = None,
    known_files: Collection[str] | None = None,
    journal: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Ask every question and score the answers.

    `journal` is a file that each answer is written to as it comes: a run that was stopped goes on from there. `rate` is
    a judge of answers to what can be answered. Named and counted in the notes: questions that fail, which have no
    values; answers that the judge does not rate; expected files that are not among `known_files`.
    """
    started = time.monotonic()
    finished = Finished(journal, settings)
    values: dict[str, dict[str, float]] = {}
    details, notes = [], _unknown_files(questions, known_files)
    failed: list[str] = []
    unrated: list[str] = []
    for number, question in enumerate(questions):
        if on_progress:
            on_progress(number, len(questions))
        row = finished.get(question.id)
        if row is None:
            row = finished.add(question.id, _ask(question, answer, rate))
        details.append(row)
        if row.get("error"):
            failed.append(f"{question.id}: {row['error']}")
            continue
        rating = row.get("rating", {})
        if rating and rating["value"] is None:
            unrated.append(f"{question.id}: {rating['reply'][:60]!r}")
        rest = {"rating": rating.get("value"), "seconds": row["seconds"], "tokens": row["tokens"]}
        for metric, value in {**row["score"], **rest}.items():
            if value is not None:
                values.setdefault(metric, {})[question.id] = float(value)
    if failed:
        notes.append(f"{len(failed)} of {len(questions)} questions failed ({'; '.join(failed[:5])})")
    if unrated:
        notes.append(f"{len(unrated)} answers were not rated by the judge ({'; '.join(unrated[:5])})")
    return Evaluation("answers", settings, values, details, tuple(notes), time.monotonic() - started)


def score_answer(question: Question, answer: Answer) -> AnswerScore:
    """One answer against its question's expectation."""
    is_refusal = answer.stop_reason is StopReason.NOT_FOUND
    refusal = float(is_refusal != question.is_answerable)
    if not question.is_answerable:
        return AnswerScore(refusal=refusal)
    cited = {citation.path for citation in answer.citations}
    right = [citation for citation in answer.citations if _is_expected(citation, question)]
    files = question.files
    text = "" if is_refusal else answer.text
    return AnswerScore(
        **(_text_scores(text, question.answers) if question.answers else {}),
        hit=float(bool(cited & set(files))) if files else None,
        citation_precision=len(right) / len(answer.citations) if files and answer.citations else None,
        citation_recall=len(cited & set(files)) / len(files) if files else None,
        refusal=refusal,
    )


def normalized(text: str) -> str:
    """Lower case without punctuation, articles and needless white space, as SQuAD's evaluation does it."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def contains(text: str, expected: str) -> bool:
    """Whether an expected answer stands in a text, in any case. A number is none that is part of another one.

    >>> contains("It cost 1,340 crowns.", "1340"), contains("It cost 1,340 crowns.", "4")
    (True, False)
    """
    answer = re.escape(expected.lower().replace(",", ""))
    before = r"(?<!\d)(?<!\d\.)" if expected[:1].isdigit() else ""
    behind = r"(?!\.?\d)" if expected[-1:].isdigit() else ""
    return re.search(before + answer + behind, text.lower().replace(",", "")) is not None


def f1(text: str, expected: str) -> float:
    """Harmonic mean of precision and recall over the words of the normalised texts."""
    words, wanted = normalized(text).split(), normalized(expected).split()
    shared = sum((Counter(words) & Counter(wanted)).values())
    if not words or not wanted:
        return float(words == wanted)
    return 2 * shared / (len(words) + len(wanted))


def rouge(text: str, expected: str) -> dict[str, float]:
    """F-measures of shared words, pairs of words and the longest common subsequence, with stemming."""
    scores = _rouge().score(expected, text)
    return {name: float(scores[other].fmeasure) for name, other in _ROUGE.items()}


def bleu(text: str, expected: Sequence[str]) -> float:
    """Sentence BLEU with exponential smoothing, 0 to 1."""
    try:
        from sacrebleu import sentence_bleu
    except ImportError as error:
        raise EvaluationError("evaluation needs more packages: pip install 'agentkit-local[eval]'") from error
    return float(sentence_bleu(text, list(expected)).score) / 100


def _text_scores(text: str, answers: Sequence[str]) -> dict[str, float]:
    """The best over the expected answers."""
    overlaps = [rouge(text, answer) for answer in answers]
    return {
        "contains_answer": float(any(contains(text, answer) for answer in answers)),
        "exact_match": _best(float(normalized(text) == normalized(answer)) for answer in answers),
        "f1": _best(f1(text, answer) for answer in answers),
        **{name: _best(overlap[name] for overlap in overlaps) for name in _ROUGE},
        "bleu": bleu(text, answers),
    }


def _best(values: Iterable[float]) -> float:
    return max(values, default=0.0)


def _is_expected(citation: Citation, question: Question) -> bool:
    if citation.path not in question.files:
        return False
    if question.span is None or citation.path != question.files[0]:
        return True
    return citation.start < question.span[1] and question.span[0] < citation.end


def _unknown_files(questions: Sequence[Question], known: Collection[str] | None) -> list[str]:
    missing = sorted({file for question in questions for file in question.files} - set(known or ()))
    if known is None or not missing:
        return []
    return [f"{len(missing)} expected files are not in the index ({', '.join(missing[:5])})"]


def _ask(
    question: Question, answer: Callable[[str], Answer], rate: Callable[[Question, Answer], Rating] | None
) -> dict[str, Any]:
    started = time.monotonic()
    row: dict[str, Any] = {"id": question.id, "question": question.question, "expected": list(question.answers)}
    try:
        given = answer(question.question)
    except EvaluationError:
        raise
    except Exception as error:  # noqa: BLE001  one question's failure is a result like any other
        return {**row, "error": f"{type(error).__name__}: {error}"}
    return {
        **row,
        "answer": given.text,
        "stop_reason": str(given.stop_reason),
        "citations": [citation.as_json() for citation in given.citations],
        "unsupported": [claim.text for claim in given.unsupported],
        "score": asdict(score_answer(question, given)),
        "seconds": time.monotonic() - started,
        **({"rating": _rated(question, given, rate)} if rate and question.is_answerable else {}),
        "tokens": given.usage.prompt_tokens - given.usage.cached_tokens + given.usage.completion_tokens,
    }


def _rated(question: Question, answer: Answer, rate: Callable[[Question, Answer], Rating]) -> dict[str, Any]:
    """The judge's rating; none where it fails, since the answer is there all the same."""
    try:
        return asdict(rate(question, answer))
    except Exception as error:  # noqa: BLE001  as in `_ask`
        return asdict(Rating(None, f"{type(error).__name__}: {error}"))


@cache
def _rouge() -> Any:  # Any: the package has no types
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise EvaluationError("evaluation needs more packages: pip install 'agentkit-local[eval]'") from error
    return RougeScorer(list(_ROUGE.values()), use_stemmer=True)
