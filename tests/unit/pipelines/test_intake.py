"""Reading files in several processes: the same records in the same order, bounded, and nothing left running."""

import random
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from agentkit import HashingEmbedder, Index
from agentkit.indexes import FileRecord, FileStamp
from agentkit.loaders import register_loader
from agentkit.loaders.load import _registered
from agentkit.pipelines.intake import read_files
from agentkit.pipelines.survey import FoundFile, Sync


class _TokenizingEmbedder(HashingEmbedder):
    """One that other processes can count for."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file
        self._tokenizer = Tokenizer.from_file(str(file))

    @property
    def tokenizer_file(self) -> Path:
        return self._file

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text).ids)


@pytest.fixture
def files(tmp_path: Path) -> list[FoundFile]:
    folder = tmp_path / "documents"
    folder.mkdir()
    words = random.Random(1)
    for number in range(24):
        text = "\n\n".join(
            " ".join(words.choices(["red", "fox", "barley", "ferry", "stone"], k=12)) for _ in range(700)
        )
        (folder / f"{number:02}.md").write_text(f"# Number {number}\n\n{text}")
    (folder / "24.txt").write_bytes(bytes(range(256)) * 8)
    (folder / "25.drawio").write_text("read by a loader from outside")
    return [_found(path) for path in sorted(folder.iterdir())]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    tokenizer = Tokenizer(WordLevel({"red": 0, "fox": 1, "[UNK]": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with Index.open(tmp_path / "index", embedder=_TokenizingEmbedder(tmp_path / "tokenizer.json")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _loader_from_outside() -> Iterator[None]:
    from langchain_core.documents import Document

    register_loader(".drawio", lambda path: [Document(page_content=path.read_text())])
    yield
    del _registered[".drawio"]


def test_several_processes_give_the_records_that_this_one_gives(index: Index, files: list[FoundFile]) -> None:
    together, one_by_one = Sync(), Sync()
    apart = list(read_files(index, files, together, is_full=False))
    here = [record for file in files for record in read_files(index, [file], one_by_one, is_full=False)]
    assert apart == here
    assert [record.path if record else "" for record in apart[-3:]] == ["23.md", "", "25.drawio"]
    assert (together.contents, together.skipped) == (one_by_one.contents, one_by_one.skipped)
    assert len(together.contents) == 25
    assert list(together.skipped) == ["24.txt"]


def test_stopping_early_leaves_no_process(index: Index, files: list[FoundFile]) -> None:
    before = set(psutil.Process().children(recursive=True))
    reading = read_files(index, files, Sync(), is_full=False)
    assert isinstance(next(reading), FileRecord)
    assert set(psutil.Process().children(recursive=True)) - before
    reading.close()  # type: ignore[attr-defined]  # a generator
    assert not set(psutil.Process().children(recursive=True)) - before


def _found(path: Path) -> FoundFile:
    return FoundFile(path.name, str(path.parent), FileStamp(path.stat().st_size, path.stat().st_mtime_ns), path)
