"""`agentkit.tools.wikipedia`, against a loopback server and a ZIM file made here."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from langchain_core.tools import BaseTool

from agentkit.errors import ToolSetupError
from agentkit.tools import flags_of, run_tool
from agentkit.tools.network import Fetcher
from agentkit.tools.wikipedia import wikipedia_tool, zim_tool
from tests.unit.tools.servers import Answer, http_server

_PAGES = {
    "Tide mill": "A tide mill is driven by the tide. " * 200,
    "Windmill": "A windmill is driven by wind. " * 100,
    "Watermill": "A watermill is driven by water.",
}


def _wiki(path: str, headers: dict[str, str]) -> Answer:
    """Answers as MediaWiki's action API does."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    assert asked["format"] == "json"
    if asked.get("gsrsearch") == "nothing":
        return 200, {}, json.dumps({"batchcomplete": True}).encode()
    titles = [asked["titles"]] if "titles" in asked else list(_PAGES)[: int(asked["gsrlimit"])]
    pages = [
        {"title": title, "fullurl": f"https://wiki.test/{title}", "index": rank, "extract": _text(title, asked)}
        for rank, title in enumerate(titles, start=1)
    ]
    return 200, {}, json.dumps({"query": {"pages": pages[::-1]}}).encode()


def _text(title: str, asked: dict[str, str]) -> str:
    return _PAGES[title][: 700 if "exintro" in asked else None]


@pytest.fixture
def online() -> Iterator[BaseTool]:
    with http_server(_wiki) as port:
        host = f"127.0.0.1:{port}"
        yield wikipedia_tool(fetcher=Fetcher(allowed_hosts=[host]), address=f"http://{host}/w/api.php")


def test_the_best_article_is_long_and_the_others_are_short(online: BaseTool) -> None:
    outcome = run_tool(online, {"query": "mill"})
    assert [article.title for article in outcome.artifact] == list(_PAGES)
    assert [len(article.text) > 2000 for article in outcome.artifact] == [True, False, False]
    assert outcome.content.startswith("# Tide mill\nhttps://wiki.test/Tide mill\nA tide mill is driven by the tide.")
    assert "… (the article goes on)" in outcome.content
    assert not outcome.is_cut


def test_nothing_found_and_an_empty_query_are_said(online: BaseTool) -> None:
    assert run_tool(online, {"query": "nothing"}).content == "no article was found: try other words"
    assert "write what to look up" in str(run_tool(online, {"query": ""}).error)


@pytest.mark.parametrize("body", [[], {"query": 3}, {"query": {"pages": {"1": {}}}}, {"query": {"pages": [1, {}]}}])
def test_an_odd_answer_is_survived(body: Any) -> None:
    with http_server(lambda path, headers: (200, {}, json.dumps(body).encode())) as port:
        host = f"127.0.0.1:{port}"
        tool = wikipedia_tool(fetcher=Fetcher(allowed_hosts=[host]), address=f"http://{host}/")
        assert run_tool(tool, {"query": "x"}).error is None


def test_what_wikipedia_refuses_is_not_taken_for_nothing_found() -> None:
    body = {"error": {"code": "ratelimited", "info": "You have exceeded your rate limit."}}
    with http_server(lambda path, headers: (200, {}, json.dumps(body).encode())) as port:
        host = f"127.0.0.1:{port}"
        tool = wikipedia_tool(fetcher=Fetcher(allowed_hosts=[host]), address=f"http://{host}/")
        assert "You have exceeded your rate limit." in str(run_tool(tool, {"query": "x"}).error)


def test_only_the_online_one_uses_the_network(online: BaseTool, archive: Path) -> None:
    assert flags_of(online).network
    assert not flags_of(zim_tool(archive)).network


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ZIM file of the three articles."""
    from libzim.writer import Creator, Hint, Item, StringProvider

    class Page(Item):  # type: ignore[misc]  # libzim has no types
        def __init__(self, title: str) -> None:
            super().__init__()
            self.title = title

        def get_path(self) -> str:
            return self.title.replace(" ", "_")

        def get_title(self) -> str:
            return self.title

        def get_mimetype(self) -> str:
            return "text/html"

        def get_contentprovider(self) -> Any:
            text = f"<html><body><h1>{self.title}</h1><script>x()</script><p>{_PAGES[self.title]}</p></body></html>"
            return StringProvider(text)

        def get_hints(self) -> dict[Any, bool]:
            return {Hint.FRONT_ARTICLE: True}

    file = tmp_path_factory.mktemp("zim") / "mills.zim"
    with Creator(file).config_indexing(True, "eng") as creator:
        creator.set_mainpath("Tide_mill")
        for title in _PAGES:
            creator.add_item(Page(title))
        creator.add_metadata("Language", "eng")
    return file


def test_a_zim_file_is_searched_and_read_as_text(archive: Path) -> None:
    outcome = run_tool(zim_tool(archive), {"query": "wind"})
    assert outcome.artifact[0].title == "Windmill"
    assert "A windmill is driven by wind." in outcome.content
    assert "x()" not in outcome.content
    assert run_tool(zim_tool(archive), {"query": "zzzzz"}).content == "no article was found: try other words"


def test_what_is_no_zim_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ToolSetupError, match="there is no ZIM file"):
        zim_tool(tmp_path / "none.zim")
    (tmp_path / "bad.zim").write_bytes(b"not one" * 100)
    with pytest.raises(ToolSetupError, match="is not a ZIM file"):
        zim_tool(tmp_path / "bad.zim")
