"""A chat with the tiny model in a context that is soon full."""

from pathlib import Path

import pytest

from agentkit import Settings, Workspace
from agentkit.agents.session import SessionSetup
from agentkit.chat import Chat
from agentkit.settings import AnswerSettings, ModelSettings

pytestmark = pytest.mark.model

TURNS = 12


def test_a_chat_that_outgrows_its_context_goes_on_and_finds_its_beginning_in_the_cache(chat_model_file: Path) -> None:
    settings = Settings(models=ModelSettings(context_tokens=320, threads=1), answer=AnswerSettings(max_tokens=16))
    setup = SessionSetup(model=str(chat_model_file), system="You are a harbour master.")
    with Chat(Workspace(None, settings), setup) as chat:
        turns = [chat.ask(f"Question {n}: name a thing that one finds in a harbour.") for n in range(TURNS)]
        answers = [turn.answer for turn in turns if turn.answer]
        assert [bool(answer.text) for answer in answers] == [True] * TURNS
        said = [[warning for warning in answer.warnings if "oldest" in warning] for answer in answers]
        assert not said[0]
        assert said[-1]
        cuts = [n for n in range(1, TURNS) if said[n] != said[n - 1]]
        assert 1 <= len(cuts) <= TURNS // 2
        for n in set(range(1, TURNS)) - set(cuts):
            assert answers[n].usage.cached_tokens > answers[n - 1].usage.prompt_tokens - 16
        use = chat.context_use()
        assert use
        assert use.left_out > 0
        assert use.tokens < 320
