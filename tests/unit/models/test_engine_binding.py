"""How llama.cpp is started."""

import os
import subprocess
import sys

import pytest

_START = "from agentkit.models.engine.binding import llama_cpp; llama_cpp()"


@pytest.mark.parametrize(("given", "spins"), [({}, "10000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
def test_threads_that_wait_leave_their_core_to_others_unless_a_person_says_otherwise(
    given: dict[str, str], spins: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    started = subprocess.run(
        [sys.executable, "-c", _START],
        env={**environment, **given, "OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        check=True,
    )
    if "GOMP_SPINCOUNT" not in started.stderr:
        pytest.skip("llama.cpp is built without GNU's OpenMP here")
    assert f"GOMP_SPINCOUNT = '{spins}'" in started.stderr
