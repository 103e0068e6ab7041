"""Rules that every source file keeps."""

import ast
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_SOURCES = sorted((_ROOT / "agentkit").rglob("*.py"))
_FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.load"}
_FORBIDDEN_MODULES = {"pickle", "shelve", "marshal", "dill", "joblib", "cloudpickle"}
_OPTIONS_THAT_RUN_CODE = {"shell", "trust_remote_code", "allow_pickle"}
_ASYNCHRONOUS = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
_MACHINE_TEXTS = (  # each written in two halves, so that this file passes its own test
    "/home/" + "runner", "/ro" + "ot/", "/wo" + "rk/", "py" + "pi.org", "python" + "hosted", "hugging" + "face.co",
)  # fmt: skip


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: str(path.relative_to(_ROOT)))
def test_a_source_file_keeps_the_rules(path: Path) -> None:
    assert not _broken_rules(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "'''A module.'''\neval('1')",
        "'''A module.'''\nimport os\nos.system('ls')",
        "'''A module.'''\nimport pickle",
        "'''A module.'''\nfrom joblib.externals import loky",
        "'''A module.'''\nimport subprocess\nsubprocess.run('ls', shell=True)",
        "'''A module.'''\nload('x', trust_remote_code=flag)",
        "'''A module.'''\nasync def f(): ...",
        "x = 1",
    ],
)
def test_a_broken_rule_is_found(source: str) -> None:
    assert len(_broken_rules(source)) == 1


def test_no_committed_file_names_a_path_of_a_machine_or_a_registry_host() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=_ROOT, capture_output=True, check=True).stdout
    committed = [_ROOT / name for name in listed.decode().split("\0") if name]
    assert committed
    for path in filter(Path.is_file, committed):
        data = path.read_bytes()
        assert not [text for text in _MACHINE_TEXTS if text.encode() in data], path


def _broken_rules(source: str) -> list[str]:
    tree = ast.parse(source)
    broken = [] if ast.get_docstring(tree) else ["a module says what it does"]
    for node in ast.walk(tree):
        if isinstance(node, _ASYNCHRONOUS):
            broken.append(f"line {node.lineno}: sync only")
        if isinstance(node, ast.Call):
            broken += _broken_by_call(node)
        if isinstance(node, ast.Import):
            broken += _broken_by_import(node, [alias.name for alias in node.names])
        if isinstance(node, ast.ImportFrom) and not node.level:
            broken += _broken_by_import(node, [node.module or ""])
    return broken


def _broken_by_call(call: ast.Call) -> list[str]:
    broken = [f"line {call.lineno}: {name}" for name in [ast.unparse(call.func)] if name in _FORBIDDEN_CALLS]
    for keyword in call.keywords:
        is_off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        if keyword.arg in _OPTIONS_THAT_RUN_CODE and not is_off:
            broken.append(f"line {call.lineno}: {keyword.arg}")
    return broken


def _broken_by_import(node: ast.stmt, modules: list[str]) -> list[str]:
    return [f"line {node.lineno}: {name}" for name in modules if name.partition(".")[0] in _FORBIDDEN_MODULES]
