"""What every test has: its own home, and the models of the machine where a test is marked `model`."""

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from agentkit.errors import ModelNotFoundError
from agentkit.models.store import ModelStore

# A slow machine is no fault of the code: time is asserted only where a test is about it.
settings.register_profile("agentkit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("agentkit")

MODELS = ModelStore()  # found before the tests' own home hides it


@pytest.fixture(autouse=True)
def _ctrl_c_is_taken() -> None:
    """A shell that starts the tests in the background has them ignore Ctrl-C, and so would every process that they
    start. An interrupted command line leaves the next Ctrl-C to the system.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the person's own data."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AGENTKIT_DATA_DIR", str(home / "data"))


def _model(name: str) -> Path:
    try:
        return MODELS.path(name)
    except ModelNotFoundError as error:
        pytest.fail(f"{error} (make test does it)")


@pytest.fixture(scope="session")
def chat_model_file() -> Path:
    """The GGUF of smollm2-135m."""
    return _model("smollm2-135m")


@pytest.fixture(scope="session")
def embedder_folder() -> Path:
    """The folder of all-minilm-l6-v2."""
    return _model("all-minilm-l6-v2")
