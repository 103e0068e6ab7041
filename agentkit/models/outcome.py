"""What a LangChain chat model's message tells of how it came to be, in our own words."""

from langchain_core.messages import AIMessage

from agentkit.results import StopReason, Usage


def stop_reason_of(message: AIMessage) -> StopReason:
    """Our own word for it where the model is ours, else from OpenAI's `finish_reason`."""
    metadata = message.response_metadata
    if metadata.get("stop_reason") in set(StopReason):
        return StopReason(metadata["stop_reason"])
    return StopReason.MAX_TOKENS if metadata.get("finish_reason") == "length" else StopReason.COMPLETED


def usage_of(message: AIMessage) -> Usage:
    """Its tokens and, for our own model, its seconds; nothing where the model did not count."""
    counted = message.usage_metadata
    if counted is None:
        return Usage()
    return Usage(
        prompt_tokens=counted["input_tokens"],
        cached_tokens=counted.get("input_token_details", {}).get("cache_read", 0),
        completion_tokens=counted["output_tokens"],
        forced_tokens=message.response_metadata.get("forced_tokens", 0),
        seconds=message.response_metadata.get("seconds", 0.0),
    )
