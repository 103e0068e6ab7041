"""The command `agentkit`: its commands and the options before them.

Commands import what they need when they run, so that `agentkit --help` is quick.
"""

from typing import Annotated

import typer

from agentkit.cli import ask, chat, check, doctor, evaluate, index, indexes, init, models, run, search, sessions, tools
from agentkit.cli._front_door import FrontDoor, set_up_logging
from agentkit.cli._invocation import Invocation
from agentkit.cli._pairs import CommandWithPairs

app = typer.Typer(
    name="agentkit",
    cls=FrontDoor,
    help="Ask questions about your documents, with everything running on your own machine.",
    epilog="Start with: agentkit index FOLDER, then: agentkit ask QUESTION",
    no_args_is_help=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("index")(index.index)
app.command("search", cls=CommandWithPairs)(search.search)
app.command("ask", cls=CommandWithPairs)(ask.ask)
app.command("chat")(chat.chat)
app.command("run", cls=CommandWithPairs)(run.run)
app.command("check")(check.check)
app.add_typer(evaluate.app, name="eval")
app.add_typer(indexes.app, name="indexes")
app.add_typer(models.app, name="models")
app.add_typer(tools.app, name="tools")
app.add_typer(sessions.app, name="sessions")
app.command("doctor")(doctor.doctor)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"agentkit {version('agentkit-local')}")
        except PackageNotFoundError:
            typer.echo("agentkit (from a checkout that is not installed)")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and a log of what happens.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    set_up_logging(is_debug=debug)
    invocation: Invocation = context.obj
    invocation.is_debug = debug
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
