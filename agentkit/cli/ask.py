"""`agentkit ask`: an answer with its quotes and their sources, or, without an index, the model's own answer."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentkit.cli._claims import claim_as_json
from agentkit.cli._filters import Conditions, FormatFilter, PathFilter
from agentkit.cli._invocation import OFF, UsageError, choose_index, complete_index, note, workspace_of
from agentkit.cli._pairs import KeyValue, as_mapping
from agentkit.cli._terminal import as_text, is_terminal, neutralise, read_piped_text, to_json

if TYPE_CHECKING:
    from agentkit.cli._reasoning import Reasoning
    from agentkit.results import Answer
    from agentkit.workspace import Workspace


def ask(
    context: typer.Context,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="The question. Piped text is added to it.", callback=as_text)
    ] = "",
    index: Annotated[
        str | None,
        typer.Option(
            "-i", "--index", help="The index; the only one by default, off for none.", autocompletion=complete_index
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", help="A model's name, hf:OWNER/REPO:FILE, a GGUF file, or provider:name."),
    ] = None,
    passages: Annotated[int | None, typer.Option("-k", min=1, max=100, help="How many passages to read.")] = None,
    path: PathFilter = None,
    form: FormatFilter = None,
    where: Conditions = None,
    system: Annotated[str, typer.Option("-s", "--system", help="Instructions for the model.", callback=as_text)] = "",
    strategy: Annotated[
        str | None,
        typer.Option(
            "--strategy",
            metavar="NAME",
            help="How to reason: direct, few-shot, cot, self-consistency, tot, plan or refine.",
        ),
    ] = None,
    options: Annotated[
        list[KeyValue] | None,
        typer.Option(
            "-o",
            "--option",
            metavar="KEY VALUE",
            help="An option of the strategy, such as samples 5; without one, temperature, seed or max_tokens.",
        ),
    ] = None,
    tree_file: Annotated[
        Path | None, typer.Option("--save-tree", metavar="FILE", help="Keep the tree of tot: FILE.html or FILE.json.")
    ] = None,
    count: Annotated[
        int, typer.Option("-n", "--count", min=1, max=64, help="So many answers, sampled; without an index.")
    ] = 1,
    is_waited_for: Annotated[bool, typer.Option("--no-stream", help="Print the answer when it is whole.")] = False,
    is_usage_shown: Annotated[bool, typer.Option("-u", "--usage", help="Say what the answer cost.")] = False,
    is_explained: Annotated[
        bool, typer.Option("--explain", help="Show the reasoning, and the passages that were read.")
    ] = False,
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Answer a question from an index, with quotes and sources.

    Text that is piped in is what the question is about: cat notes.txt | agentkit ask "Summarise this"
    """
    piped = read_piped_text()
    if not question.strip() and not piped:
        raise UsageError('there is no question: agentkit ask "…"')
    workspace = workspace_of(context)
    chosen = _index_for(workspace, index, has_piped_text=bool(piped))
    if chosen is None and (passages or path or form or where):
        raise UsageError("-k, --path, --format and --where choose passages of an index: name one with -i")
    text = "\n\n".join(part for part in (piped, question.strip()) if part)
    workspace, reasoning = _with_options(workspace, strategy, as_mapping(options or ()), tree_file)
    if count > 1:
        if reasoning:
            raise UsageError("-n is for the model's own answers: leave out --strategy")
        if chosen:
            raise UsageError("-n is for the model's own answers: use -i off")
        answers = workspace.ask_model_several_times(text, count, model=model, system=system)
        _print_several(answers, is_json=is_json, is_usage_shown=is_usage_shown)
        return

    from agentkit.cli._answer import AnswerPrinter

    is_streamed = is_terminal(sys.stdout) and not (is_json or is_waited_for)
    with AnswerPrinter(is_streamed=is_streamed) as printer:
        how = reasoning.strategy if reasoning else None
        if chosen is None:
            answer = workspace.ask_model(text, model=model, strategy=how, system=system, on_token=printer.show)
        else:
            answer = workspace.ask(
                text,
                chosen,
                model=model,
                passages=passages,
                path=path,
                format=form,
                where=where or (),
                strategy=how,
                system=system,
                on_token=printer.show,
            )
        if is_json:
            shape = _as_json(answer, reasoning, is_of_index=chosen is not None, is_explained=is_explained)
            typer.echo(to_json(shape))
        else:
            printer.finish(answer, find=lambda path: workspace.indexes.source_file(chosen, path) if chosen else None)
    if reasoning:
        reasoning.save_tree()
    _print_notes(answer, reasoning, is_usage_shown=is_usage_shown, is_explained=is_explained and not is_json)


def _with_options(
    workspace: "Workspace", strategy: str | None, options: Mapping[str, str], tree_file: Path | None
) -> "tuple[Workspace, Reasoning | None]":
    """The workspace with the model's options; or how to reason, with the strategy's."""
    if strategy is not None:
        from agentkit.cli._reasoning import Reasoning

        return workspace, Reasoning.of(workspace, strategy, options, tree_file=tree_file)
    if tree_file:
        raise UsageError("--save-tree is for --strategy tot")
    return workspace.with_options("answer", options), None


def _print_several(answers: "Sequence[Answer]", *, is_json: bool, is_usage_shown: bool) -> None:
    """The answers one below the other, or as an array; what they cost together."""
    if is_json:
        typer.echo(to_json([_as_json(answer) for answer in answers]))
    else:
        typer.echo("\n---\n".join(neutralise(answer.text) for answer in answers))
    whole = replace(answers[0], usage=sum((answer.usage for answer in answers[1:]), answers[0].usage))
    _print_notes(whole, None, is_usage_shown=is_usage_shown, is_explained=False)


def _index_for(workspace: "Workspace", name: str | None, *, has_piped_text: bool) -> str | None:
    """The index to answer from; None where the model answers by itself, which is said unless it was asked for."""
    if name == OFF:
        return None
    if name is None and has_piped_text:
        note("answering from the piped text; -i adds an index")
        return None
    if name is None and not workspace.indexes.names():
        note("there is no index, so the model answers without sources (make one: agentkit index PATH)")
        return None
    return choose_index(workspace, name)


def _as_json(
    answer: "Answer", reasoning: "Reasoning | None" = None, *, is_of_index: bool = False, is_explained: bool = False
) -> dict[str, Any]:  # Any: whatever JSON holds
    """The shape of design.md section 7; an index adds what it does not support, a strategy its reasoning, `--explain`
    the passages.
    """
    shape: dict[str, Any] = {
        "answer": answer.text,
        "citations": [citation.as_json() for citation in answer.citations],
        "grounded": answer.is_grounded,
        "stop_reason": answer.stop_reason.value,
        "usage": asdict(answer.usage),
    }
    if is_of_index:
        shape["unsupported"] = [claim_as_json(claim) for claim in answer.unsupported]
        shape["warnings"] = list(answer.warnings)
    if reasoning:
        shape |= reasoning.as_json(answer, is_explained=is_explained)
    if is_explained:
        shape["passages"] = [asdict(passage) for passage in answer.passages]
    return shape


def _print_notes(answer: "Answer", reasoning: "Reasoning | None", *, is_usage_shown: bool, is_explained: bool) -> None:
    """What is not the answer, on stderr: limits that cut something, the reasoning, the passages read, the cost."""
    for warning in answer.warnings:
        note(f"warning: {warning}")
    if is_explained and reasoning:
        reasoning.explain(answer, sys.stderr)
    if is_explained and (answer.passages or not reasoning):
        from agentkit.cli._answer import print_passages

        print_passages(answer, sys.stderr)
    if is_usage_shown:
        from agentkit.cli._answer import print_usage

        print_usage(answer)
