"""Folders and files that were moved since they were indexed, and those that are empty all of a sudden."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from agentkit import HashingEmbedder, Index, index_folder
from agentkit.errors import DocumentError, IndexingError
from agentkit.indexes.catalog import Catalog
from agentkit.indexes.contents import index_contents
from agentkit.indexes.summary import source_file, summarise_index
from agentkit.loaders import PathPatterns
from agentkit.pipelines.planning import plan_folder


class _CountingEmbedder(HashingEmbedder):
    texts = 0

    def embed_array(self, texts):  # type: ignore[no-untyped-def]
        self.texts += len(texts)
        return super().embed_array(texts)


def _open(directory: Path) -> Index:
    return Index.open(directory, embedder=_CountingEmbedder())


def _write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the text of {name}")
    return folder


def _chunks(index: Index) -> list[str]:
    return [chunk.id for path in index.paths() for chunk in index.catalog.chunks_of(path)]


def _rename(old: Path, new: Path) -> None:
    old.rename(new)


def _copy_without_times(old: Path, new: Path) -> None:
    shutil.copytree(old, new, copy_function=shutil.copyfile)
    for file in new.rglob("*"):
        os.utime(file, (1, 1))
    shutil.rmtree(old)


def _rename_and_link(old: Path, new: Path) -> None:
    old.rename(new)
    old.symlink_to(new)


@pytest.mark.parametrize("move", [_rename, _copy_without_times, _rename_and_link])
def test_a_folder_that_was_moved_is_the_same_one_at_its_new_place(
    tmp_path: Path, move: Callable[[Path, Path], None]
) -> None:
    docs, papers = _write(tmp_path / "docs", "a.md", "sub/b.md", "c.md"), tmp_path / "papers"
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs], patterns=PathPatterns(include=("*.md",)))
        before, embedded = _chunks(index), index.embedder.texts  # type: ignore[attr-defined]
        move(docs, papers)
        _write(papers, "later.txt")
        for moved in (((str(docs), str(papers)),), ()):
            report = index_folder(index, [papers])
            assert (report.added, report.removed, report.unchanged) == (0, 0, 3)
            assert (report.moved_sources, report.gone_sources) == (moved, ())
            assert index.catalog.roots() == {str(papers): ""}
        assert (_chunks(index), index.embedder.texts) == (before, embedded)  # type: ignore[attr-defined]
        assert index_contents(index.directory).stale == ()
        assert source_file(index.directory, "sub/b.md") == papers / "sub" / "b.md"
        assert index_contents(index.directory).patterns == ((str(papers), PathPatterns(include=("*.md",))),)
        assert index.verify().is_sound
        _write(papers, "new.md")
        assert index_folder(index, [papers / "sub"]).added == 1


def test_the_report_and_the_plan_tell_of_the_move_and_what_changed_meanwhile_is_synced(tmp_path: Path) -> None:
    docs, papers = _write(tmp_path / "docs", "a.md", "b.md", "c.md", "d.md"), tmp_path / "papers"
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        docs.rename(papers)
        (papers / "a.md").unlink()
        (papers / "b.md").write_text("something else")
        _write(papers, "new.md")
        plan = plan_folder(index.catalog, index.name, [papers])
        assert plan.moved_sources == ((str(docs), str(papers)),)
        assert (plan.added, plan.changed, plan.removed, plan.unchanged) == (("new.md",), ("b.md",), ("a.md",), 2)
        assert index.catalog.roots() == {str(docs): ""}
        report = index_folder(index, [papers])
        assert (report.added, report.changed, report.removed, report.unchanged) == (1, 1, 1, 2)
        assert report.moved_sources == plan.moved_sources
        assert index.paths() == ["b.md", "c.md", "d.md", "new.md"]


def test_less_than_half_of_the_files_is_another_folder(tmp_path: Path) -> None:
    docs, papers = _write(tmp_path / "docs", "a.md", "b.md", "c.md"), _write(tmp_path / "papers", "a.md", "x.md")
    (papers / "b.md").write_text("a text of another length")
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        shutil.rmtree(docs)
        report = index_folder(index, [papers])
        assert (report.moved_sources, report.gone_sources) == ((), (str(docs),))
        assert index.paths() == ["a.md", "b.md", "c.md", "papers/a.md", "papers/b.md", "papers/x.md"]


def test_a_folder_whose_old_place_is_still_there_is_another_one(tmp_path: Path) -> None:
    docs = _write(tmp_path / "docs", "a.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        shutil.copytree(docs, tmp_path / "papers")
        report = index_folder(index, [tmp_path / "papers"])
        assert (report.moved_sources, report.gone_sources) == ((), ())
        assert index.paths() == ["a.md", "papers/a.md"]


def test_of_several_places_and_folders_those_that_suit_each_other_best_are_the_same(tmp_path: Path) -> None:
    one = _write(tmp_path / "one", "a.md", "b.md", "c.md")
    two = _write(tmp_path / "two", "a.md", "b.md", "d.md", "e.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [one, two])
        (tmp_path / "new").mkdir()
        one.rename(tmp_path / "new" / "first")
        two.rename(tmp_path / "new" / "second")
        report = index_folder(index, [tmp_path / "new" / "second", tmp_path / "new" / "first"])
        assert dict(report.moved_sources) == {
            str(one): str(tmp_path / "new" / "first"),
            str(two): str(tmp_path / "new" / "second"),
        }
        assert (report.added, report.removed, report.unchanged) == (0, 0, 7)


def test_of_two_copies_that_are_gone_one_takes_the_new_place_and_the_other_stays(tmp_path: Path) -> None:
    one, two = _write(tmp_path / "one", "a.md"), _write(tmp_path / "two", "a.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [one, two])
        (tmp_path / "new").mkdir()
        two.rename(tmp_path / "new" / "two")
        shutil.rmtree(one)
        report = index_folder(index, [tmp_path / "new" / "two"])
        assert report.moved_sources == ((str(two), str(tmp_path / "new" / "two")),)
        assert report.gone_sources == (str(one),)
        assert index.paths() == ["a.md", "two/a.md"]


def test_a_file_that_was_given_by_itself_is_found_again_by_its_name(tmp_path: Path) -> None:
    docs = _write(tmp_path / "docs", "a.md", "b.md")
    with _open(tmp_path / "index") as index:
        index.catalog.change_roots(added={str(docs / "b.md"): ""}, moved={}, facts={})  # as an older agentkit did
        index_folder(index, [docs / "a.md", docs / "b.md"])
        docs.rename(tmp_path / "papers")
        (tmp_path / "papers" / "a.md").rename(tmp_path / "papers" / "other.md")
        report = index_folder(index, [tmp_path / "papers" / "b.md", tmp_path / "papers" / "other.md"])
        assert report.moved_sources == ((str(docs / "b.md"), str(tmp_path / "papers" / "b.md")),)
        assert index.paths() == ["a.md", "b.md", "other.md"]
        assert source_file(index.directory, "b.md") == tmp_path / "papers" / "b.md"


def test_a_folder_of_one_file_is_not_that_file(tmp_path: Path) -> None:
    docs = _write(tmp_path / "docs", "a.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        docs.rename(tmp_path / "papers")
        assert index_folder(index, [tmp_path / "papers" / "a.md"]).moved_sources == ()


def test_a_new_place_inside_of_another_folder_of_the_index_is_a_part_of_that(tmp_path: Path) -> None:
    docs, other = _write(tmp_path / "docs", "a.md"), _write(tmp_path / "other", "x.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs, other])
        docs.rename(other / "docs")
        report = index_folder(index, [other / "docs"])
        assert (report.moved_sources, report.gone_sources) == ((), (str(docs),))
        assert index.catalog.roots() == {str(docs): "", str(other): "other/"}


def test_what_moved_out_of_its_own_place_is_no_larger_folder(tmp_path: Path) -> None:
    inner = _write(tmp_path / "docs" / "inner", "a.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [inner])
        (inner / "a.md").rename(tmp_path / "docs" / "a.md")
        inner.rmdir()
        assert index_folder(index, [tmp_path / "docs"]).moved_sources == ((str(inner), str(tmp_path / "docs")),)


def test_a_larger_folder_than_one_that_is_gone_is_refused_with_the_way_to_drop_that(tmp_path: Path) -> None:
    inner = _write(tmp_path / "docs" / "inner", "a.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [inner])
        inner.rename(tmp_path / "docs" / "renamed")
        with pytest.raises(IndexingError, match=f"agentkit indexes forget index {inner}"):
            index_folder(index, [tmp_path / "docs"])
        index.forget(str(inner))
        assert index_folder(index, [tmp_path / "docs"]).added == 1


def test_patterns_that_suit_no_file_leave_the_folder_at_its_old_place(tmp_path: Path) -> None:
    docs, papers = _write(tmp_path / "docs", "a.md"), tmp_path / "papers"
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        docs.rename(papers)
        with pytest.raises(DocumentError, match="check the patterns"):
            index_folder(index, [papers], patterns=PathPatterns(include=("*.nope",)))
        assert index.catalog.roots() == {str(docs): ""}
        assert index_folder(index, [papers], patterns=PathPatterns(include=("*.md",))).unchanged == 1


def test_what_is_forgotten_stays_so_at_the_new_place_and_can_come_back(tmp_path: Path) -> None:
    docs, papers = _write(tmp_path / "docs", "a.md", "b.md"), tmp_path / "papers"
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        index.forget("b.md")
        docs.rename(papers)
        assert [each.path for each in index_folder(index, [papers]).skipped] == ["b.md"]
        index.forget("a.md")
        index.remember("a.md")
        index.remember("b.md")
        assert index_folder(index, [papers]).added == 2


def test_a_sync_that_was_interrupted_before_or_in_the_move_goes_on_and_embeds_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs, papers = _write(tmp_path / "docs", "a.md", "b.md"), tmp_path / "papers"

    def fail(*_: object, **__: object) -> list[str]:
        raise KeyboardInterrupt

    with _open(tmp_path / "index") as index:
        with monkeypatch.context() as failing:
            failing.setattr(Catalog, "publish", fail)
            for place in (docs, papers):
                with pytest.raises(KeyboardInterrupt):
                    index_folder(index, [place])
                docs.rename(papers) if docs.exists() else _write(papers, "c.md")
        assert index.catalog.roots() == {str(papers): ""}
        assert index_folder(index, [papers]).added == 3
        assert index.paths() == ["a.md", "b.md", "c.md"]
        assert index.embedder.texts == 3  # type: ignore[attr-defined]


def test_a_move_is_written_as_a_whole(tmp_path: Path) -> None:
    docs, papers = _write(tmp_path / "docs", "a.md"), tmp_path / "papers"
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs], patterns=PathPatterns(include=("*.md",)))
        docs.rename(papers)
        with pytest.raises(sqlite3.ProgrammingError):
            index.catalog.change_roots(added={}, moved={str(docs): str(papers)}, facts={"patterns": object()})  # type: ignore[dict-item]
        assert index.catalog.roots() == {str(docs): ""}
        assert index.catalog.known_files(str(docs)).keys() == {"a.md"}


def test_a_folder_of_an_index_is_dropped_whole_and_can_be_indexed_again(tmp_path: Path) -> None:
    docs, letters = _write(tmp_path / "docs", "a.md"), _write(tmp_path / "letters", "b.md", "c.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        index_folder(index, [letters], patterns=PathPatterns(exclude=("c.md",)))
        index.forget("letters")  # which says that nothing of this name comes back
        shutil.rmtree(letters)
        report = index.forget(f"{letters}/")
        assert report.paths == ()
        assert index.catalog.roots() == {str(docs): ""}
        other = _write(tmp_path / "elsewhere" / "letters", "b.md", "c.md")
        assert index_folder(index, [other]).added == 2
        assert index.forget(str(other)).paths == ("letters/b.md", "letters/c.md")
        assert index.search("text of b.md", k=9)[0].path == "a.md"
        assert index.verify().is_sound
        assert index.forget(str(docs)).chunks == 1
        assert (index.chunk_count, summarise_index(index.directory).sources) == (0, ())
        assert index_folder(index, [other]).added == 2
        assert index.paths() == ["b.md", "c.md"]
        assert index_contents(index.directory).patterns == ()


def test_what_is_forgotten_of_a_folder_stays_away_when_that_was_dropped(tmp_path: Path) -> None:
    docs = _write(tmp_path / "docs", "a.md", "secret.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        index.forget("secret.md")
        index.forget(str(docs))
        index_folder(index, [docs])
        assert index.paths() == ["a.md"]


def test_an_empty_folder_that_had_files_is_refused_and_loses_nothing(tmp_path: Path) -> None:
    docs, other = _write(tmp_path / "docs", "a.md", "sub/b.md"), _write(tmp_path / "other", "x.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        shutil.rmtree(docs)
        docs.mkdir()
        for sources in ([docs], [other, docs], [docs, other]):
            for patterns in (None, PathPatterns(include=("*.md",))):
                with pytest.raises(DocumentError, match=f"{docs} is empty.* 2 files.*forget index {docs}"):
                    index_folder(index, sources, patterns=patterns)
                with pytest.raises(DocumentError, match="is empty"):
                    plan_folder(index.catalog, index.name, sources, patterns=patterns)
        with pytest.raises(DocumentError, match="is empty"):
            index_folder(index, [docs], is_full=True)
        assert (index.paths(), index.catalog.roots()) == (["a.md", "sub/b.md"], {str(docs): ""})
        _write(docs, "a.md", "sub/b.md")
        assert index_folder(index, [docs]).unchanged == 2
        shutil.rmtree(docs)
        docs.mkdir()
        assert index.forget(str(docs)).paths == ("a.md", "sub/b.md")
        with pytest.raises(DocumentError, match="no file to index"):
            index_folder(index, [docs])


@pytest.mark.parametrize("left", [".hidden", "sub/", "empty.md"])
def test_a_folder_that_is_not_wholly_empty_loses_the_files_that_were_deleted(tmp_path: Path, left: str) -> None:
    docs = _write(tmp_path / "docs", "a.md")
    with _open(tmp_path / "index") as index:
        index_folder(index, [docs])
        (docs / "a.md").unlink()
        (docs / left).mkdir() if left.endswith("/") else (docs / left).touch()
        assert index_folder(index, [docs]).removed == 1
        assert index.paths() == []
        if left == "sub/":
            (docs / left).rmdir()
            with pytest.raises(DocumentError, match="no file to index"):
                index_folder(index, [docs])
