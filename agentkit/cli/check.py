"""`agentkit check`: is what an answer says in the documents?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from agentkit.cli._claims import claim_as_json
from agentkit.cli._invocation import UsageError, choose_index, complete_index, note, workspace_of
from agentkit.cli._terminal import as_text, neutralise_line, read_piped_text, to_json

_SIGNS = {"supported": "✓", "contradicted": "✗", "not_found": "?"}


def check(
    context: typer.Context,
    answer: Annotated[
        str, typer.Argument(metavar="ANSWER", help="The text to check; piped text by default.", callback=as_text)
    ] = "",
    index: Annotated[
        str | None,
        typer.Option("-i", "--index", help="The index; the only one by default.", autocompletion=complete_index),
    ] = None,
    model: Annotated[str | None, typer.Option("-m", "--model", help="The chat model that judges.")] = None,
    judge: Annotated[
        Path | None,
        typer.Option("--judge", metavar="FOLDER", help="An NLI cross-encoder that judges instead of the chat model."),
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hold each sentence of an answer against an index: supported, contradicted or not found, with the place.

    The exit code is 0 whatever is found: look at `grounded` in the JSON.
    """
    text = answer if answer.strip() else read_piped_text()
    if not text.strip():
        raise UsageError('there is nothing to check: agentkit check "…"')
    workspace = workspace_of(context)
    report = workspace.check(text, choose_index(workspace, index), model=model, judge=judge)
    if is_json:
        claims = [claim_as_json(claim) for claim in report.claims]
        typer.echo(to_json({"grounded": report.is_grounded, "claims": claims, "usage": asdict(report.usage)}))
        return
    if not report.claims:
        note("there is no sentence in that text")
    for claim in report.claims:
        typer.echo(f"{_SIGNS[claim.verdict]} {claim.verdict.replace('_', ' '):13}{neutralise_line(claim.text)}")
        if claim.missing:
            typer.echo(f"    nowhere in the passages: {neutralise_line(', '.join(claim.missing))}")
        if claim.citation:
            page = f", page {claim.citation.page}" if claim.citation.page else ""
            quote = neutralise_line(" ".join(claim.citation.quote.split()))
            typer.echo(f"    {neutralise_line(claim.citation.path)}{page}: “{quote}”")
