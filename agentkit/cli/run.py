"""`agentkit run`: an agent does a task with tools; its steps go to stderr, the answer to stdout."""

import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentkit.cli._approval import AllowedTools, Approval, TrustsTools
from agentkit.cli._invocation import UsageError, check_allowed, choose_index, complete_index, note, workspace_of
from agentkit.cli._pairs import KeyValue, as_mapping
from agentkit.cli._terminal import as_text, neutralise, read_piped_text, stdout_kept_for_results, to_json
from agentkit.results import StopReason

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from agentkit.agents import Agent
    from agentkit.cli._steps import StepPrinter
    from agentkit.results import Answer
    from agentkit.workspace import Workspace

_INTERRUPTED = 130


def run(
    context: typer.Context,
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="What to do. Piped text is added to it.", callback=as_text)
    ] = "",
    index: Annotated[
        str | None,
        typer.Option(
            "-i",
            "--index",
            help="An index to search; the only one by default, none with -T.",
            autocompletion=complete_index,
        ),
    ] = None,
    tools: Annotated[
        list[str] | None, typer.Option("-T", "--tool", help="A tool that it may call; by default all. Repeatable.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("-m", "--model", help="A model's name, hf:OWNER/REPO:FILE, or a GGUF file."),
    ] = None,
    steps: Annotated[int, typer.Option("--max-steps", min=1, help="Most replies of the model.")] = 10,
    seconds: Annotated[float | None, typer.Option("--timeout", min=0.001, help="Most seconds.")] = None,
    strategy: Annotated[
        str | None,
        typer.Option("--strategy", metavar="NAME", help="How the answer is reasoned: see agentkit ask --help."),
    ] = None,
    options: Annotated[
        list[KeyValue] | None, typer.Option("-o", "--option", metavar="KEY VALUE", help="An option of the strategy.")
    ] = None,
    allowed: AllowedTools = None,
    trusts_all: TrustsTools = False,
    is_usage_shown: Annotated[bool, typer.Option("-u", "--usage", help="Say what the answer cost.")] = False,
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let an agent do a task with tools: it thinks, calls tools, reads what they give, and answers.

    A call of a tool with effects is shown exactly and asked about. Ctrl-C ends with what there is, and 130.
    """
    text = "\n\n".join(part for part in (read_piped_text(), task.strip()) if part)
    if not text:
        raise UsageError('there is no task: agentkit run "…"')
    workspace = workspace_of(context)
    searched = _index_for(workspace, index, names=tools)
    chosen = _tools(workspace, tools, trusts_all=trusts_all)
    check_allowed(allowed or (), chosen)
    if options and strategy is None:
        raise UsageError("-o is for the options of a --strategy")
    how = workspace.strategy(strategy, as_mapping(options or ())) if strategy is not None else None

    from agentkit.agents import AgentLimits
    from agentkit.cli._interrupt import cancel_on_interrupt
    from agentkit.cli._steps import StepPrinter

    with StepPrinter() as printer, cancel_on_interrupt() as cancel, stdout_kept_for_results():
        approve = Approval(allowed or (), pause=printer.pause)
        limits = AgentLimits(steps=steps, seconds=seconds)
        with workspace.agent(
            chosen, index=searched, model=model, limits=limits, strategy=how, approve=approve
        ) as agent:
            answer = _drain(agent, text, cancel, printer)
    _show(answer, workspace, searched, is_json=is_json, is_reasoned=how is not None)
    for warning in answer.warnings:
        note(f"warning: {warning}")
    if is_usage_shown:
        from agentkit.cli._answer import print_usage

        print_usage(answer)
    if answer.stop_reason is StopReason.CANCELLED:
        raise typer.Exit(_INTERRUPTED)


def _index_for(workspace: "Workspace", name: str | None, *, names: list[str] | None) -> str | None:
    """The index to search: the one that is named, or the only one where no tools are chosen."""
    if name is not None:
        return choose_index(workspace, name)
    found = workspace.indexes.names()
    if names or not found:
        return None
    if len(found) > 1:
        note(f"none of the {len(found)} indexes is searched: choose one with -i: {', '.join(found)}")
        return None
    return found[0]


def _tools(workspace: "Workspace", names: list[str] | None, *, trusts_all: bool) -> "list[BaseTool]":
    """The tools that are named, or all."""
    found = workspace.tools(trusts_all=trusts_all)
    for problem in found.problems:
        note(problem)
    return list(found.registry.only(names) if names else found.registry)


def _drain(agent: "Agent", task: str, cancel: threading.Event, printer: "StepPrinter") -> "Answer":
    from agentkit.results import Answer

    answer = Answer("", stop_reason=StopReason.CANCELLED)
    for event in agent.stream(task, cancel=cancel):
        printer.show(event)
        if isinstance(event, Answer):
            answer = event
    return answer


def _show(answer: "Answer", workspace: "Workspace", index: str | None, *, is_json: bool, is_reasoned: bool) -> None:
    if is_json:
        typer.echo(to_json(_as_json(answer, is_reasoned=is_reasoned)))
        return
    from agentkit.cli._render import print_sources

    if answer.text:
        print(neutralise(answer.text))
    print_sources(answer, lambda path: workspace.indexes.source_file(index, path) if index else None, sys.stdout)


def _as_json(answer: "Answer", *, is_reasoned: bool) -> dict[str, Any]:  # Any: whatever JSON holds
    """The shape of design.md section 7, and the citations as `ask` gives them; a strategy adds its reasoning."""
    shape = {
        "answer": answer.text,
        "citations": [citation.as_json() for citation in answer.citations],
        "steps": [step.as_json() for step in answer.steps],
        "stop_reason": answer.stop_reason.value,
        "usage": asdict(answer.usage),
    }
    return {**shape, "reasoning": answer.reasoning, "confidence": answer.confidence} if is_reasoned else shape
