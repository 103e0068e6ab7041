"""Rules that every source file keeps."""

import ast
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_SOURCES = sorted((_ROOT / "agentkit").rglob("*.py"))
_FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
_FORBIDDEN_MODULES = {"pickle", "shelve", "marshal", "dill", "joblib"}
_ASYNCHRONOUS = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: str(path.relative_to(_ROOT)))
def test_a_source_file_runs_no_text_as_code_and_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "a module says what it does"
    for node in ast.walk(tree):
        assert not isinstance(node, _ASYNCHRONOUS), f"line {node.lineno}: sync only"
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            assert name not in _FORBIDDEN_CALLS, f"line {node.lineno}: {name}"
            for keyword in node.keywords:
                is_true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
                assert not (keyword.arg in ("shell", "trust_remote_code") and is_true), f"line {node.lineno}"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.name.partition(".")[0] for alias in node.names} | {getattr(node, "module", "") or ""}
            assert not names & _FORBIDDEN_MODULES, f"line {node.lineno}"


def test_no_committed_file_names_a_path_of_a_machine_or_a_registry_host() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=_ROOT, capture_output=True, check=True).stdout
    forbidden = [b"/home/" + b"runner", b"/ro" + b"ot/", b"/wo" + b"rk/", b"pypi" + b".org", b"hugging" + b"face.co"]
    for name in filter(None, listed.decode().split("\0")):
        data = (_ROOT / name).read_bytes() if (_ROOT / name).is_file() else b""
        found = [text for text in forbidden if text in data]
        assert not found, f"{name} holds {found}"


def test_the_wheel_and_the_editable_install_hold_only_the_package(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(_ROOT)]
    subprocess.run(command, capture_output=True, check=True, timeout=200)
    (wheel,) = tmp_path.glob("*.whl")
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"agentkit"}
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        assert any(name.endswith("agentkit/py.typed") for name in archive.getnames())
