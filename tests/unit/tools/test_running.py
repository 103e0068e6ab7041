"""`agentkit.tools.running`: what a tool does to a run, whatever it does."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool, Tool, ToolException
from langchain_core.tools import tool as langchain_tool
from pydantic import AliasChoices, BaseModel, Field, field_validator

from agentkit.errors import ToolError
from agentkit.tools import ToolFlags, ToolOutcome, run_tool, tool
from agentkit.tools.silence import Silence


class Berth(BaseModel):
    name: str
    since: date | None


@dataclass
class Mark:
    id: UUID
    depth: Decimal


def tool_that(act: Callable[[], Any], **flags: Any) -> BaseTool:
    """A tool without arguments that does `act`."""

    @tool(name="act", **flags)
    def function() -> Any:
        """Act."""
        return act()

    return function


@tool
def pay(who: str, amount: int, note: str = "") -> str:
    """Pay.

    Args:
        who: To whom.
        amount: In euros.
        note: What for.
    """
    return f"paid {who} {amount + 1 - 1} {note}".strip()


def test_a_good_call_gives_its_text() -> None:
    assert run_tool(pay, {"who": "Ada", "amount": 3}) == ToolOutcome("paid Ada 3")


def test_a_number_that_was_written_as_text_is_taken_for_what_it_says() -> None:
    assert run_tool(pay, {"who": "Ada", "amount": "3"}).content == "paid Ada 3"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "who is missing; amount is missing"),
        ({"who": "Ada", "amount": "many"}, 'amount: input should be a valid integer'),
        ({"who": "Ada", "amount": "many"}, '(it is "many")'),
        ({"who": "Ada", "amount": 1, "amonut": 2}, "'amonut' is unknown: did you mean amount?"),
        ({"who": "Ada", "amount": None}, "(it is null)"),
        ({"who": ["x" * 500], "amount": 1}, "…"),
        ({"who": "Ada", "amount": 1, "zzz": 2}, "give who, amount, note"),
        (["Ada", 3], "takes a JSON object"),
        ("Ada", "takes a JSON object"),
        ({1: 2}, "takes a JSON object"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit_are_told_apart_by_field(arguments: Any, why: str) -> None:
    outcome = run_tool(pay, arguments)
    assert outcome.error == outcome.content
    assert why in outcome.content
    assert len(outcome.content) < 600


def test_a_tool_that_is_described_by_json_schema_is_checked_too() -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "description": "Where."}, "days": {"type": "integer", "maximum": 7}},
        "required": ["city"],
    }
    weather = StructuredTool.from_function(
        lambda **given: f"rain in {given['city']}", name="weather", description="Weather.", args_schema=schema
    )
    assert run_tool(weather, {"city": "Oslo"}).content == "rain in Oslo"
    error = run_tool(weather, {"days": 9, "contry": "x"}).content
    assert all(part in error for part in ("'city' is a required property", "days: 9 is greater", "'contry' is unknown"))


def test_a_schema_whose_own_check_fails_is_an_outcome_too() -> None:
    class Odd(BaseModel):
        size: int

        @field_validator("size")
        @classmethod
        def check(cls, value: int) -> int:
            raise OSError("no ruler")

    odd = StructuredTool.from_function(lambda size: size, name="odd", description="Odd.", args_schema=Odd)
    assert run_tool(odd, {"size": 1}).error == "OSError: no ruler"


def test_a_schema_that_points_to_another_machine_is_refused_and_not_fetched() -> None:
    schema = {"type": "object", "properties": {"x": {"$ref": "http://127.0.0.1:9/schema.json"}}}
    odd = StructuredTool.from_function(lambda x: x, name="odd", description="Odd.", args_schema=schema)
    assert "its own schema is wrong" in run_tool(odd, {"x": 1}).content


def _raise(error: BaseException) -> None:
    raise error


class _Unprintable(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise RuntimeError("no message")


class _UnprintableResult:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda: _raise(ValueError("bad\n  luck")), "ValueError: bad luck"),
        (lambda: _raise(ToolError("try a shorter word")), "try a shorter word"),
        (lambda: _raise(ToolException("wrong key")), "wrong key"),
        (lambda: _raise(KeyboardInterrupt()), "KeyboardInterrupt"),
        (lambda: sys.exit(3), "SystemExit: 3"),
        (lambda: _raise(_Unprintable()), "_Unprintable"),
        (lambda: _raise(MemoryError()), "MemoryError"),
        (lambda: _raise(RecursionError("deep")), "RecursionError: deep"),
        (_UnprintableResult, "RuntimeError: no text"),
        (lambda: _raise(ValueError("\x1b[31mred")), "ValueError: red"),
        (
            lambda: Berth.model_validate({"name": 1}),
            "ValidationError: name: input should be a valid string (it is 1); since is missing",
        ),
    ],
)
def test_whatever_a_tool_raises_is_type_and_message_without_a_traceback(act: Callable[[], Any], error: str) -> None:
    outcome = run_tool(tool_that(act), {})
    assert (outcome.content, outcome.error) == (error, error)


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (None, "(the tool gave nothing back)"),
        ("", "(the tool gave nothing back)"),
        (b"caf\xc3\xa9", "café"),
        (b"\xff\xfe\x00", "(3 bytes that are not text)"),
        ({"a": [1, None]}, '{"a": [1, null]}'),
        (3.5, "3.5"),
        ("\x1b[2J\x1b]0;title\x07red\x1b[0m\r\nline\x00", "red\nline�"),
        ("\x1b]8;;https://x.org\x1b\\link\x1b]8;;\x9c \x1b]0;not closed", "link 0;not closed"),
        ("she said \x9dno\x98 to\x90 \x9b1m it", "she said �no� to� �1m it"),
        ("\ud800", "�"),
        (
            [{"type": "text", "text": "seen"}, {"type": "image", "data": "…"}],
            "seen\n(image left out: only text is read)",
        ),
        ({1, 2} - {2}, "[1]"),
        (Berth(name="Skell", since=date(2026, 5, 1)), '{"name": "Skell", "since": "2026-05-01"}'),
        ([Berth(name="Skell", since=None)], '[{"name": "Skell", "since": null}]'),
        ({"at": Mark(UUID(int=1), Decimal("1.50"))}, f'{{"at": {{"id": "{UUID(int=1)}", "depth": "1.50"}}}}'),
        (ValueError("x"), '"x"'),
    ],
)
def test_whatever_a_tool_gives_back_is_clean_text(result: Any, text: str) -> None:
    assert run_tool(tool_that(lambda: result), {}) == ToolOutcome(text)


def test_megabytes_are_cut_and_the_cut_is_said() -> None:
    outcome = run_tool(tool_that(lambda: "word " * 2_000_000, max_result_chars=100), {})
    assert outcome.is_cut
    assert outcome.content == "word " * 20 + "\n[cut here: the first 100 of 10,000,000 characters]"


def test_a_long_error_is_cut_too() -> None:
    outcome = run_tool(tool_that(lambda: _raise(ValueError("x" * 10**6)), max_result_chars=50), {})
    assert outcome.is_cut
    assert len(outcome.content) < 150


def test_a_tool_that_hangs_is_left_behind_at_its_time_limit() -> None:
    release = threading.Event()
    started = time.perf_counter()
    outcome = run_tool(tool_that(release.wait, timeout_s=0.2), {})
    assert time.perf_counter() - started < 5
    what = "act is not waited for any longer: it took longer than 0.2 s. What it does may still be done"
    assert outcome.error == what
    release.set()


def test_the_caller_can_set_other_limits() -> None:
    assert run_tool(tool_that(lambda: "x" * 99), {}, flags=ToolFlags(max_result_chars=10)).is_cut


def test_what_a_tool_prints_is_logged_and_not_printed(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def act() -> str:
        sys.stdout.write("to stdout\n")
        sys.stderr.write("to stderr\n")
        sys.stdout.flush()
        sys.stdout.buffer.write(b"bytes\n")
        return "done"

    before = sys.stdout, sys.stderr
    with caplog.at_level(logging.DEBUG, "agentkit"):
        assert run_tool(tool_that(act), {}).content == "done"
    assert capsys.readouterr() == ("", "")
    assert "to stdout\nto stderr\nbytes" in caplog.text
    assert (sys.stdout, sys.stderr) == before


def test_a_tool_may_load_others_and_go_on(caplog: pytest.LogCaptureFixture) -> None:
    def act() -> str:
        with Silence("another"):
            sys.stdout.write("inside\n")
        sys.stdout.write("outside\n")
        return "done"

    with caplog.at_level(logging.DEBUG, "agentkit"):
        assert run_tool(tool_that(act), {}).content == "done"
    assert "act printed: outside" in caplog.text


def test_a_tool_that_prints_without_end_takes_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    def act() -> None:
        for _ in range(10_000):
            sys.stdout.write("noise " * 100)

    with caplog.at_level(logging.DEBUG, "agentkit"):
        assert run_tool(tool_that(act), {}).error is None
    assert 10_000 < len(caplog.text) < 12_000


def test_a_tool_may_close_what_it_prints_to() -> None:
    def act() -> None:
        sys.stdout.close()

    assert run_tool(tool_that(act), {}).error is None
    assert not sys.stdout.closed


def test_other_threads_print_while_a_tool_runs(capsys: pytest.CaptureFixture[str]) -> None:
    release, is_running = threading.Event(), threading.Event()

    def act() -> str:
        is_running.set()
        release.wait(5)
        sys.stdout.write("inside\n")
        return "done"

    thread = threading.Thread(target=run_tool, args=(tool_that(act), {}))
    thread.start()
    is_running.wait(5)
    sys.stdout.write("outside\n")
    release.set()
    thread.join()
    assert capsys.readouterr().out == "outside\n"


def test_an_artifact_reaches_the_program() -> None:
    @tool(response_format="content_and_artifact")
    def weigh() -> tuple[str, dict[str, int]]:
        """Weigh."""
        return "3 kg", {"grams": 3000}

    assert run_tool(weigh, {}) == ToolOutcome("3 kg", {"grams": 3000})


def test_a_tool_may_give_its_own_message() -> None:
    message = ToolMessage("no such page", tool_call_id="1", status="error", artifact=404)
    assert run_tool(tool_that(lambda: message), {}) == ToolOutcome("no such page", 404, "no such page")


def test_a_parameter_that_is_not_the_models_is_filled_in_and_cannot_be_given() -> None:
    @langchain_tool
    def send(text: str, call_id: Annotated[str, InjectedToolCallId]) -> str:
        """Send."""
        return f"{text} {bool(call_id)}"

    assert run_tool(send, {"text": "hi"}).content == "hi True"
    assert "'call_id' is unknown" in run_tool(send, {"text": "hi", "call_id": "forged"}).content


@pytest.mark.parametrize("alias", ["from", AliasChoices("from", "start")])
def test_a_parameter_that_its_class_reads_under_another_name_is_given(alias: Any) -> None:
    class Route(BaseModel):
        start: str = Field(validation_alias=alias)
        days: int = Field(1, alias="nDays")

    def sail(start: str, days: int) -> str:
        return f"{start} {days}"

    made = StructuredTool.from_function(sail, description="Sail.", args_schema=Route)
    assert set(made.args) == {"start", "days"}
    assert run_tool(made, {"start": "Skell", "days": 2}) == ToolOutcome("Skell 2")


def test_what_has_no_end_is_not_waited_for_as_a_result() -> None:
    outcome = run_tool(tool_that(lambda: (1 for _ in iter(int, 1))), {})
    assert "generator object" in outcome.content


def test_a_tool_that_has_only_a_coroutine_is_run() -> None:
    fetch = StructuredTool.from_function(coroutine=_later, name="fetch", description="Fetch.")
    assert run_tool(fetch, {}).content == "later"
    echo = Tool(name="echo", func=None, coroutine=_echo, description="Say it.")
    assert run_tool(echo, {"text": "hi"}).content == "hi"


class _Fetch(BaseTool):
    """What LangChain has for a tool that cannot be run but awaited."""

    name: str = "fetch"
    description: str = "Fetch."

    def _run(self, page: int) -> str:
        raise NotImplementedError("await it")

    async def _arun(self, page: int) -> str:
        await asyncio.sleep(0)
        return f"page {page}"


def test_a_tool_whose_class_can_only_be_awaited_is_run() -> None:
    assert run_tool(_Fetch(), {"page": 3}).content == "page 3"


class _Save(BaseTool):
    """Its coroutine runs the function once more, as LangChain's documentation has it."""

    name: str = "save"
    description: str = "Save."

    def _run(self, saved: list[str]) -> str:
        saved.append("page")
        return _compressed(saved)

    async def _arun(self, saved: list[str]) -> str:
        return self._run(saved)


def _compressed(pages: list[str]) -> str:
    raise NotImplementedError(f"{len(pages)} pages")


def test_a_tool_whose_coroutine_runs_its_function_is_run_once_where_that_does_not_do_something_yet() -> None:
    assert run_tool(_Save(), {"saved": []}).error == "NotImplementedError: 1 pages"


def test_a_tool_that_does_not_do_something_yet_is_run_once() -> None:
    runs: list[None] = []

    @langchain_tool
    def draw() -> str:
        """Draw."""
        runs.append(None)
        raise NotImplementedError("no circles")

    assert run_tool(draw, {}).error == "NotImplementedError: no circles"
    assert len(runs) == 1


async def _echo(text: str) -> str:
    return text


async def _later() -> str:
    await asyncio.sleep(0)
    return "later"


def test_a_tool_of_its_own_class_is_run() -> None:
    class Arguments(BaseModel):
        size: int

    class Ruler(BaseTool):
        name: str = "ruler"
        description: str = "Measure."
        args_schema: type[BaseModel] = Arguments

        def _run(self, size: int) -> str:
            return "cm" * size

    assert run_tool(Ruler(), {"size": 2}).content == "cmcm"
    assert "size is missing" in run_tool(Ruler(), {}).content


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["who", "amount", "note", "x"]) | st.text(), _JSON) | _JSON)
def test_no_arguments_make_it_raise(arguments: Any) -> None:
    outcome = run_tool(pay, arguments)
    assert outcome.content
    outcome.content.encode()


@given(_JSON | st.binary())
def test_no_result_makes_it_raise_or_leaves_control_characters(result: Any) -> None:
    outcome = run_tool(tool_that(lambda: result), {}, flags=ToolFlags(max_result_chars=20))
    assert outcome.error is None
    assert not [char for char in outcome.content if ord(char) < 32 and char not in "\n\t"]
    outcome.content.encode()
