"""Drop-in tools: the Python files of a workspace's `tools/` folder.

A file runs only if its content is trusted, and what runs is exactly the bytes whose sha256 was compared, read as UTF-8
as they were shown: never a `.pyc` from `__pycache__`, which could hold anything. The folder becomes a package of its
own, so that a drop-in can `from ._shared import …` (a file whose name begins with `_` offers no tools; it must be
trusted like the rest), while `sys.path` stays as it is.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from langchain_core.tools import BaseTool

from agentkit.tools.observations import describe_error
from agentkit.tools.silence import Silence
from agentkit.tools.trust import TrustState, TrustStore

_MAX_FILES = 200
MayRun = Callable[[Path, str], bool]
"""From a file and the sha256 of its content to whether it may run."""


@dataclass(frozen=True, slots=True)
class DropIn:
    """A file of the folder, not run."""

    path: Path
    sha256: str
    """Empty where it cannot be read."""
    state: TrustState
    problem: str | None = None
    """Why it cannot be read; None where it can."""


@dataclass(frozen=True, slots=True)
class LoadedDropIn:
    """A file of the folder after an attempt to load it."""

    path: Path
    tools: tuple[BaseTool, ...] = ()
    problem: str | None = None
    """Why it offers no tools, in one line; None where nothing is wrong."""


def find_drop_ins(folder: Path, store: TrustStore) -> list[DropIn]:
    """The files of the folder, sorted, with what is known of each, also where one cannot be read; nothing is run.

    Raises:
        ToolSetupError: the store cannot be read.
    """
    found = []
    for path in _files(folder):
        try:
            digest = sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            found.append(DropIn(path, "", TrustState.NEW, f"{path} cannot be read: {error.strerror}"))
            continue
        found.append(DropIn(path, digest, store.state(path, digest)))
    return found


def load_drop_ins(folder: Path, may_run: MayRun) -> list[LoadedDropIn]:
    """Load every file that may run; one that fails, or may not run, is named, and the rest load.

    Only tools that a file makes by a `tool` decorator itself count, not those that it imports.
    """
    name = f"agentkit_workspace_tools_{sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"
    _install_package(name, folder, may_run)
    return [_load(path, f"{name}.{path.stem}") for path in _files(folder) if not path.name.startswith("_")]


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.glob("*.py") if path.is_file() and not path.name.startswith("."))[:_MAX_FILES]


def _load(path: Path, name: str) -> LoadedDropIn:
    try:
        with Silence(path.name):
            module = import_module(name)
    except _NotTrustedError as error:
        return LoadedDropIn(path, problem=str(error))
    except SyntaxError as error:
        where = Path(error.filename).name if error.filename else path.name
        return LoadedDropIn(path, problem=f"{path}: {where}, line {error.lineno}: {error.msg}")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 somebody's code, which may also try to end the program
        return LoadedDropIn(path, problem=f"{path}: {describe_error(error)}")
    if tools := tuple(_tools_of(module)):
        return LoadedDropIn(path, tools)
    how = "put @tool before a function, or begin the file's name with _"
    return LoadedDropIn(path, problem=f"{path}: no tool is made in it: {how}")


def _tools_of(module: ModuleType) -> Iterator[BaseTool]:
    seen: set[int] = set()
    for value in vars(module).values():
        if isinstance(value, BaseTool) and id(value) not in seen and _home(value) == module.__name__:
            seen.add(id(value))
            yield value


def _home(tool: BaseTool) -> str | None:
    """The module of the function that the tool was made of."""
    function = getattr(tool, "func", None) or getattr(tool, "coroutine", None)
    return getattr(function, "__module__", None)


def _install_package(name: str, folder: Path, may_run: MayRun) -> None:
    """Put a fresh package in the place of an earlier one of the same folder."""
    for module in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
        del sys.modules[module]
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, "package", None) != name]
    sys.meta_path.insert(0, _Finder(name, folder, may_run))
    package = ModuleType(name, "The drop-in tools of a workspace.")
    package.__path__ = [str(folder)]
    package.__spec__ = ModuleSpec(name, None, is_package=True)
    sys.modules[name] = package


class _NotTrustedError(Exception):
    """A file may not run."""


class _Finder(MetaPathFinder):
    """Finds the modules of one folder, before Python's own finders do, which would take a `.pyc`."""

    def __init__(self, package: str, folder: Path, may_run: MayRun) -> None:
        self.package = package
        self._folder = folder
        self._may_run = may_run

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(f"{self.package}."):
            return None
        file = self._folder / f"{fullname.removeprefix(f'{self.package}.')}.py"
        if not file.is_file():
            raise ModuleNotFoundError(f"there is no {file.name} in {self._folder}", name=fullname)
        loader = _CheckedLoader(fullname, str(file), self._may_run)
        return spec_from_file_location(fullname, file, loader=loader)


class _CheckedLoader(SourceFileLoader):
    """Runs a source file whose content may run, and only that content."""

    def __init__(self, fullname: str, path: str, may_run: MayRun) -> None:
        super().__init__(fullname, path)
        self._may_run = may_run

    def get_code(self, fullname: str) -> CodeType:
        """Raises _NotTrustedError, or UnicodeDecodeError where it is not UTF-8."""
        file = Path(self.path)
        source = file.read_bytes()
        if not self._may_run(file, sha256(source).hexdigest()):
            raise _NotTrustedError(
                f"{file} is not trusted, or has changed: read it, and if you agree to run it: agentkit tools trust"
            )
        # Of bytes, Python would obey `# coding: utf-7`, under which what is shown as a comment can be code.
        code: CodeType = self.source_to_code(source.decode("utf-8-sig"), self.path)
        return code
