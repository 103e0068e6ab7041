"""Measuring a workspace's search and answers: its indexes and models, put before `agentkit.evaluation`."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agentkit.chunkers import CHUNKER_NAME
from agentkit.directories import data_directory
from agentkit.results import SearchMode

if TYPE_CHECKING:
    from agentkit.evaluation import Evaluation
    from agentkit.evaluation.datasets import JudgedQueries
    from agentkit.indexes import Index
    from agentkit.workspace.workspace import Workspace

    OnProgress = Callable[[int, int], None]


class Measuring:
    """What `agentkit eval` does."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._models = workspace.models

    def evaluate_beir(
        self, data: Path, *, mode: SearchMode = SearchMode.HYBRID, on_progress: "OnProgress | None" = None
    ) -> "Evaluation":
        """Measure search on a collection in BEIR's layout, which is indexed for it and kept for the next time.

        Raises:
            EvaluationError: the folder is not in that layout.
        """
        from agentkit.evaluation.datasets import read_beir, read_corpus
        from agentkit.evaluation.retrieval import index_corpus
        from agentkit.indexes import Index

        documents = read_corpus(data)
        judged = read_beir(data, known=frozenset(document.id for document in documents))
        kept = data_directory() / "evaluation" / hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:16]
        embedder = self._models.embedder()
        limits = self._models.chunk_limits(embedder)
        name = hashlib.sha256(f"{embedder.identity}{limits}{CHUNKER_NAME}".encode()).hexdigest()[:16]
        with Index.open(kept / name, embedder=embedder, limits=limits) as index:
            paths = index_corpus(documents, kept / "documents", index)
            return self._evaluate_retrieval(index, judged, paths, mode=mode, on_progress=on_progress)

    def evaluate_questions(
        self,
        questions: Path,
        index: str,
        *,
        mode: SearchMode = SearchMode.HYBRID,
        on_progress: "OnProgress | None" = None,
    ) -> "Evaluation":
        """Measure search on an index by questions with the files that answer them.

        Raises:
            EvaluationError: the file is malformed, or names no file of the index.
        """
        from agentkit.evaluation.datasets import read_questions
        from agentkit.evaluation.retrieval import questions_as_judged

        with self._workspace.open_index(index) as opened:
            paths = opened.paths()
            judged = questions_as_judged(read_questions(questions), frozenset(paths))
            return self._evaluate_retrieval(
                opened, judged, {path: path for path in paths}, mode=mode, on_progress=on_progress
            )

    def _evaluate_retrieval(
        self,
        index: "Index",
        judged: "JudgedQueries",
        documents: Mapping[str, str],
        *,
        mode: SearchMode,
        on_progress: "OnProgress | None",
    ) -> "Evaluation":
        """Search as `agentkit search` does, with the steps that the settings ask for."""
        from agentkit.evaluation.retrieval import PASSAGES, evaluate_retrieval
        from agentkit.workspace.searching import is_plain, opened_retriever

        settings = self._workspace.settings.search
        if is_plain(settings):
            return evaluate_retrieval(index, judged, documents, mode=mode, on_progress=on_progress)
        with opened_retriever(index, settings, self._models, k=PASSAGES, mode=mode) as retriever:
            found = evaluate_retrieval(
                index, judged, documents, mode=mode, retriever=retriever, on_progress=on_progress
            )
        return replace(found, settings={**found.settings, **settings.model_dump(exclude_defaults=True)})

    def evaluate_answers(
        self,
        questions: Path,
        index: str,
        *,
        model: str | None = None,
        judge: str | None = None,
        on_progress: "OnProgress | None" = None,
    ) -> "Evaluation":
        """Ask every question of a file and score the answers; `judge` is a chat model that rates them too. What was
        answered is kept beside the file until every question was, so that the next run asks only the others.

        Raises:
            EvaluationError: the file is malformed.
        """
        from agentkit.evaluation import evaluate_answers, read_questions
        from agentkit.evaluation.judge import rate_answer
        from agentkit.pipelines.answering import answer_question

        asked = read_questions(questions)
        settings = self._workspace.settings.answer
        model = model or self._workspace.settings.models.chat
        with ExitStack() as stack:
            opened = stack.enter_context(self._workspace.open_index(index))
            chat_model = stack.enter_context(self._models.for_one_answer(model))
            is_other = judge is not None and judge != model
            rater = stack.enter_context(self._models.for_one_answer(judge)) if is_other else chat_model
            retriever = self._workspace.retriever(opened, k=settings.passages, model=chat_model)
            prover = self._models.judge()  # as in `Workspace.ask`
            evaluation = evaluate_answers(
                asked,
                lambda question: answer_question(
                    question, retriever, chat_model, judge=prover, max_tokens=settings.max_tokens
                ),
                settings={
                    "questions": str(questions),
                    "content": hashlib.sha256(questions.read_bytes()).hexdigest()[:16],
                    "index": index,
                    "model": model,
                    **settings.model_dump(include={"passages", "max_tokens", "temperature", "seed"}),
                    "state": opened.catalog.generation,
                    **({"judge": judge} if judge else {}),
                    **({"prover": str(self._workspace.settings.models.judge)} if prover else {}),
                    **self._workspace.settings.search.model_dump(exclude_defaults=True),
                },
                rate=(lambda question, answer: rate_answer(rater, question, answer)) if judge else None,
                known_files=frozenset(opened.paths()),
                journal=(journal := questions.with_name(questions.name + ".run")),
                on_progress=on_progress,
            )
        if not any(row.get("error") for row in evaluation.details):
            journal.unlink(missing_ok=True)
        return evaluation

    def perplexity(self, text: str, *, model: str | None = None) -> float:
        """How surprising a text is to a local chat model.

        Raises:
            EvaluationError: the model is not a local one.
            ContextLengthError: the text is longer than the model's context.
        """
        from agentkit.errors import EvaluationError
        from agentkit.models.chat import LocalChatModel

        with self._models.for_one_answer(model) as chat_model:
            if not isinstance(chat_model, LocalChatModel):
                raise EvaluationError("perplexity needs a local model, whose log-probabilities are known")
            return chat_model.perplexity(text)

    def preferences(
        self, first: "Evaluation", second: "Evaluation", *, judge: str | None = None
    ) -> "tuple[dict[str, float], tuple[str, ...]]":
        """How much better the second run's answers are than the first's to a chat model, by question, and notes."""
        from agentkit.evaluation.judge import preferences

        with self._models.for_one_answer(judge) as chat_model:
            return preferences(chat_model, first.details, second.details)

    def make_questions(
        self,
        index: str,
        *,
        count: int,
        model: str | None = None,
        journal: Path | None = None,
        on_progress: "OnProgress | None" = None,
    ) -> list[dict[str, Any]]:
        """Questions about an index, each with the file and the span that answers it.

        What was written is kept in `journal` until the end, so that a run that was stopped goes on.
        """
        from agentkit.evaluation.making import make_questions
        from agentkit.evaluation.resume import Finished

        model = model or self._workspace.settings.models.chat
        with self._workspace.open_index(index) as opened, self._models.for_one_answer(model) as chat_model:
            settings = {"index": index, "state": opened.catalog.generation, "model": model}
            finished = Finished(journal, settings)
            rows = list(make_questions(opened, chat_model, count=count, finished=finished, on_progress=on_progress))
        if journal:
            journal.unlink(missing_ok=True)
        return rows
