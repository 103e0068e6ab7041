"""`agentkit.tools.web_search`, against a loopback server and a stand-in for ddgs."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentkit.errors import ToolSetupError
from agentkit.tools import flags_of, run_tool
from agentkit.tools.web_search import WebResult, search_tool
from tests.unit.tools.servers import Answer, http_server

_RESULTS = [{"title": f"Page {n}", "url": f"https://example.org/{n}", "content": "text " * 300} for n in range(9)]


def searxng(body: object, status: int = 200, asked: list[str] | None = None) -> Callable[[str, dict[str, str]], Answer]:
    def answer(path: str, headers: dict[str, str]) -> Answer:
        if asked is not None:
            asked.append(path)
        return status, {}, body if isinstance(body, bytes) else json.dumps(body).encode()

    return answer


def test_a_searxng_server_on_this_machine_is_asked_for_json() -> None:
    asked: list[str] = []
    with http_server(searxng({"results": _RESULTS}, asked=asked)) as port:
        outcome = run_tool(search_tool(f"http://127.0.0.1:{port}/"), {"query": "tide & mills"})
    assert asked == ["/search?q=tide+%26+mills&format=json"]
    assert len(outcome.artifact) == 5
    assert outcome.artifact[0] == WebResult("Page 0", "https://example.org/0", ("text " * 300)[:500])
    assert outcome.content.startswith("Page 0\nhttps://example.org/0\ntext ")


@pytest.mark.parametrize("body", [{}, {"results": []}, {"results": None}, [], {"results": [3, {"title": "no url"}]}])
def test_an_answer_without_results_is_said(body: object) -> None:
    with http_server(searxng(body)) as port:
        outcome = run_tool(search_tool(f"http://127.0.0.1:{port}"), {"query": "x"})
    assert (outcome.content, outcome.error) == ("nothing was found: try other words", None)


@pytest.mark.parametrize(
    ("body", "status", "advice"),
    [
        ({}, 403, "search.formats"),
        ({}, 500, "status 500"),
        (b"<html>", 200, "not JSON"),
        ({"results": [], "unresponsive_engines": [["bing", "CAPTCHA"], ["qwant", "timeout"]]}, 200, "bing, qwant"),
    ],
)
def test_a_server_that_does_not_answer_as_it_should_is_said(body: object, status: int, advice: str) -> None:
    with http_server(searxng(body, status)) as port:
        assert advice in str(run_tool(search_tool(f"http://127.0.0.1:{port}"), {"query": "x"}).error)


def test_a_server_cannot_send_the_search_elsewhere() -> None:
    with http_server(lambda path, headers: (302, {"Location": "http://127.0.0.1:1/"}, b"")) as port:
        outcome = run_tool(search_tool(f"http://127.0.0.1:{port}"), {"query": "x"})
    assert "public hosts only" in str(outcome.error)


def test_an_empty_query_is_not_sent() -> None:
    assert "write what to look for" in str(run_tool(search_tool("http://127.0.0.1:1"), {"query": " "}).error)


def test_the_tool_says_that_it_uses_the_network() -> None:
    assert flags_of(search_tool("http://127.0.0.1:1")).network


_DDGS = """
from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

class DDGS:
    def __init__(self, proxy=None, timeout=5, *, verify=True):
        self.timeout = timeout

    def text(self, query, **kwargs):
        if query == "slow":
            raise TimeoutException("late")
        if query == "much":
            raise RatelimitException("429")
        if query == "none":
            raise DDGSException("No results found.")
        if query == "odd":
            raise DDGSException("engine\\nbroke")
        return [{"title": query, "href": "https://example.org", "body": f"{kwargs['max_results']} {self.timeout}"}]
"""
_EXCEPTIONS = """
class DDGSException(Exception): ...
class RatelimitException(DDGSException): ...
class TimeoutException(DDGSException): ...
"""


@pytest.fixture
def ddgs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in with the interface of ddgs 9.16, which would ask the real engines."""
    (tmp_path / "ddgs").mkdir()
    (tmp_path / "ddgs" / "__init__.py").write_text(_DDGS, "utf-8")
    (tmp_path / "ddgs" / "exceptions.py").write_text(_EXCEPTIONS, "utf-8")
    for name in [name for name in sys.modules if name.partition(".")[0] == "ddgs"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("ddgs")
def test_ddgs_is_asked_for_five_results() -> None:
    outcome = run_tool(search_tool(), {"query": "tide mills"})
    assert outcome.content == "tide mills\nhttps://example.org\n5 10"


@pytest.mark.usefixtures("ddgs")
@pytest.mark.parametrize(
    ("query", "text"),
    [("slow", "longer than 10 s"), ("much", "refuse more"), ("none", "nothing was found"), ("odd", "(engine broke)")],
)
def test_what_ddgs_raises_is_told_to_the_model(query: str, text: str) -> None:
    assert text in run_tool(search_tool(), {"query": query}).content


def test_without_ddgs_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    monkeypatch.delitem(sys.modules, "ddgs", raising=False)
    with pytest.raises(ToolSetupError, match=r"agentkit-local\[search\]"):
        search_tool()
