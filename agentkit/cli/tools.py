"""`agentkit tools`: list and show what agents can call, and agree to run a workspace's own."""

import sys
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentkit.cli._approval import revealed
from agentkit.cli._invocation import UsageError, note, workspace_of
from agentkit.cli._question import confirmed, forget_what_was_typed
from agentkit.cli._terminal import is_terminal, neutralise_line, to_json
from agentkit.errors import ToolSetupError

if TYPE_CHECKING:
    from agentkit.tools import ToolRegistry
    from agentkit.tools.discovery import DropIn

app = typer.Typer(help="List and show tools, and trust a workspace's own.", no_args_is_help=False)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_tools(context: typer.Context, is_json: _Json = False) -> None:
    """List the tools that agents can call. Those of files that are not trusted are left out and noted."""
    from agentkit.cli._render import print_table

    found = workspace_of(context).tools()
    for problem in found.problems:
        note(problem)
    if is_json:
        typer.echo(to_json([_as_json(found.registry, name) for name in found.registry.names()]))
        return
    rows = [
        (tool.name, _flags(found.registry, tool.name), found.registry.source(tool.name), _first_line(tool.description))
        for tool in found.registry
    ]
    print_table("", ("tool", "flags", "from", "what it does"), rows, sys.stdout)


@app.command("show")
def show_tool(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tool.")],
    is_json: _Json = False,
) -> None:
    """Show what a tool does, what it takes, and how it may be run."""
    from agentkit.cli._render import print_table
    from agentkit.tools.registry import parameters_of

    found = workspace_of(context).tools()
    for problem in found.problems:
        note(problem)
    registry = found.registry
    tool = registry[name]
    parameters = parameters_of(tool)
    if is_json:
        typer.echo(to_json({**_as_json(registry, name), "parameters": parameters}))
        return
    flags = registry.flags(name)
    required = parameters.get("required", ())
    rows: list[tuple[str, object]] = [
        ("tool", name),
        ("what it does", " ".join(tool.description.split())),
        *(
            (f"takes {parameter}", f"{_type(schema)}{'' if parameter in required else ', optional'}: {_said(schema)}")
            for parameter, schema in parameters["properties"].items()
        ),
        ("from", registry.source(name)),
        ("effects", "yes: each call is asked about" if flags.effects else "no"),
        ("network", "yes: it sends something to other machines" if flags.network else "no"),
        ("time limit", f"{flags.timeout_s:g} s"),
        ("longest result", f"{flags.max_result_chars} characters"),
        ("side by side", "yes" if flags.parallel else "no"),
    ]
    print_table("", ("", ""), rows, sys.stdout)


@app.command("trust")
def trust_tools(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Default: all that are new or have changed.")
    ] = None,
    is_sure: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    is_json: _Json = False,
) -> None:
    """Agree to run the Python files of the workspace's tools/ folder. A file that changes is asked about again."""
    from agentkit.tools.trust import TrustState

    workspace = workspace_of(context)
    if workspace.root is None:
        raise UsageError("there is no workspace here, and so no tools/ folder: make one with: agentkit init")
    found = workspace.drop_ins()
    wanted = _chosen(found, files, workspace.root / "tools")
    problems = [drop_in.problem for drop_in in wanted if drop_in.problem]
    new = [drop_in for drop_in in wanted if drop_in.state is not TrustState.TRUSTED and not drop_in.problem]
    if new and not is_sure and not is_terminal(sys.stdin):
        raise UsageError("trusting a file asks first: read it, and give --yes where nobody can answer")
    agreed = [drop_in for drop_in in new if is_sure or _is_agreed(drop_in)]
    workspace.trust_tools(agreed)
    for drop_in in agreed:
        note(f"{drop_in.path} is trusted")
    if not new and not problems:
        note("nothing to trust: no file is new or has changed")
    if is_json:
        typer.echo(to_json([{**asdict(each), "path": str(each.path)} for each in workspace.drop_ins()]))
    if problems:
        raise ToolSetupError("; ".join(problems))


def _chosen(found: "list[DropIn]", files: list[Path] | None, folder: Path) -> "list[DropIn]":
    if not files:
        return found
    by_path = {drop_in.path.resolve(): drop_in for drop_in in found}
    for file in files:
        if file.resolve() not in by_path:
            raise UsageError(f"{file} is not a Python file of {folder}")
    return [by_path[file.resolve()] for file in files]


def _is_agreed(drop_in: "DropIn") -> bool:
    """Show the content that would be trusted, and ask. It is compared again when it runs, and read as it was shown."""
    data = drop_in.path.read_bytes()
    if sha256(data).hexdigest() != drop_in.sha256:
        note(f"{drop_in.path} has changed just now: try again")
        return False
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")  # as Python ends lines
    forget_what_was_typed()
    typer.echo(f"{neutralise_line(str(drop_in.path))} ({drop_in.state}):\n", err=True)
    typer.echo(revealed(text.expandtabs()), err=True)
    return confirmed(f"Run {neutralise_line(drop_in.path.name)} on this machine from now on?")


def _as_json(registry: "ToolRegistry", name: str) -> dict[str, Any]:  # Any: whatever JSON holds
    tool = registry[name]
    described = {"name": name, "source": registry.source(name), "description": tool.description}
    return {**described, **asdict(registry.flags(name))}


def _flags(registry: "ToolRegistry", name: str) -> str:
    flags = registry.flags(name)
    return ", ".join([*["effects"] * flags.effects, *["network"] * flags.network]) or "-"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].partition(". ")[0].rstrip(".")


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " | ".join(map(_type, schema["anyOf"]))
    return str(schema.get("format") or schema.get("type") or "anything")


def _said(schema: dict[str, Any]) -> str:
    default = f" (by default {schema['default']!r})" if "default" in schema else ""
    return f"{schema.get('description', '')}{default}"
