"""The options that keep a search within some files."""

from typing import Annotated

import typer

from agentkit.cli._terminal import as_text


def _check_conditions(conditions: list[str] | None) -> list[str]:
    if not conditions:
        return []
    from agentkit.errors import ConditionError
    from agentkit.indexes.conditions import parse_condition

    conditions = [as_text(condition) or "" for condition in conditions]
    for condition in conditions:
        try:
            parse_condition(condition)
        except ConditionError as error:
            raise typer.BadParameter(str(error)) from error
    return conditions


PathFilter = Annotated[
    str | None,
    typer.Option("--path", help="Only files whose path matches, such as 'reports/*'.", callback=as_text),
]
FormatFilter = Annotated[
    str | None, typer.Option("--format", help="Only files of this format, such as pdf.", callback=as_text)
]
Conditions = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        callback=_check_conditions,
        help="Only what this holds for, such as 'modified>=2024-03', 'size<1MB', 'page<=3', heading~power, "
        "author=Coyle. May be given several times.",
    ),
]
