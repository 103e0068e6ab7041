"""Reading what to measure by: BEIR's layout (Thakur et al. 2021, arXiv:2104.08663), and questions with expected files.

BEIR: `corpus.jsonl` (`_id`, `title`, `text`), `queries.jsonl` (`_id`, `text`), `qrels.tsv` or `qrels/SPLIT.tsv`
(`query-id`, `corpus-id`, `score`). Questions: one JSON object a line with `question`, and `id`, `files`, `answer`,
`span` where they are known. What is wrong is named with its file and line, or counted in `notes`; nothing is skipped
in silence.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentkit.errors import EvaluationError


@dataclass(frozen=True, slots=True)
class CorpusDocument:
    """A document of a BEIR corpus."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class JudgedQueries:
    """Queries and which documents answer them, how well."""

    queries: Mapping[str, str]
    """Query id -> text; only those with a judgement."""
    judgements: Mapping[str, Mapping[str, int]]
    """Query id -> document id -> relevance; 0 and less is not relevant."""
    notes: tuple[str, ...] = ()
    """What was left out, and why; one line each."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what a right answer to it is known to be."""

    id: str
    question: str
    files: tuple[str, ...] = ()
    """Paths in the index, any of which answers it; none for a question that the documents do not answer."""
    answers: tuple[str, ...] = ()
    """Right answers, each enough by itself."""
    span: tuple[int, int] | None = None
    """Where the answer stands in the first file, as offsets into its text."""

    @property
    def is_answerable(self) -> bool:
        return bool(self.files or self.answers)


def read_corpus(folder: Path) -> list[CorpusDocument]:
    """The documents of a BEIR folder.

    Raises:
        EvaluationError: no such file, a line that is not JSON, a document without id, or no documents.
    """
    path = folder / "corpus.jsonl"
    documents = [
        CorpusDocument(_text(row, "_id", path, line), str(row.get("title") or ""), str(row.get("text") or ""))
        for line, row in _json_lines(path)
    ]
    if not documents:
        raise EvaluationError(f"{path} holds no documents")
    _check_ids([document.id for document in documents], f"{path} has two documents")
    return documents


def read_beir(folder: Path, *, known: frozenset[str] | None = None) -> JudgedQueries:
    """Queries and judgements of a BEIR folder. Judgements of documents that are not `known` are left out and counted.

    Raises:
        EvaluationError: a file is missing or malformed, or no query with a judgement is left.
    """
    path = folder / "queries.jsonl"
    asked = [(_text(row, "_id", path, line), str(row.get("text") or "")) for line, row in _json_lines(path)]
    _check_ids([query for query, _ in asked], f"{path} has two queries")
    texts = dict(asked)
    judgements: dict[str, dict[str, int]] = {}
    unknown_queries, unknown_documents, changed = set(), set(), []
    for query, document, relevance in _judgements(folder):
        if judgements.get(query, {}).get(document, relevance) != relevance:
            changed.append(f"{query} {document}")
        if query not in texts:
            unknown_queries.add(query)
        elif known is not None and document not in known:
            unknown_documents.add(document)
        else:
            judgements.setdefault(query, {})[document] = relevance
    empty = sorted(query for query, text in texts.items() if not text.strip())
    without = sorted(query for query in texts if query not in judgements and query not in empty)
    notes = [
        _note(empty, "queries have no text"),
        _note(without, "queries have no judgement"),
        _note(sorted(unknown_queries), "judged queries are not in queries.jsonl"),
        _note(sorted(unknown_documents), "judged documents are not in the corpus"),
        _note(changed, "documents are judged twice for a query, and the last judgement counts"),
    ]
    used = {query: text for query, text in texts.items() if query in judgements and text.strip()}
    if not used:
        raise EvaluationError(f"{folder} has no query with a judgement of a known document: check the ids of its qrels")
    return JudgedQueries(used, {query: judgements[query] for query in used}, tuple(filter(None, notes)))


def read_questions(path: Path) -> list[Question]:
    """Questions of a JSON-lines file, in order.

    Raises:
        EvaluationError: no such file, a malformed line, an empty question, two of one id, or no questions.
    """
    questions: list[Question] = []
    for line, row in _json_lines(path):
        if "answers" in row and "answer" not in row:
            raise EvaluationError(f"{path}, line {line}: 'answers' is no key: write 'answer', which can be a list")
        questions.append(
            Question(
                id=str(line if row.get("id") in (None, "") else row["id"]),
                question=_text(row, "question", path, line),
                files=_texts(row.get("files") or row.get("file")),
                answers=_texts(row.get("answer")),
                span=_span(row.get("span"), path, line),
            )
        )
    if not questions:
        raise EvaluationError(f"{path} holds no questions")
    _check_ids([question.id for question in questions], f"{path} has two questions")
    return questions


def _texts(value: Any) -> tuple[str, ...]:  # Any: whatever JSON holds
    """One value or a list of them; none for null and for what is empty, but 0 is a value."""
    values = value if isinstance(value, list) else [value]
    return tuple(str(each) for each in values if each is not None and each != "")


def _span(value: Any, path: Path, line: int) -> tuple[int, int] | None:  # Any: whatever JSON holds
    match value:
        case None | []:
            return None
        case [int(start), int(end)]:
            return start, end
    raise EvaluationError(f"{path}, line {line}: 'span' is two whole numbers, start and end, not {value!r}")


def _check_ids(ids: Sequence[str], problem: str) -> None:
    if twice := [each for each, count in Counter(ids).items() if count > 1]:
        raise EvaluationError(f"{problem} with the id {twice[0]!r}: give each its own")


def _judgements(folder: Path) -> Iterator[tuple[str, str, int]]:
    candidates = [folder / "qrels.tsv", folder / "qrels" / "test.tsv", *sorted((folder / "qrels").glob("*.tsv"))]
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        raise EvaluationError(f"{folder} has neither qrels.tsv nor qrels/test.tsv: it is not in BEIR's layout")
    for line, content in _lines(path):
        row = content.split("\t")
        if line == 1 and row[0] == "query-id":
            continue
        try:
            query, document, relevance = row[0], row[1], int(row[2])
        except (IndexError, ValueError) as error:
            raise EvaluationError(f"{path}, line {line}: expected query-id, corpus-id, score, not {row}") from error
        yield query, document, relevance


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, content in _lines(path):
        try:
            row = json.loads(content)
        except json.JSONDecodeError as error:
            raise EvaluationError(f"{path}, line {line}: not JSON ({error.msg})") from error
        if not isinstance(row, dict):
            raise EvaluationError(f"{path}, line {line}: expected an object, not {content[:60]}")
        if "\\ud" in content.lower():  # half of a surrogate pair, which no text can hold
            row = json.loads(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace"))
        yield line, row


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and content of each line that is not blank."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path} is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}") from error
    for line, content in enumerate(text.split("\n"), start=1):
        if content.strip():
            yield line, content


def _text(row: Mapping[str, Any], key: str, path: Path, line: int) -> str:
    value = "" if row.get(key) is None else str(row[key]).strip()
    if not value:
        raise EvaluationError(f"{path}, line {line}: {key!r} is missing or empty")
    return value


def _note(ids: list[str], what: str) -> str:
    shown = ", ".join(ids[:5]) + (", …" if len(ids) > 5 else "")
    return f"{len(ids)} {what} ({shown})" if ids else ""
