"""`agentkit init`: make a folder a workspace."""

from pathlib import Path
from typing import Annotated

import typer

from agentkit.cli._invocation import path_argument
from agentkit.cli._terminal import neutralise_line


def init(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder; made where it does not exist.", parser=path_argument)
    ] = Path(),
) -> None:
    """Make a folder a workspace, with settings and indexes of its own."""
    from agentkit.workspace import Workspace

    workspace = Workspace.create(directory)
    typer.echo(f"Made a workspace in {neutralise_line(str(workspace.root))}")
    typer.echo("Next: agentkit index FOLDER", err=True)
