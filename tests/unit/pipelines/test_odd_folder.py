"""A folder of every odd file and a good one of every format: one sync reads or names each."""

from pathlib import Path

from agentkit import HashingEmbedder, Index, index_folder
from tests.unit.loaders.test_odd_files import GOOD, ODD, READABLE


def test_a_sync_of_odd_files_names_each_and_indexes_every_good_one(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    large = {"one-line.txt", "bomb.bz2", "wide.csv"}  # read in tests of their own; their chunks are many
    names = [name for name in ODD if name not in large]
    for name, content in {**{name: ODD[name] for name in names}, **GOOD}.items():
        (folder / name).write_bytes(
            content[:400_000] if name.endswith((".md", ".srt", ".rst", ".adoc", ".tex")) else content
        )
    with Index.open(tmp_path / "index", embedder=HashingEmbedder()) as index:
        report = index_folder(index, [folder])
        skipped = {file.path: file.reason for file in report.skipped}
        indexed = {Path(path).name for path in index.paths()}
        hits = [hit for form in ("*.zip", "*.tar.gz") for hit in index.search("def f return", k=9, path=form)]
    members = {"a.zip/bad.png", "a.tar.gz/bad.png"}
    assert set(skipped) == {name for name in names if name not in READABLE} | members
    assert all(skipped.values())
    assert indexed == {name for name in names if name in READABLE} | set(GOOD)
    assert ["b.py", "f"] in [list(hit.metadata["heading_path"]) for hit in hits]
    assert all("parts" not in hit.metadata for hit in hits)
