"""`agentkit chat` in a process of its own with a scripted model: `python -m tests.cli.chat_doubles REPLIES ARGUMENT…`.

REPLIES is a JSON file: a list of texts, and of objects with the keyword arguments of an `AIMessage`. The variable
CHAT_PAUSE_S is the time between two words, CHAT_LOADING_S that of loading the model.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGenerationChunk

from agentkit.agents.react import Agent
from agentkit.cli._invocation import Invocation
from agentkit.cli.app import app
from agentkit.embedders import HashingEmbedder
from agentkit.models.scripted import ScriptedModel
from agentkit.pipelines.conversation import Conversation
from agentkit.settings import Settings
from agentkit.workspace import Workspace

PRELOADED = (Agent, Conversation)
"""What a chat imports when it loads, here before a test forks."""


class SlowModel(ScriptedModel):
    """Takes its time for each word."""

    def _stream(self, *arguments: Any, **options: Any) -> Iterator[ChatGenerationChunk]:
        for chunk in super()._stream(*arguments, **options):
            time.sleep(float(os.environ.get("CHAT_PAUSE_S", "0")))
            yield chunk


def chat(replies: Path, arguments: Sequence[str]) -> None:
    """Run it; does not come back."""
    said = [AIMessage(**reply) if isinstance(reply, dict) else reply for reply in json.loads(replies.read_text())]
    model = SlowModel(replies=said, profile={"max_input_tokens": 4096})

    def load(name: str) -> ScriptedModel:
        time.sleep(float(os.environ.get("CHAT_LOADING_S", "0")))
        return model

    def open_workspace() -> Workspace:
        return Workspace(None, Settings(), make_embedder=HashingEmbedder, make_chat_model=load)

    app(["chat", *arguments], prog_name="agentkit", obj=Invocation(open_workspace=open_workspace))


if __name__ == "__main__":
    chat(Path(sys.argv[1]), sys.argv[2:])
