"""`agentkit.tools.registry` and `agentkit.tools.flags`."""

import functools
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from langchain_core.tools import tool as langchain_tool
from pydantic import PydanticUserError

from agentkit.errors import ToolError, ToolSetupError, UnknownToolError
from agentkit.tools import ToolFlags, ToolRegistry, flags_of, tool
from agentkit.tools.registry import parameters_of


@tool(effects=True, timeout_s=2)
def water(plant: str, litres: float = 0.5, where: Literal["pot", "bed"] = "pot") -> str:
    """Water a plant.

    Args:
        plant: Its name.
        litres: How much.
        where: Where it stands.
    """
    return f"{plant} in the {where} got {litres} l"


@langchain_tool
def prune(plant: str) -> str:
    """Prune a plant."""
    return f"pruned {plant}"


def test_the_schema_is_made_from_hints_and_docstring() -> None:
    schema = parameters_of(water)
    assert schema["required"] == ["plant"]
    assert schema["properties"]["litres"]["type"] == "number"
    assert schema["properties"]["litres"]["description"] == "How much."
    assert schema["properties"]["where"]["enum"] == ["pot", "bed"]
    assert water.description == "Water a plant."


def test_the_flags_ride_in_the_metadata_of_an_ordinary_tool() -> None:
    assert flags_of(water) == ToolFlags(effects=True, timeout_s=2)
    assert water.invoke({"plant": "fern"}) == "fern in the pot got 0.5 l"


def test_a_plain_langchain_tool_has_the_default_flags_and_needs_no_descriptions_of_parameters() -> None:
    registry = ToolRegistry([prune])
    assert registry.flags("prune") == ToolFlags()
    assert registry["prune"] is prune


def test_a_tool_can_be_made_by_the_bare_decorator_and_under_another_name() -> None:
    @tool
    def now() -> str:
        """What time it is."""
        return "noon"

    @tool(name="clock")
    def then() -> str:
        """What time it was."""
        return "dawn"

    assert ToolRegistry([now, then]).names() == ["now", "clock"]
    assert now.invoke({}) == "noon"


def test_everything_that_is_missing_in_any_tool_is_one_error() -> None:
    @tool
    def first(a, b: int) -> str:  # type: ignore[no-untyped-def]  # what is missing is the point
        """The first.

        Args:
            a: Something.
        """
        return ""

    @tool
    def second() -> str:
        return ""

    with pytest.raises(ToolSetupError) as caught:
        ToolRegistry([first, second, water], source="garden.py")
    message = str(caught.value)
    assert "first of garden.py: its parameter a has no type hint" in message
    assert "first of garden.py: its parameter b has no description" in message
    assert "second of garden.py: has no description" in message
    assert "water" not in message


def test_a_parameter_that_may_be_anything_has_a_hint() -> None:
    @tool
    def keep(it: Any, other: object = None) -> str:
        """Keep something.

        Args:
            it: The thing.
            other: Another thing.
        """
        return f"{it}"

    assert ToolRegistry([keep]).names() == ["keep"]


@pytest.mark.parametrize(
    ("given", "hint"),
    [("clock", "name='clock' names one"), (water, "function"), (functools.partial(print, "x"), "function")],
)
def test_what_is_no_function_makes_no_tool(given: Any, hint: str) -> None:
    with pytest.raises(ToolSetupError, match=rf"is no function to make a tool of: .*{hint}"):
        tool(given)
    with pytest.raises(ToolSetupError, match="is no function"):
        tool(name="it")(given)


def _yielding() -> Iterator[str]:
    yield ""


async def _yielding_later() -> AsyncIterator[str]:
    yield ""


def _listing(*names: str) -> str:
    return ""


def _naming(**names: str) -> str:
    return ""


def _placing(name: str, /) -> str:
    return ""


def _hiding(_name: str = "") -> str:
    return ""


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (_yielding, "it yields its result"),
        (_yielding_later, "it yields its result"),
        (_listing, r"\*names .*take one list, names: list"),
        (_naming, r"\*\*names .*take one dict"),
        (_placing, "name can only be given by its place"),
        (_hiding, "_name begins with _"),
    ],
)
def test_a_function_that_no_model_could_call_or_read_makes_no_tool(function: Callable[..., Any], why: str) -> None:
    with pytest.raises(ToolSetupError, match=rf"the tool {function.__name__} of .* cannot be made: {why}"):
        tool(function)


def test_a_function_that_others_wrapped_makes_a_tool() -> None:
    @tool
    @functools.cache
    def now() -> str:
        """What time it is."""
        return "noon"

    assert ToolRegistry([now])["now"].invoke({}) == "noon"


def test_a_hint_that_has_no_schema_names_the_tool() -> None:
    class Place:
        def __get_pydantic_core_schema__(self, *_: object) -> None:
            raise PydanticUserError("no schema", code=None)

    with pytest.raises(ToolSetupError, match=r"the tool go of .*no schema"):

        @tool
        def go(to: Place) -> str:
            """Go.

            Args:
                to: Where.
            """
            return f"{to}"


def test_a_docstring_that_describes_what_is_not_there_is_an_error() -> None:
    with pytest.raises(ToolSetupError, match=r"the tool odd .*depth"):

        @tool
        def odd(width: int) -> str:
            """Odd.

            Args:
                depth: Not there.
            """
            return ""


def test_two_tools_of_one_name_name_both_sources() -> None:
    registry = ToolRegistry([water], source="garden.py")
    with pytest.raises(ToolSetupError, match=r"field\.py and garden\.py both have a tool 'water'"):
        registry.add([prune, water], source="field.py")
    assert registry.names() == ["water"]


@pytest.mark.parametrize("given", [[water, print], [{"name": "water"}], water])
def test_what_is_no_tool_is_told_how_to_become_one(given: object) -> None:
    with pytest.raises(ToolSetupError, match=r"of the program is no tool: decorate a function with agentkit\.tool"):
        ToolRegistry(given)  # type: ignore[arg-type]  # as a program without a type checker may


def test_an_unknown_name_gets_the_nearest_and_the_list() -> None:
    registry = ToolRegistry([water, prune])
    with pytest.raises(UnknownToolError, match=r"'watr': did you mean 'water'\? the tools are water, prune"):
        registry["watr"]
    with pytest.raises(UnknownToolError, match="answer without tools"):
        ToolRegistry()["water"]
    assert "watr" not in registry


def test_a_choice_of_tools_keeps_their_sources() -> None:
    registry = ToolRegistry([water, prune], source="garden.py").only(["prune"])
    assert [each.name for each in registry] == ["prune"]
    assert registry.source("prune") == "garden.py"
    assert len(registry) == 1


def test_an_error_for_the_model_is_an_observation_in_any_langchain_program() -> None:
    @tool
    def dig() -> str:
        """Dig."""
        raise ToolError("the ground is frozen: wait for spring")

    message = dig.invoke({"type": "tool_call", "id": "1", "name": "dig", "args": {}})
    assert (message.status, message.content) == ("error", "the ground is frozen: wait for spring")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Puts a package with one entry point where it is found as if it were installed."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install_package(name: str, code: str) -> None:
        (tmp_path / f"{name}.py").write_text(code, "utf-8")
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", "utf-8")
        (folder / "entry_points.txt").write_text(f"[agentkit.tools]\n{name} = {name}:tools\n", "utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)

    return install_package


def test_installed_packages_offer_tools_and_a_broken_one_is_named(install: Callable[[str, str], None]) -> None:
    good = (
        'from agentkit.tools import tool\n@tool\ndef sow() -> str:\n    """Sow."""\n    return "sown"\ntools = [sow]\n'
    )
    install("agentkit_test_good", good)
    install("agentkit_test_broken", "raise RuntimeError('no soil')")
    install("agentkit_test_odd", "tools = 7")
    registry = ToolRegistry()
    problems = sorted(registry.add_entry_points())
    assert registry.source("sow") == "the package agentkit_test_good"
    assert len(problems) == 2
    assert "agentkit_test_broken:tools) cannot be loaded: RuntimeError: no soil" in problems[0]
    assert "neither a tool nor a list of tools" in problems[1]
