"""What is installed: the package and its command, and nothing else of the repository."""

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(_ROOT)]
    subprocess.run(command, capture_output=True, check=True, timeout=200)
    return folder


def test_the_wheel_holds_only_the_package(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"agentkit"}
    assert "agentkit/py.typed" in names
    sources = {str(path.relative_to(_ROOT)) for path in (_ROOT / "agentkit").rglob("*.py")}
    assert sources <= set(names)


def test_the_source_archive_holds_the_licence(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        assert any(name.endswith("/LICENSE") for name in opened.getnames())


def test_an_editable_install_makes_nothing_else_of_the_repository_importable(tmp_path: Path) -> None:
    statement = (
        "from importlib.util import find_spec\n"
        "for name in ('tools', 'cli', 'indexes', 'tests', 'benchmarks', 'examples', 'docs'):\n"
        "    spec = find_spec(name)\n"
        "    print(name, spec.origin, *(spec.submodule_search_locations or [])) if spec else None\n"
    )
    # Without PYTHONPATH: it may name the checkout, and what is asked is what the installation brings.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    finished = subprocess.run(
        [sys.executable, "-c", statement], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
        timeout=60,
    )  # fmt: skip
    assert str(_ROOT / "agentkit") not in finished.stdout
    assert not [line for line in finished.stdout.splitlines() if f"{_ROOT}/" in line and "site-packages" not in line]


def test_the_command_the_module_and_the_file_in_the_checkout_are_the_same_program(tmp_path: Path) -> None:
    (script,) = entry_points(group="console_scripts", name="agentkit")
    assert script.value == "agentkit.cli:main"
    for program in (["-m", "agentkit"], [str(_ROOT / "cli.py")]):
        finished = subprocess.run(
            [sys.executable, *program, "--version"],
            cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert finished.stdout.startswith("agentkit ")
    assert len((_ROOT / "cli.py").read_text("utf-8").splitlines()) <= 10


def test_every_dependency_is_pinned_once() -> None:
    lines = (_ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    names = [canonicalize_name(pin.name) for pin in pins]
    assert len(set(names)) == len(names)
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    named = [requirement for requirement in extras if not requirement.startswith(project["name"])]
    wanted = map(Requirement, [*project["dependencies"], *named])
    pinned = dict(zip(names, pins, strict=True))
    for requirement in wanted:
        (specifier,) = pinned[canonicalize_name(requirement.name)].specifier
        assert requirement.specifier.contains(specifier.version), requirement
