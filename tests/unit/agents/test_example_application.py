"""`examples/application/`: the program that the guide shows, with doubles in place of its two models."""

import runpy
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage

from agentkit import HashingEmbedder, Index, ScriptedModel, index_folder

_FILE = Path(__file__).parents[3] / "examples" / "application" / "harbour_desk.py"


def _call(name: str, **arguments: str) -> AIMessage:
    return AIMessage("I look.", tool_calls=[{"name": name, "args": arguments, "id": name}])


def test_the_desk_asks_its_instrument_and_the_handbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = runpy.run_path(str(_FILE))
    replies = [
        _call("wind_now"),
        _call("retrieval", query="Little Auk: no sailing above this wind"),
        "No: there are 15.5 metres per second, and Little Auk does not sail above 14 [1].",
    ]
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, [desk["DOCUMENTS"]])
        assert not [path for path in index.paths() if "harbour_desk" in path]
        desk["answer"](desk["make_agent"](ScriptedModel(replies=replies), index), "May Little Auk sail now?")
    shown = capsys.readouterr().out
    assert "… wind_now {}" in shown
    assert "No: there are 15.5 metres per second" in shown
    assert "“" in shown


def test_the_instrument_names_its_places() -> None:
    wind_now = runpy.run_path(str(_FILE))["wind_now"]
    assert wind_now.invoke({}) == "15.5 metres per second at the harbour office"
    assert "ask for harbour office" in wind_now.invoke({"place": "the moon"})
