"""All the tools that a workspace has: the built-in ones, those of installed packages, and its trusted drop-ins."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from langchain_core.tools import BaseTool

from agentkit.errors import ToolSetupError, UnknownToolError
from agentkit.tools.calculator import calculator
from agentkit.tools.discovery import MayRun, load_drop_ins
from agentkit.tools.registry import ToolRegistry

BUILT_IN = "agentkit"
"""The source of the built-in tools."""
OFF = "off"


@dataclass(frozen=True, slots=True)
class ToolCollection:
    """What was found."""

    registry: ToolRegistry
    problems: tuple[str, ...] = ()
    """One line for each file or package that offers nothing, with the reason."""

    def only(self, names: Iterable[str]) -> ToolRegistry:
        """A registry of these tools.

        Raises:
            UnknownToolError: there is no tool of one of the names; the message has the problems too.
        """
        try:
            return self.registry.only(names)
        except UnknownToolError as error:
            raise UnknownToolError("; ".join([str(error), *self.problems])) from error


def collect_tools(*, search: str, wikipedia: str, folder: Path | None, may_run: MayRun) -> ToolCollection:
    """Make the built-in tools and load the others.

    Args:
        search: `off`, `ddgs` or the address of a SearXNG server.
        wikipedia: `off`, a language, or the path of a ZIM file.
        folder: Where drop-ins are; None where there are none.
        may_run: Tells which drop-ins may run.

    Raises:
        ToolSetupError: lists everything that is missing in a description, every name that two tools have, and every
            built-in tool that was turned on and cannot be made.
    """
    registry = ToolRegistry()
    errors: list[str] = []
    problems: list[str] = []

    def add(source: str, make: Callable[[], Iterable[BaseTool]]) -> None:
        try:
            registry.add(make(), source=source)
        except ToolSetupError as error:
            errors.append(str(error))

    add(BUILT_IN, lambda: [calculator])
    add(BUILT_IN, lambda: _web_search(search))
    add(BUILT_IN, lambda: _wikipedia(wikipedia))
    try:
        problems += registry.add_entry_points()
    except ToolSetupError as error:
        errors.append(str(error))
    for loaded in load_drop_ins(folder, may_run) if folder else []:
        if loaded.problem:
            problems.append(loaded.problem)
        add(str(loaded.path), partial(list, loaded.tools))
    if errors:
        raise ToolSetupError("; ".join(errors))
    return ToolCollection(registry, tuple(problems))


def _web_search(source: str) -> list[BaseTool]:
    if source == OFF:
        return []
    from agentkit.tools.web_search import search_tool

    return [search_tool(source)]


def _wikipedia(source: str) -> list[BaseTool]:
    if source == OFF:
        return []
    from agentkit.tools.wikipedia import wikipedia_tool, zim_tool

    return [zim_tool(Path(source)) if source.endswith(".zim") else wikipedia_tool(source)]
