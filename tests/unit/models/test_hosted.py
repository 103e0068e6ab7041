"""Models by `provider:name`, against an OpenAI-compatible server on the loopback interface."""

import json
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler, get_usage_metadata_callback
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import RunnableLambda

from agentkit import ScriptedModel
from agentkit.errors import ModelError, ModelLoadError
from agentkit.models.catalog import is_hosted
from agentkit.models.hosted import HostedModel
from agentkit.models.messages import text_of
from agentkit.settings import Settings, with_options
from agentkit.strategies import NumberForm, Problem, strategy
from agentkit.tools import tool
from agentkit.workspace import Workspace

_NAME = "openai:tiny"


@dataclass
class _Server:
    """Says `reply` to everything and keeps what it was asked."""

    reply: str = "3 * 4 = 12\nAnswer: 12"
    status: int = 200
    page: str = ""
    """Instead of an answer."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""


def _body(server: _Server, asked: dict[str, Any]) -> str:
    base = {"id": "x", "created": 0, "model": "tiny"}
    if server.status != 200:
        return json.dumps({"error": {"message": "no such model: tiny", "type": "invalid_request_error"}})
    if server.page:
        return server.page
    if not asked.get("stream"):
        message: dict[str, Any] = {"role": "assistant", "content": server.reply}
        if asked.get("tools"):
            function = {"name": "double", "arguments": '{"number": 6}'}
            message = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": function}]}
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return json.dumps({**base, "object": "chat.completion", "choices": [choice], "usage": usage})
    pieces = [{"role": "assistant", "content": ""}, *({"content": word + " "} for word in server.reply.split()), {}]
    lines = []
    for number, delta in enumerate(pieces):
        ended = "stop" if number == len(pieces) - 1 else None
        choice = {"index": 0, "delta": delta, "finish_reason": ended}
        lines.append(json.dumps({**base, "object": "chat.completion.chunk", "choices": [choice]}))
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"])


class Started(BaseCallbackHandler):
    """Counts the chat models that are started."""

    count = 0

    def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        self.count += 1


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    pytest.importorskip("langchain_openai")
    state = _Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(asked)
            body = _body(state, asked).encode()
            kind = "text/event-stream" if asked.get("stream") and state.status == 200 else "application/json"
            self.send_response(state.status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{listening.server_address[1]}/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", state.url)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    for name in ("OPENAI_API_BASE", "OPENAI_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield state
    listening.shutdown()
    listening.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai:gpt-5-mini", True),
        ("ollama:qwen2.5:0.5b", True),
        ("hf:owner/repo:file.gguf", False),
        ("C:\\models\\a.gguf", False),
        ("./a:b.gguf", False),
        ("qwen2.5-coder-1.5b", False),
    ],
)
def test_a_provider_is_told_from_a_model_of_this_machine(name: str, expected: bool) -> None:
    assert is_hosted(name) is expected


def test_a_server_answers_whole_and_in_pieces(server: _Server) -> None:
    server.reply = "It is twelve."
    model = HostedModel.of(_NAME)
    message = model.invoke("3 * 4?")
    assert message.content == "It is twelve."
    assert message.usage_metadata is not None
    assert message.usage_metadata["output_tokens"] == 5
    pieces = [str(chunk.content) for chunk in model.stream("3 * 4?", max_tokens=9)]
    assert "".join(pieces).strip() == "It is twelve."
    assert len(pieces) > 3
    assert server.asked[0]["model"] == "tiny"
    assert 9 in server.asked[1].values()


@pytest.mark.parametrize("has_streaming", [True, False])
def test_a_call_is_one_call_for_langchains_callbacks(server: _Server, has_streaming: bool) -> None:
    said = AIMessage("It is twelve.", usage_metadata=UsageMetadata(input_tokens=7, output_tokens=5, total_tokens=12))
    said.response_metadata["model_name"] = "tiny"
    server.reply = "It is twelve."
    plain = HostedModel(model=_NAME, inner=FakeMessagesListChatModel(responses=[said]))
    model = HostedModel.of(_NAME, stream_usage=False) if has_streaming else plain
    chain = RunnableLambda(lambda question: question) | model
    started = Started()
    with get_usage_metadata_callback() as counted:
        assert chain.invoke("3 * 4?", {"callbacks": [started]}).content == "It is twelve."
    assert [usage["output_tokens"] for usage in counted.usage_metadata.values()] == [5]
    pieces = "".join(str(chunk.content) for chunk in chain.stream("3 * 4?", {"callbacks": [started]}))
    assert pieces.strip() == "It is twelve."
    assert started.count == 2


def test_a_server_that_sends_no_answer_is_an_error_that_tells_where_to_look(server: _Server) -> None:
    server.page = "<html>Welcome</html>"
    with pytest.raises(ModelError, match="the model openai:tiny sent nothing: check the server's address"):
        list(HostedModel.of(_NAME).stream("3 * 4?"))
    with pytest.raises(ModelError, match="did not answer"):
        HostedModel.of(_NAME).invoke("3 * 4?")


def test_langchains_cache_tells_models_and_their_settings_apart(server: _Server) -> None:
    def ask(name: str, reply: str, **options: Any) -> str:
        server.reply = reply
        return text_of(HostedModel.of(name, cache=cache, **options).invoke("Who?"))

    cache = InMemoryCache()
    assert ask(_NAME, "1") == "1"
    assert ask(_NAME, "2") == "1"
    assert ask("openai:small", "2") == "2"
    assert ask(_NAME, "3", temperature=0.5) == "3"


def test_a_strategy_runs_over_a_server(server: _Server) -> None:
    problem = Problem("3 boxes of 4?", form=NumberForm())
    answer = strategy("self-consistency", samples=3).solve(problem, HostedModel.of(_NAME))
    assert (answer.text, answer.confidence) == ("12", 1.0)
    assert {asked["temperature"] for asked in server.asked} == {0.7}


def test_tools_are_offered_in_the_providers_form(server: _Server) -> None:
    @tool
    def double(number: int) -> int:
        """Twice a number.

        Args:
            number: Any.
        """
        return 2 * number

    message = HostedModel.of(_NAME).bind_tools([double]).invoke("Double 6")
    assert [(call["name"], call["args"]) for call in message.tool_calls] == [("double", {"number": 6})]
    assert server.asked[0]["tools"][0]["function"]["name"] == "double"


def test_the_workspace_makes_it_by_name_with_its_settings(server: _Server) -> None:
    workspace = Workspace(None, Settings())
    assert workspace.ask_model("3 * 4?", model=_NAME).text.split()[-1] == "12"
    chosen = Workspace(None, with_options(Settings(), "answer", {"temperature": "0.5", "seed": "3"}))
    chosen.ask_model("3 * 4?", model=_NAME, system="Be brief.")
    plain, set_by_hand = server.asked
    assert "temperature" not in plain
    assert (set_by_hand["temperature"], set_by_hand["seed"]) == (0.5, 3)
    assert set_by_hand["messages"][0] == {"role": "system", "content": "Be brief."}


def test_what_the_server_refuses_is_one_line(server: _Server) -> None:
    server.status = 404
    with pytest.raises(ModelError, match=r"the model openai:tiny did not answer: .*no such model: tiny") as caught:
        HostedModel.of(_NAME).invoke("Hello")
    assert "\n" not in str(caught.value)


def test_no_server_at_all_is_one_line(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{unused.getsockname()[1]}/v1")
    for ask in ("invoke", "stream"):
        with pytest.raises(ModelError, match=r"did not answer: Connection error \(.*refused.*\): check the server's"):
            list(getattr(HostedModel.of(_NAME, max_retries=0), ask)("Hello"))


def test_a_missing_key_and_an_unknown_provider_are_said(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelLoadError, match="OPENAI_API_KEY"):
        HostedModel.of(_NAME)
    with pytest.raises(ModelLoadError, match="the model nowhere:tiny cannot be used: Unsupported provider='nowhere'"):
        HostedModel.of("nowhere:tiny")


def test_a_missing_package_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from langchain.chat_models import base

    monkeypatch.setitem(sys.modules, "langchain_openai", None)
    base._get_chat_model_creator.cache_clear()
    with pytest.raises(ModelLoadError, match=r"pip install 'agentkit-local\[openai\]'"):
        HostedModel.of(_NAME)
    with pytest.raises(ModelLoadError, match="pip install langchain-mistralai"):
        HostedModel.of("mistralai:tiny")


def test_our_own_errors_pass_through() -> None:
    model = HostedModel(model="test:scripted", inner=ScriptedModel(replies=[]))
    with pytest.raises(ModelError, match="the script has 0 replies"):
        model.invoke("Hello")
    with pytest.raises(ModelError, match="the script has 0 replies"):
        list(model.stream("Hello"))
