"""`agentkit init`: make a folder a workspace."""

from pathlib import Path
from typing import Annotated

import typer

from agentkit.cli._invocation import path_argument
from agentkit.cli._terminal import neutralise_line, to_json


def init(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder; made where it does not exist.", parser=path_argument)
    ] = Path(),
    is_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a folder a workspace, with settings and indexes of its own."""
    from agentkit.workspace import Workspace

    workspace = Workspace.create(directory)
    root = str(workspace.root)
    typer.echo(to_json({"workspace": root}) if is_json else f"Made a workspace in {neutralise_line(root)}")
    typer.echo("Next: agentkit index FOLDER", err=True)
