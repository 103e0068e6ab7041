"""`agentkit eval`: how well search and answers do on one's own documents, or on a public test collection."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentkit.cli._invocation import (
    UsageError,
    check_folder_of,
    choose_index,
    complete_index,
    note,
    workspace_of,
)
from agentkit.cli._terminal import neutralise, read_piped_text, to_json
from agentkit.errors import EvaluationError
from agentkit.results import SearchMode

if TYPE_CHECKING:
    from agentkit.evaluation import Evaluation

_FORMS = (".json", ".md", ".html")

app = typer.Typer(no_args_is_help=True, help="Measure search and answers.")

IndexOption = Annotated[
    str | None,
    typer.Option("-i", "--index", help="The index; the only one by default.", autocompletion=complete_index),
]
ModelOption = Annotated[str | None, typer.Option("-m", "--model", help="The chat model.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OutputOption = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write the results here: .json (to compare), .md or .html.")
]


@app.command("retrieval")
def retrieval(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A folder in BEIR's layout, or a file of questions.")],
    index: IndexOption = None,
    mode: Annotated[SearchMode, typer.Option("--mode", help="By meaning and words, or by one of them.")] = (
        SearchMode.HYBRID
    ),
    output: OutputOption = None,
    is_json: JsonOption = False,
) -> None:
    """Measure whether search finds what answers.

    A folder with corpus.jsonl, queries.jsonl and qrels is indexed by itself; a JSON-lines file of questions with the
    files that answer them is measured on an index of yours.
    """
    _check_form(output)
    workspace = workspace_of(context)
    if data.is_dir():
        evaluation = workspace.measuring.evaluate_beir(data, mode=mode, on_progress=_progress)
    else:
        evaluation = workspace.measuring.evaluate_questions(
            data, choose_index(workspace, index), mode=mode, on_progress=_progress
        )
    _finish(evaluation, output, is_json=is_json)


@app.command("answers")
def answers(
    context: typer.Context,
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS", help="Questions with answers or files, as JSON.")],
    index: IndexOption = None,
    model: ModelOption = None,
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="MODEL", help="A chat model that rates each answer from 1 to 5.")
    ] = None,
    output: OutputOption = None,
    is_json: JsonOption = False,
) -> None:
    """Measure answers: right, cited, refused where they must be. A run that was stopped goes on where it was, and one
    in which questions failed asks only those again.

    Each line of QUESTIONS is an object with `question`, and `answer` and `files` where the documents answer it.
    Exits with 1 where every question failed.
    """
    _check_form(output)
    workspace = workspace_of(context)
    chosen = choose_index(workspace, index)
    evaluation = workspace.measuring.evaluate_answers(
        questions, chosen, model=model, judge=judge, on_progress=_progress
    )
    _finish(evaluation, output, is_json=is_json)
    if not evaluation.values:
        count, error = len(evaluation.details), evaluation.details[0]["error"]
        raise EvaluationError(
            f"nothing was measured: each of the {count} questions failed, the first with {error.rstrip('.')}: see to "
            "that and measure again"
        )


@app.command("make")
def make(
    context: typer.Context,
    output: Annotated[Path, typer.Argument(metavar="FILE", help="Where the questions go, as JSON lines.")],
    index: IndexOption = None,
    model: ModelOption = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, max=10_000, help="How many questions.")] = 20,
    is_json: JsonOption = False,
) -> None:
    """Write questions about an index, each with the file and the span that answers it. Read them before you trust them.

    Then: agentkit eval answers FILE. A run that was stopped goes on where it was.
    """
    if output.exists():
        raise UsageError(f"{output} exists: give another name, or delete it")
    check_folder_of(output)
    workspace = workspace_of(context)
    rows = workspace.measuring.make_questions(
        choose_index(workspace, index),
        count=count,
        model=model,
        journal=output.with_name(output.name + ".run"),
        on_progress=_progress,
    )
    output.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    note(f"{len(rows)} questions written to {output}")
    if is_json:
        typer.echo(to_json({"file": str(output), "questions": len(rows)}))


@app.command("compare")
def compare(
    context: typer.Context,
    first: Annotated[Path, typer.Argument(help="A run saved with -o as .json.")],
    second: Annotated[Path, typer.Argument(help="Another one of the same questions.")],
    judge: Annotated[
        str | None,
        typer.Option(
            "--judge", metavar="MODEL", help="A chat model that says whose answers are better, in both orders."
        ),
    ] = None,
    is_json: JsonOption = False,
) -> None:
    """Compare two runs question by question, with a paired permutation test."""
    from agentkit.evaluation.records import Evaluation
    from agentkit.evaluation.report import differences, renamed
    from agentkit.evaluation.statistics import paired_difference

    runs = Evaluation.load(first), Evaluation.load(second)
    found = differences(*runs)
    notes: tuple[str, ...] = ()
    if judge:
        values, notes = workspace_of(context).measuring.preferences(*runs, judge=judge)
        if values:
            found["preference"] = paired_difference([0.0] * len(values), list(values.values()))
    if not found:
        raise UsageError(f"{first} and {second} have no question in common")
    if others := sorted(renamed(*runs)):
        note(f"{len(others)} ids stand for other questions in {second}, and were left out ({', '.join(others[:5])})")
    for each in notes:
        note(each)
    if is_json:
        typer.echo(to_json({metric: asdict(difference) for metric, difference in found.items()}))
        return
    for metric, difference in found.items():
        mean = difference.mean
        line = f"{metric:20} {mean.mean:+.3f}  ({mean.low:+.3f} to {mean.high:+.3f})  p = {difference.p_value:.3f}"
        typer.echo(f"{line}  {mean.count} questions")


@app.command("perplexity")
def perplexity(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A text file; piped text by default.")] = None,
    model: ModelOption = None,
    is_json: JsonOption = False,
) -> None:
    """Measure how surprising a text is to the chat model: 1 is certain. Comparable between texts for one model."""
    text = _text_of(file) if file else read_piped_text()
    if not text.strip():
        raise UsageError("there is no text: agentkit eval perplexity FILE")
    value = workspace_of(context).measuring.perplexity(text, model=model)
    typer.echo(to_json({"perplexity": value, "characters": len(text)}) if is_json else f"{value:.2f}")


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error


def _check_form(output: Path | None) -> None:
    """Before the run, which can take long."""
    if output and output.suffix not in _FORMS:
        what = f"{output.suffix} is no form of a report" if output.suffix else f"{output} has no ending"
        raise UsageError(f"{what}: use {', '.join(_FORMS)}")
    if output and output.is_dir():
        raise UsageError(f"{output} is a folder: give the name of a file")
    if output:
        check_folder_of(output)


def _finish(evaluation: "Evaluation", output: Path | None, *, is_json: bool) -> None:
    try:
        if output:
            _write(evaluation, output)
    finally:  # the disk may be full, and the run was long
        _show(evaluation, is_json=is_json)


def _write(evaluation: "Evaluation", output: Path) -> None:
    from agentkit.evaluation.report import html, markdown

    if output.suffix == ".json":
        evaluation.save(output)
    else:
        output.write_text(html(evaluation) if output.suffix == ".html" else markdown(evaluation), encoding="utf-8")


def _show(evaluation: "Evaluation", *, is_json: bool) -> None:
    from agentkit.evaluation.report import markdown

    if is_json:
        means = {metric: asdict(evaluation.mean(metric)) for metric in evaluation.values}
        shape = {"name": evaluation.name, "settings": dict(evaluation.settings), "metrics": means}
        typer.echo(to_json({**shape, "notes": list(evaluation.notes), "seconds": evaluation.seconds}))
        return
    typer.echo(neutralise(markdown(evaluation)), nl=False)


def _progress(done: int, total: int) -> None:
    """A line that is written over; nothing where nobody is looking."""
    if sys.stderr.isatty():
        print(f"\r{done}/{total} ", end="" if done < total - 1 else "\r", file=sys.stderr, flush=True)
