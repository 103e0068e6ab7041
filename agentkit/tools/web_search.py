"""`search`: the web, through the `ddgs` package or a SearXNG server. It sends the query to other machines.

ddgs asks public search engines by itself, with the browser-like client that they expect (it needs the extra `search`).
A SearXNG server is asked through our own `Fetcher`; it must offer JSON (`search.formats` in its settings).
"""

from dataclasses import dataclass
from typing import Any

from langchain_core.tools import BaseTool

from agentkit.errors import ToolError, ToolSetupError
from agentkit.tools.flags import tool

DDGS = "ddgs"
_RESULTS = 5
_SNIPPET_CHARS = 500
_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class WebResult:
    """One result of a web search."""

    title: str
    url: str
    text: str


def search_tool(source: str = DDGS) -> BaseTool:
    """The tool `search`; its artifact is the list of `WebResult`s.

    Args:
        source: `ddgs`, or the address of a SearXNG server, which may be on this machine or in its network.

    Raises:
        ToolSetupError: ddgs is wanted and not installed.
    """
    if source == DDGS:
        _require_ddgs()

    @tool(network=True, parallel=True, timeout_s=30, response_format="content_and_artifact")
    def search(query: str) -> tuple[str, list[WebResult]]:
        """Search the web. Gives titles, addresses and short texts of pages.

        Args:
            query: What to look for, in a few words.
        """
        if not query.strip():
            raise ToolError("the query is empty: write what to look for")
        results = _ask_ddgs(query) if source == DDGS else _ask_searxng(source, query)
        if not results:
            return "nothing was found: try other words", []
        return "\n\n".join(f"{each.title}\n{each.url}\n{each.text}" for each in results), results

    return search


def _require_ddgs() -> None:
    from importlib.util import find_spec

    if find_spec("ddgs") is None:
        raise ToolSetupError(
            'web search needs the package ddgs: install it with: pip install "agentkit-local[search]", '
            "or set tools.search to the address of a SearXNG server, or to off"
        )


def _ask_ddgs(query: str) -> list[WebResult]:
    from ddgs import DDGS as Client  # noqa: N811 the name is that of the setting, too
    from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

    try:
        found = Client(timeout=_TIMEOUT_S).text(query, max_results=_RESULTS)
    except RatelimitException as error:
        raise ToolError("the search engines refuse more questions for now: go on without search") from error
    except TimeoutException as error:
        raise ToolError(f"the search took longer than {_TIMEOUT_S} s: try again later") from error
    except DDGSException as error:
        if "no results" in str(error).lower():
            return []
        raise ToolError(f"the search failed ({' '.join(str(error).split())[:200]}): go on without it") from error
    return _results(found, link="href", text="body")


def _ask_searxng(address: str, query: str) -> list[WebResult]:
    import httpx

    from agentkit.tools.network import Fetcher

    server = httpx.URL(address)
    named = f"{server.host}:{server.port}" if server.port else server.host
    fetcher = Fetcher(allowed_hosts=[named], timeout_s=_TIMEOUT_S)
    page = fetcher.get(f"{address.rstrip('/')}/search", params={"q": query, "format": "json"})
    if page.status == 403:
        raise ToolError(f"{server.host} does not give JSON: its owner must add json to search.formats")
    if page.status != 200:
        raise ToolError(f"{server.host} answered with status {page.status}: go on without search")
    answer = page.json()
    if not isinstance(answer, dict):
        return []
    results = _results(answer.get("results"), link="url", text="content")
    if not results and (silent := _silent_engines(answer)):
        raise ToolError(f"the search engines did not answer ({silent}): try again later, or go on without search")
    return results


def _silent_engines(answer: dict[str, Any]) -> str:  # Any: what a server said
    """Names, from pairs of a name and a reason."""
    engines = answer.get("unresponsive_engines")
    pairs = [each for each in engines if isinstance(each, list) and each] if isinstance(engines, list) else []
    return ", ".join(str(name)[:40] for name, *_ in pairs)


def _results(found: Any, *, link: str, text: str) -> list[WebResult]:  # Any: what a server said
    if not isinstance(found, list):
        return []
    results = [
        WebResult(str(each.get("title") or ""), str(each[link]), str(each.get(text) or "")[:_SNIPPET_CHARS])
        for each in found
        if isinstance(each, dict) and each.get(link)
    ]
    return results[:_RESULTS]
