"""`agentkit.tools.discovery` and `agentkit.tools.trust`: what of a folder runs, and what does not."""

import json
import py_compile
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from agentkit.errors import ToolSetupError
from agentkit.tools import ToolRegistry, flags_of, run_tool
from agentkit.tools.discovery import LoadedDropIn, find_drop_ins, load_drop_ins
from agentkit.tools.trust import TrustState, TrustStore

_HEADER = "from agentkit.tools import tool\nfrom agentkit.errors import ToolError\n"
Write = Callable[..., Path]


def source(name: str = "greet", text: str = "hello", header: str = "") -> str:
    return f'{_HEADER}{header}\n@tool(effects=True)\ndef {name}() -> str:\n    """Greet."""\n    return {text!r}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    return tmp_path / "tools"


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "data" / "trusted-tools.json")


def load(folder: Path) -> list[LoadedDropIn]:
    """Everything, trusted."""
    return load_drop_ins(folder, lambda path, digest: True)


def trusted(folder: Path, store: TrustStore) -> list[LoadedDropIn]:
    """What the store trusts."""
    return load_drop_ins(folder, lambda path, digest: store.state(path, digest) is TrustState.TRUSTED)


def test_a_drop_in_offers_its_tools_and_leaves_the_path_as_it_is(folder: Path) -> None:
    (folder / "greet.py").write_text(source(), "utf-8")
    before = list(sys.path)
    (loaded,) = load(folder)
    assert [each.name for each in loaded.tools] == ["greet"]
    assert flags_of(loaded.tools[0]).effects
    assert run_tool(loaded.tools[0], {}).content == "hello"
    assert sys.path == before
    assert "greet" not in sys.modules


@pytest.mark.parametrize(
    "hidden", ["# -*- coding: utf-7 -*-\n# +AAo-raise SystemExit", "# coding: unicode_escape\n# \\x0araise SystemExit"]
)
def test_a_file_runs_as_the_utf_8_that_is_shown_whatever_coding_it_names(folder: Path, hidden: str) -> None:
    (folder / "greet.py").write_text(f"{hidden}\n{source()}", "utf-8-sig")
    (folder / "latin.py").write_bytes(b"# coding: latin-1\nNAME = '\xe9'\n")
    greet, latin = load(folder)
    assert (greet.problem, [each.name for each in greet.tools]) == (None, ["greet"])
    assert "UnicodeDecodeError" in str(latin.problem)


def test_a_file_that_makes_no_tool_is_named(folder: Path) -> None:
    (folder / "forgotten.py").write_text("def greet() -> str:\n    return 'hello'\n", "utf-8")
    (folder / "_shared.py").write_text("HELLO = 'hello'\n", "utf-8")
    (loaded,) = load(folder)
    assert str(loaded.problem).startswith(f"{folder / 'forgotten.py'}: no tool is made in it: put @tool before")


def test_an_empty_or_missing_folder_offers_nothing(folder: Path) -> None:
    assert load(folder) == []
    assert load(folder / "none") == []


def test_only_what_the_file_makes_by_the_decorator_counts(folder: Path) -> None:
    header = "from agentkit.tools.calculator import calculator\nfrom langchain_core.tools import tool as plain\n"
    code = source(header=header) + (
        "alias = greet\ndef helper() -> str: ...\nclass Thing: ...\n"
        '@plain\ndef other() -> str:\n    """Another."""\n    return ""\n'
    )
    (folder / "greet.py").write_text(code, "utf-8")
    assert [each.name for each in load(folder)[0].tools] == ["greet", "other"]


def test_a_drop_in_imports_its_neighbours_relatively(folder: Path) -> None:
    (folder / "_shared.py").write_text("TEXT = 'from next door'\n", "utf-8")
    (folder / "a.py").write_text(f"{source('first')}from ._shared import TEXT\nfrom .b import second\n", "utf-8")
    (folder / "b.py").write_text(
        f'{_HEADER}@tool\ndef second() -> str:\n    """Late."""\n    from ._shared import TEXT\n    return TEXT\n',
        "utf-8",
    )
    loaded = load(folder)
    assert [[each.name for each in drop_in.tools] for drop_in in loaded] == [["first"], ["second"]]
    assert run_tool(loaded[1].tools[0], {}).content == "from next door"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("x = 1\ndef broken(:\n", "bad.py, line 2: invalid syntax"),
        ("import nothing_of_that_name\n", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("from ._missing import x\n", "there is no _missing.py"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("import sys\nsys.exit('bye')\n", "SystemExit: bye"),
        ("x = '\\ud800'\nprint('noise')\nraise ValueError(x)\n", "ValueError"),
        (b"\xff\xfe", "bad.py"),
        ("a\0b", "null bytes"),
        (
            f'{_HEADER}@tool\ndef t(a: int) -> str:\n    """T.\n\n    Args:\n        b: No.\n    """\n',
            "Arg b in docstring",
        ),
    ],
)
def test_a_file_that_cannot_be_loaded_is_named_and_the_rest_load(
    folder: Path, code: str | bytes, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.py").write_bytes(code if isinstance(code, bytes) else code.encode())
    (folder / "good.py").write_text(source(), "utf-8")
    bad, good = load(folder)
    assert bad.tools == ()
    assert str(folder / "bad.py") in str(bad.problem)
    assert problem in str(bad.problem)
    assert "\n" not in str(bad.problem)
    assert [each.name for each in good.tools] == ["greet"]
    assert capsys.readouterr().out == ""


def test_a_file_runs_only_when_it_is_trusted_and_again_not_when_it_has_changed(
    folder: Path, store: TrustStore, tmp_path: Path
) -> None:
    proof = tmp_path / "ran"
    file = folder / "greet.py"
    file.write_text(source(header=f"open({str(proof)!r}, 'w').close()\n"), "utf-8")
    (loaded,) = trusted(folder, store)
    assert loaded.tools == ()
    assert "agentkit tools trust" in str(loaded.problem)
    assert not proof.exists()
    (found,) = find_drop_ins(folder, store)
    assert found.state is TrustState.NEW
    store.trust([(found.path, found.sha256)])
    assert trusted(folder, store)[0].tools
    assert proof.exists()
    proof.unlink()
    file.write_text(file.read_text("utf-8") + "# changed\n", "utf-8")
    assert find_drop_ins(folder, store)[0].state is TrustState.CHANGED
    assert trusted(folder, store)[0].tools == ()
    assert not proof.exists()


def test_a_neighbour_that_is_not_trusted_does_not_run_either(folder: Path, store: TrustStore, tmp_path: Path) -> None:
    proof = tmp_path / "ran"
    (folder / "_shared.py").write_text(f"open({str(proof)!r}, 'w').close()\nTEXT = ''\n", "utf-8")
    (folder / "greet.py").write_text(source(header="from ._shared import TEXT\n"), "utf-8")
    store.trust((each.path, each.sha256) for each in find_drop_ins(folder, store) if each.path.name == "greet.py")
    (loaded,) = trusted(folder, store)
    assert "_shared.py is not trusted" in str(loaded.problem)
    assert not proof.exists()


def test_a_compiled_file_beside_a_trusted_source_is_not_run(folder: Path, store: TrustStore) -> None:
    file = folder / "greet.py"
    file.write_text(source(text="forged"), "utf-8")
    py_compile.compile(str(file), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert list(folder.rglob("*.pyc"))
    file.write_text(source(text="honest"), "utf-8")
    store.trust((each.path, each.sha256) for each in find_drop_ins(folder, store))
    assert run_tool(trusted(folder, store)[0].tools[0], {}).content == "honest"


def test_a_compiled_file_without_a_source_is_not_run(folder: Path) -> None:
    (folder / "hidden.py").write_text("TEXT = 'ran'\n", "utf-8")
    py_compile.compile(str(folder / "hidden.py"), cfile=str(folder / "hidden.pyc"))
    (folder / "hidden.py").unlink()
    (folder / "greet.py").write_text(source(header="from .hidden import TEXT\n"), "utf-8")
    assert "there is no hidden.py" in str(load(folder)[0].problem)


def test_a_folder_that_is_loaded_again_is_read_again(folder: Path) -> None:
    (folder / "greet.py").write_text(source(text="one"), "utf-8")
    load(folder)
    finders = len(sys.meta_path)
    (folder / "greet.py").write_text(source(text="two"), "utf-8")
    assert run_tool(load(folder)[0].tools[0], {}).content == "two"
    assert len(sys.meta_path) == finders


def test_the_content_of_one_file_is_not_trusted_in_another(folder: Path, store: TrustStore) -> None:
    for name in ("a.py", "b.py"):
        (folder / name).write_text(source(), "utf-8")
    store.trust([(folder / "a.py", sha256(source().encode()).hexdigest())])
    assert [each.state for each in find_drop_ins(folder, store)] == [TrustState.TRUSTED, TrustState.NEW]


def test_a_link_is_known_by_what_it_leads_to(folder: Path, store: TrustStore, tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text(source(), "utf-8")
    (folder / "link.py").symlink_to(tmp_path / "real.py")
    store.trust([(tmp_path / "real.py", sha256(source().encode()).hexdigest())])
    assert find_drop_ins(folder, store)[0].state is TrustState.TRUSTED


def test_a_damaged_store_trusts_nothing_and_says_what_to_do(folder: Path, store: TrustStore, tmp_path: Path) -> None:
    (folder / "greet.py").write_text(source(), "utf-8")
    (tmp_path / "data").mkdir()
    for damage in ("{", "[]", '"x"'):
        (tmp_path / "data" / "trusted-tools.json").write_text(damage, "utf-8")
        with pytest.raises(ToolSetupError, match="delete it"):
            find_drop_ins(folder, store)


def test_trust_is_kept_for_the_person_alone(store: TrustStore, tmp_path: Path) -> None:
    store.trust([(tmp_path / "a.py", "1")])
    store.trust([(tmp_path / "b.py", "2")])
    file = tmp_path / "data" / "trusted-tools.json"
    assert json.loads(file.read_text("utf-8")) == {str(tmp_path / "a.py"): "1", str(tmp_path / "b.py"): "2"}
    assert file.stat().st_mode & 0o077 == 0


_TOOLS = Path(__file__).parents[3] / "tools"


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("days_between", {"first": "2024-02-28", "last": "2024-03-01"}, "2 days, from Wednesday to Friday"),
        ("date_after", {"start": "2024-02-28", "days": -59}, "2023-12-31, a Sunday"),
        ("convert", {"amount": 26.2, "unit": "mile", "to": "km"}, "42.1648128 km"),
        ("convert", {"amount": 100, "unit": "celsius", "to": "fahrenheit"}, "212 fahrenheit"),
        ("convert", {"amount": -40, "unit": "fahrenheit", "to": "celsius"}, "-40 celsius"),
        ("convert", {"amount": 36, "unit": "km/h", "to": "m/s"}, "10 m/s"),
    ],
)
def test_the_drop_ins_of_this_repository_work(name: str, arguments: dict[str, object], result: str) -> None:
    registry = ToolRegistry()
    for loaded in load(_TOOLS):
        assert loaded.problem is None
        registry.add(loaded.tools, source=str(loaded.path))
    assert run_tool(registry[name], arguments).content == result


def test_units_of_different_quantities_are_refused() -> None:
    registry = ToolRegistry(each for loaded in load(_TOOLS) for each in loaded.tools)
    outcome = run_tool(registry["convert"], {"amount": 1, "unit": "kg", "to": "m"})
    assert "choose two units of one quantity" in str(outcome.error)
    assert "unit: input should be" in str(run_tool(registry["convert"], {"amount": 1, "unit": "ell", "to": "m"}).error)
