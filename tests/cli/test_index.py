"""`agentkit index`."""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agentkit.embedders import HashingEmbedder
from agentkit.errors import IndexLockedError
from agentkit.loaders.formats import VERSIONS
from agentkit.pipelines.watching import WatchRound
from agentkit.results import IndexReport, SkippedFile
from tests.cli.conftest import Cli, WriteDocuments


def test_the_json_has_the_promised_shape(cli: Cli, docs: Path) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    shape = cli.json("index", docs)
    assert set(shape) == {"index", "files", "chunks", "seconds", "moved_sources", "gone_sources"}
    assert shape["index"] == "docs"
    assert shape["chunks"] == 2
    skipped = shape["files"].pop("skipped")
    assert shape["files"] == {"added": 2, "changed": 0, "reread": 0, "removed": 0, "unchanged": 0}
    assert [file["path"] for file in skipped] == ["broken.pdf"]
    assert skipped[0]["reason"]


def test_a_second_run_finds_nothing_to_do(cli: Cli, docs: Path) -> None:
    cli.json("index", docs)
    assert cli.json("index", docs)["files"] == {
        "added": 0,
        "changed": 0,
        "reread": 0,
        "removed": 0,
        "unchanged": 2,
        "skipped": [],
    }


def test_a_file_that_moved_counts_as_one_added_and_one_removed(cli: Cli, docs: Path) -> None:
    cli.json("index", docs)
    (docs / "whale.txt").rename(docs / "otto.txt")
    files = cli.json("index", docs)["files"]
    assert (files["added"], files["removed"], files["unchanged"]) == (1, 1, 1)


def test_full_reads_unchanged_files_again(cli: Cli, docs: Path) -> None:
    cli.json("index", docs)
    files = cli.json("index", docs, "--full")["files"]
    assert (files["reread"], files["unchanged"]) == (2, 0)


def test_files_that_are_read_differently_now_are_told_apart(
    cli: Cli, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.json("index", docs)
    monkeypatch.setitem(VERSIONS, "markdown", VERSIONS["markdown"] + 1)
    assert cli.json("indexes", "show")["stale"] == [{"path": "lamp.md", "reason": "read differently now"}]
    planned = cli("index", docs, "--dry-run")
    assert [line.split() for line in planned.stdout.splitlines()[1:]] == [["read", "again", "lamp.md"]]
    assert "1 to read again" in planned.stderr
    result = cli("index", docs)
    heading, row = result.stdout.splitlines()
    assert dict(zip(heading.split(), row.split(), strict=True))["reread"] == "1"
    assert "another version of agentkit" in result.stderr
    assert "reread" not in cli("index", docs).stdout


def test_the_summary_is_a_plain_table_and_the_skipped_files_are_notes(cli: Cli, docs: Path) -> None:
    (docs / "broken.docx").write_bytes(b"PK nothing")
    (docs / "empty.md").touch()
    result = cli("index", docs)
    heading, row = result.stdout.splitlines()
    assert dict(zip(heading.split(), row.split(), strict=True))["added"] == "2"
    assert "agentkit: skipped broken.docx: " in result.stderr
    assert "agentkit: skipped empty.md: empty file" in result.stderr
    assert "\x1b" not in result.output


def test_a_file_name_cannot_speak_to_the_terminal(cli: Cli, docs: Path) -> None:
    (docs / "bad\x1b[2J\nname.pdf").write_bytes(b"%PDF-1.7 nothing")
    result = cli("index", docs)
    assert "\x1b" not in result.output
    assert "bad␛[2J␤name.pdf" in result.stderr


def test_a_single_file_can_be_indexed(cli: Cli, docs: Path) -> None:
    assert cli.json("index", docs / "lamp.md", "--name", "lamp")["files"]["added"] == 1


def test_a_path_that_is_not_there_is_named(cli: Cli) -> None:
    assert "no such file or folder: nowhere" in cli.error("index", "nowhere", code=2)


def test_an_empty_folder_is_one_line_and_leaves_nothing(cli: Cli, workspace: Path) -> None:
    (workspace / "empty").mkdir()
    assert "no file to index" in cli.error("index", "empty")
    assert cli.json("indexes", "list") == []


def test_a_folder_without_a_readable_file_is_one_line_and_leaves_nothing(cli: Cli, workspace: Path) -> None:
    (workspace / "bad").mkdir()
    (workspace / "bad" / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    result = cli("index", "bad")
    assert result.exit_code == 1
    assert "skipped broken.pdf" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("agentkit: error: nothing to index in bad: none of its files")
    assert cli.json("indexes", "list") == []


@pytest.mark.parametrize("name", ["../up", "a/b", ".."])
def test_a_name_that_leads_elsewhere_is_refused(cli: Cli, docs: Path, name: str) -> None:
    assert "cannot be an index's name" in cli.error("index", docs, "--name", name)


def test_another_folder_of_the_same_name_is_not_mixed_in(
    cli: Cli, docs: Path, workspace: Path, write_documents: WriteDocuments
) -> None:
    cli.json("index", docs)
    other = write_documents(workspace / "other" / "docs", [("a.txt", "else")])
    message = cli.error("index", other)
    assert "--name" in message
    assert str(docs) in message


def test_a_folder_that_was_moved_keeps_its_index_and_every_form_says_so(cli: Cli, docs: Path, workspace: Path) -> None:
    cli.json("index", docs)
    moved = workspace / "moved" / "docs"
    moved.parent.mkdir()
    docs.rename(moved)
    told = f"agentkit: documents of {docs} are now at {moved}"
    assert told in cli("index", moved, "--dry-run").stderr.splitlines()
    assert cli.json("index", moved, "--dry-run")["moved_sources"] == [{"from": str(docs), "to": str(moved)}]
    result = cli("index", moved)
    assert told in result.stderr.splitlines()
    assert cli.json("indexes", "show", "docs")["sources"] == [str(moved)]
    again = moved.rename(workspace / "docs")
    shape = cli.json("index", again)
    assert (shape["moved_sources"], shape["gone_sources"]) == ([{"from": str(moved), "to": str(again)}], [])
    assert shape["files"]["unchanged"] == 2


def test_a_folder_that_was_renamed_makes_no_second_index_by_mistake(cli: Cli, docs: Path, workspace: Path) -> None:
    cli.json("index", docs)
    papers = docs.rename(workspace / "papers")
    for option in ("--dry-run", "--json"):
        message = cli.error("index", papers, option)
        assert f"{papers} was {docs} when the index docs was made of it" in message
        assert "--name docs" in message
        assert "--name papers" in message
    assert cli.json("index", papers, "--name", "papers")["files"]["added"] == 2
    assert cli.json("index", papers, "--name", "docs")["files"]["unchanged"] == 2


def test_a_folder_that_is_gone_can_be_dropped_and_the_commands_say_how(
    cli: Cli, docs: Path, workspace: Path, write_documents: WriteDocuments
) -> None:
    letters = write_documents(workspace / "the letters", [("a.txt", "a letter")])
    cli.json("index", docs, letters, "--name", "all")
    shutil.rmtree(letters)
    how = f"agentkit indexes forget all '{letters}'"
    assert cli("index", docs, "--name", "all").stderr.splitlines()[-1].endswith(f"drop it with: {how}")
    assert cli.json("index", docs, "--name", "all")["gone_sources"] == [str(letters)]
    assert cli.json("indexes", "show", "all")["gone_sources"] == [str(letters)]
    assert how in " ".join(cli("indexes", "show", "all").stdout.split())
    assert cli.json("indexes", "forget", "all", letters, "--yes")["paths"] == ["the letters/a.txt"]
    assert cli.json("indexes", "show", "all")["sources"] == [str(docs)]
    assert cli.json("indexes", "remember", "all") == {"forgotten": []}
    assert cli.json("index", docs, "--name", "all")["gone_sources"] == []


def test_an_empty_folder_that_had_files_is_refused_with_what_to_do(cli: Cli, docs: Path) -> None:
    cli.json("index", docs)
    shutil.rmtree(docs)
    docs.mkdir()
    for option in ("--full", "--dry-run", "--json"):
        message = cli.error("index", docs, option)
        assert f"{docs} is empty, and the index docs holds 2 files of it" in message
        assert message.endswith(f"agentkit indexes forget docs {docs}")
    assert cli.json("search", "whale")[0]["path"] == "whale.txt"


def test_an_index_that_is_being_written_says_by_whom(cli: Cli, docs: Path, workspace: Path) -> None:
    from agentkit.indexes.lock import writer_lock

    cli.json("index", docs)
    with writer_lock(workspace / "indexes" / "docs"):
        assert "process" in cli.error("index", docs)
        assert cli.json("search", "whale")[0]["path"] == "whale.txt"


def test_an_interrupted_run_says_that_nothing_is_lost_and_goes_on(cli: Cli, docs: Path) -> None:
    class Interrupted(HashingEmbedder):
        def embed_array(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise KeyboardInterrupt

    cli.make_embedder = Interrupted
    result = cli("index", docs)
    assert result.exit_code == 130
    assert "nothing is lost" in result.stderr
    assert result.stderr.endswith("agentkit: interrupted\n")
    cli.make_embedder = HashingEmbedder
    cli.json("index", docs)
    assert cli.json("search", "whale")[0]["path"] == "whale.txt"


def test_a_dry_run_lists_files_with_reasons_and_makes_nothing(cli: Cli, docs: Path, workspace: Path) -> None:
    (docs / "empty.md").touch()
    result = cli("index", docs, "--dry-run")
    assert [line.split(maxsplit=2) for line in result.stdout.splitlines()[1:]] == [
        ["add", "lamp.md"], ["add", "whale.txt"], ["skip", "empty.md", "empty file"],
    ]  # fmt: skip
    assert "2 to add" in result.stderr
    assert not (workspace / "indexes" / "docs").exists()
    cli.json("index", docs)
    (docs / "whale.txt").rename(docs / "otto.txt")
    (docs / "lamp.md").unlink()
    assert cli.json("index", docs, "--dry-run") == {
        "index": "docs",
        "files": {
            "added": [],
            "changed": [],
            "reread": [],
            "moved": [{"from": "whale.txt", "to": "otto.txt"}],
            "removed": ["lamp.md"],
            "unchanged": 0,
            "skipped": [{"path": "empty.md", "reason": "empty file"}],
        },
        "moved_sources": [],
        "gone_sources": [],
    }
    assert cli.json("search", "whale")[0]["path"] == "whale.txt"


def test_patterns_keep_to_some_files_and_are_remembered(cli: Cli, docs: Path) -> None:
    assert cli.json("index", docs, "--include", "*.md")["files"]["added"] == 1
    assert cli.json("index", docs)["files"]["unchanged"] == 1
    assert cli.json("index", docs, "--exclude", "*.md")["files"] == {
        "added": 1, "changed": 0, "reread": 0, "removed": 1, "unchanged": 0, "skipped": [],
    }  # fmt: skip


def test_patterns_that_no_file_suits_change_nothing(cli: Cli, docs: Path, workspace: Path) -> None:
    cli.json("index", docs, "--exclude", "*.md")
    for options in (), ("--dry-run",), ("--name", "new"):
        refusal = cli.error("index", docs, "--include", "*.nope", "--exclude", "a b", *options)
        assert "suits --include '*.nope' --exclude 'a b': check the patterns" in refusal
    assert not (workspace / "indexes" / "new").exists()
    assert cli.json("index", docs)["files"]["unchanged"] == 1


def test_remembered_patterns_that_leave_nothing_are_named_with_the_way_back(cli: Cli, docs: Path) -> None:
    cli.json("index", docs, "--include", "*.md")
    (docs / "lamp.md").unlink()
    assert "only files that suit --include '*.md' are read, as remembered: --include '*' takes all" in cli.error(
        "index", docs
    )
    assert cli.json("index", docs, "--include", "*")["files"]["added"] == 1


@pytest.mark.parametrize("pattern", ["[", "", "#a", "!", "!*.md"])
@pytest.mark.parametrize("option", ["--include", "--exclude"])
def test_what_is_no_pattern_is_refused_before_anything_is_done(cli: Cli, docs: Path, option: str, pattern: str) -> None:
    cli.json("index", docs)
    assert repr(pattern) in cli.error("index", docs, option, pattern, code=2)
    assert cli.json("index", docs)["files"]["unchanged"] == 2
    assert cli.json("index", docs, option, "*", option, "!*.md")["chunks"] == 1


def test_progress_as_json_is_an_object_a_line_on_stderr(cli: Cli, docs: Path) -> None:
    (docs / "empty.md").touch()
    result = cli("index", docs, "--progress", "json", "--json")
    events = [json.loads(line) for line in result.stderr.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds == ["progress"] * (len(kinds) - 2) + ["skipped", "done"]
    last = events[-3]
    assert (last["files_done"], last["files_total"], last["chunks"], last["seconds_left"]) == (2, 2, 2, 0)
    assert set(last) == {
        "event", "files_done", "files_total", "chunks", "path", "seconds", "files_per_second", "seconds_left",
    }  # fmt: skip
    assert events[-2] == {"event": "skipped", "path": "empty.md", "reason": "empty file"}
    assert {"event": "done", **json.loads(result.stdout)} == events[-1]


def test_options_that_do_not_go_together_are_named(cli: Cli, docs: Path) -> None:
    assert "--watch and --dry-run" in cli.error("index", docs, "--watch", "--dry-run", code=2)
    assert "--watch and --full" in cli.error("index", docs, "--watch", "--full", code=2)


def test_a_watch_tells_each_round_and_goes_on_after_an_error(
    cli: Cli, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = [
        WatchRound(IndexReport("docs", added=2, chunks=2, skipped=(SkippedFile("a.md", "empty file"),), seconds=0.25)),
        WatchRound(None, IndexLockedError("somebody writes it"), frozenset({docs / "b.md"})),
        WatchRound(None, IndexLockedError("somebody writes it")),  # after half a minute, and so on: told once
        WatchRound(
            IndexReport(
                "docs", unchanged=2, chunks=2, skipped=(SkippedFile("a.md", "empty file"),), gone_sources=("/gone",)
            )
        ),
        WatchRound(IndexReport("docs", unchanged=2, chunks=2, gone_sources=("/gone",))),
    ]

    def watched(*_: object, **__: object) -> Iterator[WatchRound]:
        yield from rounds
        raise KeyboardInterrupt

    monkeypatch.setattr("agentkit.workspace.Workspace.watch_folder", watched)
    result = cli("index", docs, "--watch")
    assert result.exit_code == 130
    assert [line.split(maxsplit=1)[1] for line in result.stdout.splitlines()] == [
        "docs: 2 added, 1 skipped; 2 chunks in 0.2 s"
    ]
    assert result.stderr.count("somebody writes it") == 1
    assert result.stderr.count("agentkit indexes forget docs /gone") == 1
    assert [line for line in result.stderr.splitlines() if line][:4] == [
        "agentkit: skipped a.md: empty file",
        "agentkit: watching: Ctrl-C ends it",
        f"agentkit: {docs / 'b.md'} is still being written: it waits",
        "agentkit: error: somebody writes it. The watch goes on",
    ]
