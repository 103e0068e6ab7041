"""What an agent says to a model of our own, which it does not say to others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import BaseMessage

from agentkit import Agent, AgentLimits, HashingEmbedder, Index, LocalChatModel, index_folder

pytestmark = pytest.mark.model


class Prompts(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[list[BaseMessage]] = []

    def on_chat_model_start(self, serialized: dict[str, Any], messages: list[list[BaseMessage]], **_: Any) -> None:
        self.seen += messages


@pytest.fixture(scope="module")
def model(chat_model_file: Path) -> Iterator[LocalChatModel]:
    with LocalChatModel(model=str(chat_model_file), context_tokens=4096, max_tokens=120, threads=1) as model:
        yield model


@pytest.mark.parametrize("steps", [1, 2])
def test_the_lines_that_matter_and_the_question_stand_behind_the_passages(
    model: LocalChatModel, tmp_path: Path, steps: int
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "mill.md").write_text("The mill was built in 1871. " + "It grinds. It rests.\n" * 4)
    prompts = Prompts()
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        index_folder(index, tmp_path / "docs")
        agent = Agent(model, index=index, limits=AgentLimits(steps=steps, reply_tokens=16))
        agent.run("When was the mill built?", config={"callbacks": [prompts]})
    assert [message.type for message in prompts.seen[0]] == ["system", "human", "ai", "tool", "human"]
    observed, said = (str(message.content) for message in prompts.seen[0][-2:])
    assert "likely to matter:\n- The mill was built in 1871." in observed
    last = "\nAnswer now with what you know; no more tools can be called."
    assert said == "When was the mill built?" + last * (steps == 1)
