"""`wikipedia`: articles of Wikipedia, online, or from a ZIM file on this machine.

Online: MediaWiki's action API (mediawiki.org/wiki/API:Search and Extension:TextExtracts), which sends the query to
Wikipedia. A ZIM file (openzim.org; Kiwix offers Wikipedia's) is read by `libzim`, which is GPL-3.0 and therefore not
installed by default: it needs the extra `zim`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.tools import BaseTool

from agentkit.errors import DocumentError, ToolError, ToolSetupError
from agentkit.tools.flags import tool

if TYPE_CHECKING:
    from agentkit.tools.network import Fetcher

_ARTICLES = 3
_FIRST_CHARS = 4000
_OTHER_CHARS = 600


@dataclass(frozen=True, slots=True)
class Article:
    """An article, or the beginning of one."""

    title: str
    url: str
    """Its address, or its path in the ZIM file."""
    text: str


def wikipedia_tool(language: str = "en", *, fetcher: "Fetcher | None" = None, address: str | None = None) -> BaseTool:
    """The tool `wikipedia`, online. Its artifact is the list of `Article`s.

    Args:
        language: Which Wikipedia, such as `en`.
        fetcher: By default one that reaches public hosts.
        address: Another MediaWiki's `api.php`.
    """
    from agentkit.tools.network import Fetcher

    used = fetcher or Fetcher()
    api = address or f"https://{language}.wikipedia.org/w/api.php"
    return _made(lambda query: _online(used, api, query), is_online=True)


def zim_tool(file: Path) -> BaseTool:
    """The tool `wikipedia` over a ZIM file on this machine; it sends nothing.

    Raises:
        ToolSetupError: libzim is not installed, or the file is not a ZIM file.
    """
    try:
        from libzim.reader import Archive
    except ImportError as error:
        raise ToolSetupError(
            'a ZIM file needs the package libzim: install it with: pip install "agentkit-local[zim]"'
        ) from error
    if not file.is_file():
        raise ToolSetupError(f"there is no ZIM file {file}: set tools.wikipedia to one, to a language, or to off")
    try:
        archive = Archive(file)
    except RuntimeError as error:
        raise ToolSetupError(f"{file} is not a ZIM file that can be read: {error}") from error
    return _made(lambda query: _in_archive(archive, query), is_online=False)


def _made(find: Callable[[str], list[Article]], *, is_online: bool) -> BaseTool:
    @tool(network=is_online, parallel=is_online, timeout_s=30, response_format="content_and_artifact")
    def wikipedia(query: str) -> tuple[str, list[Article]]:
        """Look something up in Wikipedia. Gives the best article, and the beginnings of others.

        Args:
            query: A name or a few words.
        """
        if not query.strip():
            raise ToolError("the query is empty: write what to look up")
        articles = find(query)
        if not articles:
            return "no article was found: try other words", []
        return "\n\n".join(f"# {each.title}\n{each.url}\n{each.text}" for each in articles), articles

    return wikipedia


def _online(fetcher: "Fetcher", api: str, query: str) -> list[Article]:
    count = str(_ARTICLES)
    searched = {"generator": "search", "gsrsearch": query, "gsrlimit": count, "exintro": "1", "exlimit": count}
    pages = _pages(fetcher, api, searched)
    if not pages:
        return []
    best = str(pages[0].get("title") or "")
    whole = _pages(fetcher, api, {"titles": best, "redirects": "1"}) if best else []
    return [
        _article((whole or pages)[0], _FIRST_CHARS),
        *(_article(page, _OTHER_CHARS) for page in pages[1:]),
    ]


def _pages(fetcher: "Fetcher", api: str, wanted: dict[str, str]) -> list[dict[str, Any]]:  # Any: what a server said
    """The pages of a query, best first."""
    fixed = {
        "action": "query", "format": "json", "formatversion": "2", "prop": "extracts|info", "inprop": "url",
        "explaintext": "1",
    }  # fmt: skip
    page = fetcher.get(api, params={**fixed, **wanted})
    if page.status != 200:
        raise ToolError(f"Wikipedia answered with status {page.status}: go on without it")
    answer = page.json()
    if isinstance(answer, dict) and (refusal := answer.get("error")):
        reason = refusal.get("info") if isinstance(refusal, dict) else refusal
        raise ToolError(f"Wikipedia refused this ({str(reason)[:200]}): ask otherwise, or go on without it")
    query = answer.get("query") if isinstance(answer, dict) else None
    pages = query.get("pages") if isinstance(query, dict) else None
    found = [each for each in pages if isinstance(each, dict)] if isinstance(pages, list) else []
    return sorted(found, key=_rank)[:_ARTICLES]


def _rank(page: dict[str, Any]) -> int:
    index = page.get("index")
    return index if isinstance(index, int) else 0


def _article(page: dict[str, Any], max_chars: int) -> Article:
    title, url = str(page.get("title") or ""), str(page.get("fullurl") or "")
    return Article(title, url, _shortened(str(page.get("extract") or ""), max_chars))


def _in_archive(archive: Any, query: str) -> list[Article]:  # Any: libzim has no types
    from libzim.search import Query, Searcher
    from libzim.suggestion import SuggestionSearcher

    paths: list[str] = []
    if archive.has_fulltext_index:
        paths = list(Searcher(archive).search(Query().set_query(query)).getResults(0, _ARTICLES))
    if not paths:
        paths = list(SuggestionSearcher(archive).suggest(query).getResults(0, _ARTICLES))
    return [_from_archive(archive, path, _OTHER_CHARS if rank else _FIRST_CHARS) for rank, path in enumerate(paths)]


def _from_archive(archive: Any, path: str, max_chars: int) -> Article:
    from bs4 import BeautifulSoup

    from agentkit.loaders.markup import html_text

    entry = archive.get_entry_by_path(path)
    soup = BeautifulSoup(bytes(entry.get_item().content).decode("utf-8", "replace"), "lxml")
    try:
        text = html_text(soup)
    except DocumentError:
        text = ""
    return Article(entry.title, path, _shortened(text, max_chars))


def _shortened(text: str, max_chars: int) -> str:
    return text if len(text) <= max_chars else f"{text[:max_chars]}… (the article goes on)"
