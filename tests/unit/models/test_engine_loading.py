"""`agentkit.models.engine.loading`."""

import _thread
import threading

import pytest

from agentkit.models.engine.loading import load_interruptibly


def test_what_was_loaded_is_given_back() -> None:
    assert load_interruptibly(lambda _: "weights") == "weights"


def test_an_error_of_the_load_is_raised_to_the_one_who_waits() -> None:
    def fail(_: threading.Event) -> None:
        raise ValueError("no GGUF")

    with pytest.raises(ValueError, match="no GGUF"):
        load_interruptibly(fail)


def test_ctrl_c_stops_the_load_and_waits_for_its_end() -> None:
    ended = []

    def load(is_stopped: threading.Event) -> None:
        _thread.interrupt_main()
        assert is_stopped.wait(timeout=30)
        ended.append("ended")

    with pytest.raises(KeyboardInterrupt):
        load_interruptibly(load)
    assert ended == ["ended"]
