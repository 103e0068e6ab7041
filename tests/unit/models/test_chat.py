"""What a `LocalChatModel` is made with; nothing is loaded for it."""

import warnings

import pytest
from pydantic import TypeAdapter

from agentkit import LocalChatModel


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
