"""What goes wrong around the engine: faults, interrupts, closing at a bad moment, forks. smollm2-135m, one thread."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage
from numpy.typing import NDArray

from agentkit import LocalChatModel
from agentkit.errors import ContextLengthError, EngineError
from agentkit.models.constraints import regex
from agentkit.models.engine import GenerationGroup, GenerationRequest, LlamaEngine
from agentkit.models.engine.matching import Matcher
from agentkit.results import StopReason

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def engine(chat_model_file: Path) -> Iterator[LlamaEngine]:
    with LlamaEngine(chat_model_file, context_tokens=4096, threads=1) as engine:
        yield engine


@pytest.fixture
def model(chat_model_file: Path) -> Iterator[LocalChatModel]:
    with LocalChatModel(model=str(chat_model_file), context_tokens=4096, threads=1) as model:
        yield model


def _prompt(engine: LlamaEngine, text: str) -> tuple[int, ...]:
    markup = f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
    return tuple(engine.vocabulary.tokenize_markup(markup))


def _endless(engine: LlamaEngine) -> GenerationRequest:
    """A reply that would go on to the end of the context."""
    return GenerationRequest(_prompt(engine, "Go on."), 3000, matcher=engine.compile(regex("[a-z ]{9000}")))


def test_drafts_of_a_full_batch_change_no_reply(engine: LlamaEngine) -> None:
    text = "the quick brown fox jumps over the lazy dog and " * 6
    prompt = _prompt(engine, f"Repeat: {text}") + tuple(engine.vocabulary.tokenize("the quick brown"))
    engine.generate(GenerationRequest(prompt, 1)).text()
    plain = engine.generate(GenerationRequest(prompt, 24)).text()
    drafted = [engine.generate(GenerationRequest(prompt, 24, draft_tokens=15)) for _ in range(16)]
    assert {generation.text() for generation in drafted} == {plain}


def test_a_running_reply_flows_while_a_long_prompt_is_read(engine: LlamaEngine) -> None:
    reply = iter(engine.generate(_endless(engine)))
    next(reply)
    long = engine.generate(
        GenerationRequest(tuple((engine.vocabulary.tokenize("all work and no play ") * 400)[:1900]), 1)
    )
    read = threading.Thread(target=long.text)
    read.start()
    pieces = 0
    while read.is_alive():
        next(reply)
        pieces += 1
    assert pieces >= 1900 // 512


class _Failing(Matcher):
    """A matcher that fails at its third token."""

    def __init__(self, error: BaseException) -> None:
        self._error = error
        self._asked = 0

    @property
    def is_finished(self) -> bool:
        return False

    def take_forced(self) -> list[int]:
        return []

    def allowed(self) -> NDArray[np.bool_]:
        self._asked += 1
        if self._asked == 3:
            raise self._error
        return np.ones(49152, dtype=np.bool_)

    def consume(self, token: int) -> None:
        pass


class _PanicError(BaseException):
    """As pyo3's, which llguidance raises where its native code panics: no `Exception`."""


@pytest.mark.parametrize("error", [ValueError("bad state"), _PanicError("panicked")])
def test_a_fault_of_one_reply_is_that_replys_alone(engine: LlamaEngine, error: BaseException) -> None:
    other = engine.generate(GenerationRequest(_prompt(engine, "Name a river."), 12))
    failing = engine.generate(GenerationRequest(_prompt(engine, "Hello."), 12, matcher=_Failing(error)))
    with pytest.raises(EngineError, match=str(error)):
        failing.text()
    assert other.text()
    assert engine.generate(GenerationRequest(_prompt(engine, "Name a river."), 4)).text()


def test_a_fault_of_the_worker_reaches_every_caller_and_the_engine_goes_on(
    engine: LlamaEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = [engine.generate(_endless(engine)) for _ in range(3)]
    replies = [iter(generation) for generation in running]
    for reply in replies:
        next(reply)
    monkeypatch.setattr(engine, "_step", lambda planned: (_ for _ in ()).throw(_PanicError("panicked")))
    for generation, reply in zip(running, replies, strict=True):
        with pytest.raises(EngineError, match="panicked"):
            list(reply)
        assert generation.outcome.stop_reason is StopReason.CANCELLED
        with pytest.raises(EngineError, match="panicked"):
            engine.generate(GenerationRequest(_prompt(engine, "x"), 2)).text()
    monkeypatch.undo()
    assert engine.generate(GenerationRequest(_prompt(engine, "Name a river."), 4)).text()


@pytest.mark.parametrize("token", [-1, 49152, 10**9])
def test_a_token_that_the_vocabulary_lacks_is_refused_before_it_can_harm_others(
    engine: LlamaEngine, token: int
) -> None:
    with pytest.raises(EngineError, match=f"no token {token}: this model's are 0 to 49151"):
        engine.generate(GenerationRequest((1, token), 4))
    with pytest.raises(EngineError, match="no token"):
        engine.score([1, 2], [[token]])


def test_scores_need_a_prompt_and_may_have_empty_continuations(engine: LlamaEngine) -> None:
    with pytest.raises(EngineError, match="no tokens"):
        engine.score([], [[1, 2]])
    empty, one = engine.score([5], [[], [6]])
    assert (len(empty.logprobs), len(one.logprobs)) == (0, 1)
    assert engine.score([5, 6], []) == []
    with pytest.raises(ContextLengthError):
        engine.score([5] * 5000, [[1]])


def test_after_closing_every_use_is_an_error_and_none_reads_freed_memory(chat_model_file: Path) -> None:
    engine = LlamaEngine(chat_model_file, context_tokens=512, threads=1)
    vocabulary, request = engine.vocabulary, GenerationRequest((1, 2), 4)
    engine.compile(regex("a"))
    engine.close()
    for use in (
        lambda: vocabulary.tokenize("x"),
        lambda: vocabulary.piece(17),
        lambda: vocabulary.control_tokens,
        lambda: vocabulary.closers,
        lambda: engine.metadata("general.name"),
        lambda: engine.compile(regex("b")),
        lambda: engine.generate(request),
        lambda: engine.score([1], [[2]]),
    ):
        with pytest.raises(EngineError, match="closed"):
            use()


def test_closing_while_threads_use_the_model_ends_each_with_an_error(chat_model_file: Path) -> None:
    model = LocalChatModel(model=str(chat_model_file), context_tokens=1024, threads=1)
    model.invoke("x", max_tokens=1)
    seen: list[BaseException] = []

    def work(number: int) -> None:
        try:
            while True:
                model.invoke(f"Hello {number}", max_tokens=20, constraint=regex("[a-z ]{5,60}"))
        except BaseException as error:  # noqa: BLE001 whatever it is, it is looked at below
            seen.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    model.close()
    for thread in threads:
        thread.join(60)
    assert len(seen) == 6
    assert {type(error) for error in seen} == {EngineError}


class _Raises(BaseCallbackHandler):
    raise_error = True

    def on_llm_new_token(self, *_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a callback's own fault")


@pytest.mark.parametrize("how", ["generate", "stream", "batch"])
def test_a_callback_that_raises_ends_all_replies_of_its_call(
    model: LocalChatModel, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = GenerationGroup()
    generate = model.engine.generate

    def watched(request: GenerationRequest) -> Any:
        generation = generate(request)
        started.add(generation)
        return generation

    monkeypatch.setattr(model.engine, "generate", watched)
    config: Any = {"callbacks": [_Raises()]}
    endless = regex("[a-z ]{9000}")
    calls: dict[str, Callable[[], object]] = {
        "generate": lambda: model.generate([[HumanMessage("Hi")]], callbacks=[_Raises()], n=4, constraint=endless),
        "stream": lambda: list(model.stream("Hi", config, constraint=endless)),
        "batch": lambda: model.batch(["a", "b", "c"], [{}, {}, config], constraint=endless),
    }
    with pytest.raises(ZeroDivisionError):
        calls[how]()
    assert started._generations
    assert all(generation.is_cancelled for generation in started._generations)
    assert model.invoke("Hi", max_tokens=2)


def test_a_stream_that_nobody_reads_on_is_cancelled(model: LocalChatModel) -> None:
    stream = model.stream("Tell a long story.", constraint=regex("[a-z ]{9000}"))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    started = time.monotonic()
    assert model.invoke("Hi", max_tokens=2)
    assert time.monotonic() - started < 60
    assert not model.engine._running


def test_a_batch_gives_errors_back_where_asked(model: LocalChatModel) -> None:
    good, bad = model.batch(["Hi", "word " * 6000], return_exceptions=True, max_tokens=2)
    assert good.content
    assert isinstance(bad, ContextLengthError)
    assert model.batch([]) == []


def test_a_model_that_nothing_refers_to_gives_its_memory_back(chat_model_file: Path) -> None:
    model = LocalChatModel(model=str(chat_model_file), context_tokens=512, threads=1)
    model.invoke("Hi", max_tokens=1)
    worker, gone = model.engine._worker, weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    worker.join(30)
    assert not worker.is_alive()


_LOAD = """
import os, signal, sys, threading, time
from pathlib import Path
from langchain_core.messages import HumanMessage
from agentkit import LocalChatModel
from agentkit.errors import EngineError
from agentkit.models.constraints import regex
model = LocalChatModel(model=sys.argv[1], context_tokens=4096, threads=1)
endless = regex("[a-z ]{9000}")
"""


def _child(script: str, path: Path, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-X", "faulthandler", "-W", "ignore", "-c", _LOAD + script, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def _end_of(child: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = child.communicate(timeout=120)
    return child.returncode, out, err


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_after_a_fork_the_child_gets_a_clear_error_and_the_parent_goes_on(chat_model_file: Path) -> None:
    script = """
model.invoke("Hi", max_tokens=1)
child = os.fork()
if child == 0:
    try:
        model.invoke("Hi", max_tokens=1)
    except EngineError as error:
        print(error, flush=True)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
assert model.invoke("Hi", max_tokens=2).content
print("parent goes on")
"""
    code, out, err = _end_of(_child(script, chat_model_file))
    assert code == 0, err
    assert "before this process was forked" in out
    assert out.count("parent goes on") == 1


def test_the_interpreter_can_end_while_a_stream_runs(chat_model_file: Path) -> None:
    script = """
def read():
    for _ in model.stream("Hi", constraint=endless):
        pass
stream = model.stream("Hi", constraint=endless)
next(stream)
threading.Thread(target=read, daemon=True).start()
time.sleep(0.3)
print("ends", flush=True)
"""
    code, out, err = _end_of(_child(script, chat_model_file))
    assert (code, out.strip()) == (0, "ends"), err
    assert "Fatal" not in err


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
@pytest.mark.parametrize(
    "call",
    [
        "model.invoke('Hi', constraint=endless)",
        "list(model.stream('Hi', constraint=endless))",
        "model.generate([[HumanMessage('Hi')]], n=4, constraint=endless)",
        "model.batch(['a', 'b', 'c', 'd'], constraint=endless)",
        "model.score('Hi', ['word ' * 3000] * 4)",
    ],
)
def test_ctrl_c_ends_a_call_and_the_model_can_be_used_again(chat_model_file: Path, call: str) -> None:
    script = f"""
model.invoke("Hi", max_tokens=1)
threading.Timer(1.0, print, ["running"], {{"flush": True}}).start()
try:
    {call}
except KeyboardInterrupt:
    started = time.monotonic()
    while model.engine._running and time.monotonic() - started < 20:
        time.sleep(0.01)
    print("still running" if model.engine._running else "ended", flush=True)
    print(len(model.invoke("Hi", max_tokens=2).content) > 0, flush=True)
"""
    child = _child(script, chat_model_file)
    assert child.stdout is not None
    assert child.stdout.readline() == "running\n"
    child.send_signal(signal.SIGINT)
    code, out, err = _end_of(child)
    assert (code, out.split()) == (0, ["ended", "True"]), err


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_ctrl_c_while_the_model_loads_ends_the_load(chat_model_file: Path) -> None:
    script = """
signal.setitimer(signal.ITIMER_REAL, 0.05)
signal.signal(signal.SIGALRM, signal.default_int_handler)
try:
    while True:
        model.invoke("Hi", max_tokens=1)
except KeyboardInterrupt:
    print("interrupted", model.invoke("Hi", max_tokens=1).content != "")
"""
    code, out, err = _end_of(_child(script, chat_model_file))
    assert (code, out.split()) == (0, ["interrupted", "True"]), err
