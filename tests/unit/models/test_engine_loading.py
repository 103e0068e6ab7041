"""`agentkit.models.engine.loading`."""

import _thread
import threading
from io import StringIO

import pytest

from agentkit.models.engine.loading import load_interruptibly


def test_what_was_loaded_is_given_back() -> None:
    weights = StringIO()
    assert load_interruptibly(lambda _: weights) is weights
    assert not weights.closed


def test_an_error_of_the_load_is_raised_to_the_one_who_waits() -> None:
    def fail(_: threading.Event) -> StringIO:
        raise ValueError("no GGUF")

    with pytest.raises(ValueError, match="no GGUF"):
        load_interruptibly(fail)


def test_ctrl_c_stops_the_load_and_closes_what_it_gives_all_the_same() -> None:
    weights = StringIO()

    def load(is_stopped: threading.Event) -> StringIO:
        _thread.interrupt_main()
        assert is_stopped.wait(timeout=30)
        return weights

    with pytest.raises(KeyboardInterrupt):
        load_interruptibly(load)
    assert weights.closed
