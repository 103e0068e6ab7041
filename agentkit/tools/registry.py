"""`ToolRegistry`: the tools that a model may call, by name."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib.metadata import entry_points
from typing import Any, Self

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agentkit.errors import ToolSetupError, UnknownToolError
from agentkit.tools.flags import ToolFlags, flags_of, is_ours, unhinted

ENTRY_POINTS = "agentkit.tools"
"""A package offers tools by an entry point of this group that names a tool or a list of tools."""


class ToolRegistry:
    """Tools by name, each with where it comes from. Nothing is registered by being imported."""

    def __init__(self, tools: Iterable[BaseTool] = (), *, source: str = "the program") -> None:
        """See `add`."""
        self._tools: dict[str, BaseTool] = {}
        self._sources: dict[str, str] = {}
        self.add(tools, source=source)

    def add(self, tools: Iterable[BaseTool], *, source: str) -> None:
        """Register tools; all of them, or none where anything is wrong with one.

        Args:
            tools: LangChain tools. One made by our decorator must describe every parameter and hint its type; any
                other must have a description.
            source: Where they come from, for people: a file, a package, `the program`.

        Raises:
            ToolSetupError: names everything that is missing in any of them, what is no tool, or both sources of a name
                that is taken.
        """
        tools = list(tools)
        problems: list[str] = []
        sources = dict(self._sources)
        for tool in tools:
            if not isinstance(tool, BaseTool):
                problems.append(
                    f"{repr(tool)[:60]} of {source} is no tool: decorate a function with agentkit.tool, and give a list"
                )
                continue
            if tool.name in sources:
                problems.append(
                    f"{source} and {sources[tool.name]} both have a tool {tool.name!r}: rename or leave out one"
                )
            problems += [f"{tool.name} of {source}: {problem}" for problem in _problems(tool)]
            sources[tool.name] = source
        if problems:
            raise ToolSetupError("; ".join(problems))
        self._tools |= {tool.name: tool for tool in tools}
        self._sources = sources

    def add_entry_points(self) -> list[str]:
        """Register the tools that installed packages offer; gives one line for each that cannot be loaded.

        Raises:
            ToolSetupError: see `add`.
        """
        problems = []
        for point in entry_points(group=ENTRY_POINTS):
            source = f"the package {point.dist.name}" if point.dist else f"the entry point {point.value}"
            try:
                loaded = point.load()
            except Exception as error:  # noqa: BLE001 a package's own code; the others load
                problems.append(f"{source} ({point.value}) cannot be loaded: {type(error).__name__}: {error}")
                continue
            tools = [loaded] if isinstance(loaded, BaseTool) else loaded
            if not isinstance(tools, list | tuple) or not all(isinstance(tool, BaseTool) for tool in tools):
                problems.append(f"{source}: {point.value} is neither a tool nor a list of tools")
                continue
            self.add(tools, source=source)
        return problems

    def only(self, names: Iterable[str]) -> Self:
        """A registry of these tools.

        Raises:
            UnknownToolError: there is no tool of one of the names.
        """
        chosen = type(self)()
        for name in dict.fromkeys(names):
            chosen.add([self[name]], source=self._sources[name])
        return chosen

    def names(self) -> list[str]:
        """The names, in the order of their registration."""
        return list(self._tools)

    def flags(self, name: str) -> ToolFlags:
        """How the tool may be run. Raises UnknownToolError."""
        return flags_of(self[name])

    def source(self, name: str) -> str:
        """Where the tool comes from. Raises UnknownToolError."""
        self[name]
        return self._sources[name]

    def __getitem__(self, name: str) -> BaseTool:
        """Raises UnknownToolError, whose message names the nearest tool and all that there are."""
        if name in self._tools:
            return self._tools[name]
        if not self._tools:
            raise UnknownToolError(f"there is no tool {name[:60]!r}, nor any other: answer without tools")
        near = get_close_matches(name, self._tools, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UnknownToolError(f"there is no tool {name[:60]!r}: {hint}the tools are {', '.join(self._tools)}")

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __iter__(self) -> Iterator[BaseTool]:
        """The tools themselves, as `bind_tools` takes them."""
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)


def parameters_of(tool: BaseTool) -> dict[str, Any]:  # Any: a JSON schema
    """The JSON schema of a tool's arguments, as a model is shown it."""
    parameters: dict[str, Any] = convert_to_openai_tool(tool)["function"].get("parameters") or {}
    return {"type": "object", "properties": {}, **parameters}


def _problems(tool: BaseTool) -> list[str]:
    problems = [] if tool.description.strip() else ["has no description: write a docstring that says what it does"]
    try:
        parameters = parameters_of(tool)
    except Exception as error:  # noqa: BLE001 a schema made by others, of types that may have no JSON form
        return [*problems, f"has no JSON schema: {type(error).__name__}: {' '.join(str(error).split())[:300]}"]
    if not is_ours(tool):
        return problems
    for name, schema in parameters["properties"].items():
        if name in unhinted(tool):
            problems.append(f"its parameter {name} has no type hint")
        if not str(schema.get("description", "")).strip():
            problems.append(f"its parameter {name} has no description: add `{name}: …` under `Args:` in the docstring")
    return problems
