"""What a `LocalChatModel` is made and called with; nothing is loaded for it."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter

from agentkit import LocalChatModel
from agentkit.errors import EngineError


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("temprature", "LocalChatModel ignores temprature, which it does not know: did you mean temperature?"),
        ("model_name", "LocalChatModel ignores model_name, which it does not know: did you mean model?"),
        ("logit_bias", "LocalChatModel ignores logit_bias, which it does not know"),
    ],
)
def test_an_option_that_is_ignored_is_named_with_the_nearest_one(name: str, message: str) -> None:
    with pytest.warns(UserWarning, match=name) as caught:
        LocalChatModel(**{name: 1})
    assert [(str(warning.message), warning.filename) for warning in caught] == [(message, __file__)]


def test_options_of_its_own_and_of_every_model_of_langchain_are_taken_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = LocalChatModel(temperature=0.5, tags=["mine"], timeout=60, max_retries=2, api_key="x", streaming=True)
    assert model.temperature == 0.5
    assert TypeAdapter(LocalChatModel).validate_python(model) is model


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("temprature", ": did you mean temperature?"),
        ("tool", ": did you mean tools?"),
        ("logit_bias", ""),
        ("threads", ": give it to the constructor"),
    ],
)
def test_an_option_that_a_call_ignores_is_named_too(name: str, hint: str) -> None:
    model = LocalChatModel()
    model.close()  # so that a call loads nothing
    given: dict[str, Any] = {name: 1}
    asks: list[Callable[[], object]] = [
        lambda: model.invoke("Hello?", **given),
        lambda: model.bind(**given).invoke("Hello?"),
        lambda: list(model.stream("Hello?", **given)),
    ]
    for ask in asks:
        with pytest.warns(UserWarning, match=name) as caught, pytest.raises(EngineError):
            ask()
        message = f"a call of LocalChatModel ignores {name}, which it does not know{hint}"
        assert [str(warning.message) for warning in caught] == [message]


def test_what_langchain_and_servers_give_to_a_call_is_taken_without_a_word() -> None:
    model = LocalChatModel()
    model.close()
    given: dict[str, Any] = {
        "temperature": 0.5,
        "stop": ["x"],
        "timeout": 60,
        "strict": True,
        "tools": [],
        "tool_choice": "auto",
    }
    with pytest.raises(EngineError):
        model.invoke("Hello?", **given, response_format=None, parallel_tool_calls=False, ls_structured_output_format={})
    with pytest.raises(EngineError):
        list(model.stream("Hello?", **given, stream=True, stream_usage=True, constraint=None, reply_start="So"))
