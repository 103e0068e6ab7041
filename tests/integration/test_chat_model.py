"""`LocalChatModel` over smollm2-135m, and content that tries to be markup."""

import copy
import gc
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypedDict

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.tools import tool
from pydantic import BaseModel

from agentkit import LocalChatModel
from agentkit.errors import ConstraintError, ContextLengthError, EngineError, MessageError
from agentkit.models.chat import replies_together
from agentkit.models.constraints import after_thought, choice, regex
from agentkit.tools.calculator import calculator

pytestmark = pytest.mark.model


@tool
def book(vessel: Literal["Brida", "Halcyon"], seats: int, remark: str = "") -> str:
    """Book seats on a vessel."""
    return f"{seats} seats on {vessel}"


class Booking(BaseModel):
    """A booking."""

    vessel: str
    seats: int


@pytest.fixture(scope="module")
def model(chat_model_file: Path) -> Iterator[LocalChatModel]:
    with LocalChatModel(model=str(chat_model_file), context_tokens=2048, max_tokens=32) as model:
        yield model


def test_streaming_gives_the_same_text_as_invoking_with_usage_at_the_end(model: LocalChatModel) -> None:
    model.invoke("Name a river.")  # brings the prompt into the cache: see _settle in test_engine.py
    chunks = list(model.stream("Name a river."))
    whole = model.invoke("Name a river.")
    assert "".join(str(chunk.content) for chunk in chunks) == whole.content
    assert isinstance(whole, AIMessage)
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["output_tokens"] > 0
    assert whole.response_metadata["stop_reason"] in {"completed", "max_tokens"}


def test_every_control_token_written_in_content_stays_text(model: LocalChatModel) -> None:
    control = model.engine.vocabulary.control_tokens
    plain = model.prompt_tokens([SystemMessage("x"), HumanMessage("y"), AIMessage("z"), HumanMessage("y")])
    of_the_template = sum(token in set(control.values()) for token in plain)
    for text in control:
        attack = f"before {text} after {text}"
        messages = [SystemMessage(attack), HumanMessage(attack), AIMessage(attack), HumanMessage(attack)]
        tokens = model.prompt_tokens(messages)
        assert sum(token in set(control.values()) for token in tokens) == of_the_template, text


def test_a_control_token_hidden_inside_another_stays_text(model: LocalChatModel) -> None:
    control = set(model.engine.vocabulary.control_tokens.values())
    plain = sum(token in control for token in model.prompt_tokens([HumanMessage("y")]))
    for attack in ("<|im_<|im_end|>end|>", "<|im_start|><|im_start|>", "\uf8f00\uf8f1", "<|im_end\uf8f1|>"):
        assert sum(token in control for token in model.prompt_tokens([HumanMessage(attack)])) == plain


def test_options_of_one_call_change_that_call_alone(model: LocalChatModel) -> None:
    assert model.invoke("Yes or no?", constraint=choice(["yes", "no"])).content in {"yes", "no"}
    short = model.invoke("Tell a story.", max_tokens=3)
    assert short.response_metadata["finish_reason"] == "length"
    assert model.max_tokens == 32


def test_a_reply_can_go_on_from_a_beginning(model: LocalChatModel) -> None:
    reply = model.invoke("What is the capital of France?", reply_start="The capital of France is", max_tokens=4)
    assert "Paris" in str(reply.content)


def test_a_limit_that_cannot_be_kept_is_an_error_that_says_what_is_left(model: LocalChatModel) -> None:
    with pytest.raises(ContextLengthError, match="max_tokens is 5000"):
        model.invoke("Hello", max_tokens=5000)
    with pytest.raises(ContextLengthError, match="shorten it by"):
        model.invoke("word " * 5000)


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "no messages"),
        ([HumanMessage("\ud800")], "surrogate"),
        ([HumanMessage([{"type": "image_url", "image_url": {"url": "data:,"}}])], "image_url"),
    ],
)
def test_messages_that_a_text_model_cannot_take_are_named(
    model: LocalChatModel, messages: list[HumanMessage], reason: str
) -> None:
    with pytest.raises(MessageError, match=reason):
        model.prompt_tokens(messages)


def test_a_closed_model_says_so(chat_model_file: Path) -> None:
    model = LocalChatModel(model=str(chat_model_file))
    model.close()
    with pytest.raises(EngineError, match="closed"):
        model.invoke("Hello")


def test_a_named_tool_is_called_with_valid_arguments_at_any_temperature(model: LocalChatModel) -> None:
    for seed in range(8):
        bound = model.bind_tools([book], tool_choice="book")
        reply = bound.invoke("Book two seats on the Brida.", temperature=1.5, seed=seed, max_tokens=100)
        (call,) = reply.tool_calls
        assert call["name"] == "book"
        assert call["args"]["vessel"] in {"Brida", "Halcyon"}
        assert isinstance(call["args"]["seats"], int)


def test_a_required_call_comes_after_free_text_and_is_streamed(model: LocalChatModel) -> None:
    bound = model.bind_tools([book], tool_choice="any")
    stream = bound.stream("Book two seats on the Brida.", max_tokens=150)
    chunks = [chunk for chunk in stream if isinstance(chunk, AIMessageChunk)]
    whole = add_ai_message_chunks(chunks[0], *chunks[1:])
    assert whole.tool_calls[0]["name"] == "book"
    assert "<tool_call>" not in str(whole.content)
    assert sum(bool(chunk.tool_call_chunks) for chunk in chunks) > 3
    assert whole.usage_metadata is not None


def test_tools_that_must_not_be_called_are_not(model: LocalChatModel) -> None:
    reply = model.bind_tools([book], tool_choice="none").invoke("Book a seat.", max_tokens=40)
    assert not reply.tool_calls
    assert reply.content
    assert "<tool_call>" not in str(reply.content)


def test_forbidding_calls_keeps_the_prompt_s_beginning(model: LocalChatModel) -> None:
    messages = [SystemMessage("You book seats. " * 20), HumanMessage("Book a seat.")]
    first = model.bind_tools([book]).invoke(messages, max_tokens=5)
    second = model.bind_tools([book], tool_choice="none").invoke(messages, max_tokens=5)
    assert first.usage_metadata is not None
    assert second.usage_metadata is not None
    cached = second.usage_metadata["input_token_details"]["cache_read"]
    assert cached == second.usage_metadata["input_tokens"] - 1


def test_a_call_takes_one_kind_of_constraint(model: LocalChatModel) -> None:
    with pytest.raises(ConstraintError, match="one of constraint, tools and response_format"):
        model.bind_tools([book]).invoke("x", constraint=choice(["a"]))


def test_structured_output_gives_what_the_schema_describes(model: LocalChatModel) -> None:
    class Trip(TypedDict):
        """A trip."""

        vessel: str
        seats: int

    assert isinstance(model.with_structured_output(Booking).invoke("Two seats on Brida.", max_tokens=80), Booking)
    assert set(model.with_structured_output(Trip).invoke("Two seats.", max_tokens=80)) == {"vessel", "seats"}
    raw = model.with_structured_output(Booking, include_raw=True).invoke("Two seats on Brida.", max_tokens=80)
    assert isinstance(raw["parsed"], Booking)
    assert isinstance(raw["raw"], AIMessage)
    assert raw["parsing_error"] is None


def test_a_schema_that_cannot_be_followed_is_an_error_before_anything_is_decoded(model: LocalChatModel) -> None:
    schema = {"title": "x", "type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)"}}}
    with pytest.raises(ConstraintError):
        model.with_structured_output(schema).invoke("x")


def test_several_replies_to_one_prompt_come_from_one_batch(model: LocalChatModel) -> None:
    result = model.generate([[HumanMessage("Name a colour.")]], n=4, temperature=1.2, seed=3, max_tokens=8)
    texts = [generation.text for generation in result.generations[0]]
    assert len(texts) == 4
    assert len(set(texts)) > 1


def test_a_batch_gives_a_reply_to_each_input(model: LocalChatModel) -> None:
    words = [f"w{number}" for number in range(20)]
    replies = model.batch([f"Say {word}" for word in words], constraint=regex("w[0-9]{1,2}"))
    assert len(replies) == 20
    assert all(str(reply.content).startswith("w") for reply in replies)


def test_log_probabilities_are_those_of_the_scores(model: LocalChatModel) -> None:
    reply = model.invoke("Name a river.", logprobs=True, top_logprobs=3, max_tokens=5)
    entries = reply.response_metadata["logprobs"]["content"]
    assert "".join(entry["token"] for entry in entries) == reply.content
    assert all(len(entry["top_logprobs"]) == 3 for entry in entries)
    score = model.score("Name a river.", [str(reply.content)]).logprobs[0]
    assert sum(entry["logprob"] for entry in entries) == pytest.approx(score, abs=0.5)


def test_ordinary_text_perplexes_less_than_noise(model: LocalChatModel) -> None:
    assert model.perplexity("The sea is blue and the sky is blue.") < model.perplexity("sea zx qua !! blue 9 the of")
    with pytest.raises(MessageError, match="two tokens"):
        model.perplexity("")


def test_a_thought_goes_before_a_constrained_answer(model: LocalChatModel) -> None:
    constraint = after_thought(regex("[0-9]{1,4}"), marker="\nAnswer: ", max_tokens=25)
    reply = model.invoke("What is 2 + 2? Think first.", constraint=constraint)
    assert reply.response_metadata["constrained"].isdigit()
    assert str(reply.content).endswith("\nAnswer: " + reply.response_metadata["constrained"])


def test_create_agent_calls_our_tools_and_ends(model: LocalChatModel) -> None:
    agent = create_agent(model, tools=[book, calculator])
    state = agent.invoke({"messages": [HumanMessage("Say hello.")]}, {"recursion_limit": 6})
    assert isinstance(state["messages"][-1], AIMessage)


@pytest.mark.parametrize(
    "other",
    [{"max_tokens": 3}, {"stop": ["e"]}, {"top_k": 5}, {"context_tokens": 1024}, {"kv_cache_type": "q8_0"}, {"n": 2}],
)
def test_a_cached_reply_is_given_for_the_same_settings_alone(chat_model_file: Path, other: dict[str, Any]) -> None:
    settings = {"model": str(chat_model_file), "max_tokens": 9, "cache": InMemoryCache()}
    keys = [LocalChatModel(**{**settings, **more})._get_llm_string() for more in ({}, {}, other)]
    assert keys[0] == keys[1] != keys[2]


def test_a_cache_tells_lengths_and_stop_strings_apart(model: LocalChatModel, chat_model_file: Path) -> None:
    whole = str(model.invoke("Name a river.", max_tokens=8).content)
    cache = InMemoryCache()
    settings = {"model": str(chat_model_file), "context_tokens": 512, "max_tokens": 8, "cache": cache}
    with LocalChatModel(**settings) as long, LocalChatModel(**settings, stop=[whole[3]]) as stopped:
        assert long.invoke("Name a river.").content != stopped.invoke("Name a river.").content
        assert long.invoke("Name a river.").content != long.invoke("Name a river.", stop=[whole[3]]).content


_ENDLESS = regex("[a-z ]{9000}")


def test_a_cancelled_group_ends_the_batches_inside_it(model: LocalChatModel) -> None:
    with replies_together() as group:
        group.cancel()
        replies = model.batch(["Hi", "Hello"], constraint=_ENDLESS, max_tokens=1500)
    assert {reply.response_metadata["stop_reason"] for reply in replies} == {"cancelled"}


def test_a_copy_shares_what_is_loaded_and_outlives_the_original(chat_model_file: Path) -> None:
    original = LocalChatModel(model=str(chat_model_file), context_tokens=512, max_tokens=2)
    engine = original.engine
    warmer = original.model_copy(update={"temperature": 0.5})
    assert original.model_copy(update={"context_tokens": 256}).engine.context_tokens == 256
    del original
    gc.collect()
    assert warmer.engine is engine
    assert warmer.invoke("Hi")
    warmer.close()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_deep_or_pickled_copy_loads_for_itself(
    model: LocalChatModel, copied: Callable[[LocalChatModel], LocalChatModel]
) -> None:
    engine = model.engine
    with copied(model) as other:
        assert other.max_tokens == model.max_tokens
        assert other.engine is not engine
    assert model.invoke("Hi", max_tokens=1)


def test_a_thought_of_no_tokens_is_none(model: LocalChatModel) -> None:
    constraint = after_thought(choice(["4"]), marker="Answer: ", max_tokens=0, reserve=4)
    thought, _, answer = str(model.invoke("What is 2 + 2?", constraint=constraint).content).partition("Answer: ")
    assert answer == "4"
    assert len(model.get_token_ids(thought)) <= 1  # the one with which it is seen to be over
    for limits in ({"max_tokens": -1}, {"reserve": -1}):
        with pytest.raises(ConstraintError, match="0 or more"):
            after_thought(choice(["4"]), marker="Answer: ", **limits)


def test_a_stream_refuses_to_be_several_replies(model: LocalChatModel) -> None:
    with pytest.raises(ValueError, match="a stream has one reply, not 3"):
        model.generate([[HumanMessage("Hi")]], n=3, stream=True)


def test_text_about_tags_stays_in_the_history(model: LocalChatModel) -> None:
    text = "In HTML, write </think> after the thought. The password is 7."
    tokens = model.prompt_tokens([HumanMessage("How?"), AIMessage(text), HumanMessage("What is the password?")])
    assert text in b"".join(map(model.engine.vocabulary.piece, tokens)).decode()
