"""LangChain's own tests of everything that chats."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from agentkit import LocalChatModel, ScriptedModel
from tests.conftest import MODELS


@pytest.fixture(scope="module")
def loaded_model(chat_model_file: Path) -> Iterator[BaseChatModel]:
    with LocalChatModel(model=str(chat_model_file), context_tokens=4096, max_tokens=160) as model:
        yield model


class TestScriptedModel(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return ScriptedModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"replies": ["Hello."]}


class TestLocalChatModelBeforeItIsLoaded(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LocalChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"model": "smollm2-135m"}


@pytest.mark.model
class TestLocalChatModel(ChatModelIntegrationTests):
    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return LocalChatModel

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {
            "model": "smollm2-135m",
            "models_directory": MODELS.directory,
            "max_tokens": 160,
            "context_tokens": 4096,
        }

    @pytest.fixture
    def model(self, loaded_model: BaseChatModel) -> BaseChatModel:
        return loaded_model

    @property
    def supports_json_mode(self) -> bool:
        return True

    @property
    def supports_model_override(self) -> bool:
        return False  # the weights of another model would have to be loaded: make another LocalChatModel

    @pytest.mark.xfail(reason="smollm2-135m does not choose to call a tool by itself; with tool_choice it does")
    def test_agent_loop(self, model: BaseChatModel) -> None:
        super().test_agent_loop(model)

    @pytest.mark.xfail(reason="smollm2-135m does not copy every Japanese name; which one depends on the processor")
    def test_unicode_tool_call_integration(self, model: BaseChatModel) -> None:  # type: ignore[override]
        super().test_unicode_tool_call_integration(model)
