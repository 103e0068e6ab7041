"""`agentkit.workspace`."""

import threading
from pathlib import Path

import pytest

from agentkit import ScriptedModel
from agentkit.embedders import HashingEmbedder
from agentkit.errors import DocumentError, IndexingError, IndexNotFoundError, SettingsError, WorkspaceError
from agentkit.loaders import PathPatterns
from agentkit.settings import Settings
from agentkit.workspace import Workspace, find_root


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "workspace"
    root.mkdir()
    return Workspace(root, Settings(), make_embedder=HashingEmbedder)


def make_documents(folder: Path, **texts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


class TestModels:
    def test_an_embedder_of_the_workspace_is_found_from_everywhere_and_keeps_its_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "agentkit.toml").write_text('[models]\nembedder = "m/emb"\n')
        folder = tmp_path / "m" / "emb"
        folder.mkdir(parents=True)
        for name in ("tokenizer.json", "model.safetensors"):
            (folder / name).touch()
        (folder / "config.json").write_text('{"hidden_size": 3}')
        monkeypatch.chdir(folder)
        workspace = Workspace.open()
        assert workspace.models.embedder().identity.name == workspace.models.embedder_name == "m/emb"


class TestFinding:
    def test_the_nearest_folder_above_is_found(self, tmp_path: Path) -> None:
        (tmp_path / "agentkit.toml").touch()
        inner = tmp_path / "a" / "b"
        inner.mkdir(parents=True)
        assert find_root(inner) == tmp_path

    def test_the_search_ends_at_a_repository(self, tmp_path: Path) -> None:
        (tmp_path / "agentkit.toml").touch()
        (tmp_path / "repository" / ".git").mkdir(parents=True)
        assert find_root(tmp_path / "repository") is None

    def test_a_repository_that_is_a_workspace_is_found(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        (tmp_path / "agentkit.toml").touch()
        assert find_root(tmp_path) == tmp_path

    def test_the_search_ends_at_the_home_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "agentkit.toml").touch()
        home = tmp_path / "home"
        home.mkdir()
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("USERPROFILE", str(home))
        assert find_root(home) is None

    def test_without_one_the_indexes_are_in_the_data_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AGENTKIT_DATA_DIR", str(tmp_path / "data"))
        (tmp_path / ".git").mkdir()
        workspace = Workspace.open(tmp_path)
        assert workspace.root is None
        assert workspace.indexes.directory == tmp_path / "data" / "indexes"

    def test_the_folder_above_is_not_the_one_below_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / ".git").mkdir()
        Workspace.create(tmp_path / "outer" / "inner")
        monkeypatch.chdir(tmp_path / "outer" / "inner")
        assert Workspace.open("..").root is None

    @pytest.mark.parametrize("start", ["nowhere", "~/nowhere"])
    def test_a_folder_that_is_not_there_has_no_workspace(self, start: str) -> None:
        with pytest.raises(WorkspaceError, match="nowhere does not exist"):
            Workspace.open(start)

    def test_wrong_settings_are_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "agentkit.toml").write_text("nonsense = 1\n")
        with pytest.raises(SettingsError, match="nonsense"):
            Workspace.open(tmp_path)


class TestMaking:
    def test_a_new_workspace_opens(self, tmp_path: Path) -> None:
        made = Workspace.create(tmp_path / "new" / "one")
        assert Workspace.open(tmp_path / "new" / "one").root == made.root
        assert (tmp_path / "new" / "one" / "indexes" / ".gitignore").is_file()
        assert (tmp_path / "new" / "one" / "tools" / "README.md").is_file()

    def test_a_workspace_is_not_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "agentkit.toml").write_text("[answer]\npassages = 2\n")
        with pytest.raises(WorkspaceError, match="already"):
            Workspace.create(tmp_path)
        assert "passages = 2" in (tmp_path / "agentkit.toml").read_text()

    def test_files_that_are_there_stay_as_they_are(self, tmp_path: Path) -> None:
        (tmp_path / "tools").mkdir()
        (tmp_path / "tools" / "README.md").write_text("mine")
        Workspace.create(tmp_path)
        assert (tmp_path / "tools" / "README.md").read_text() == "mine"

    def test_an_empty_path_is_not_the_current_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ValueError, match=r"an empty path: give one, or '.' for the current folder"):
            Workspace.create("")
        assert not list(tmp_path.iterdir())

    def test_a_file_in_the_way_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(WorkspaceError, match="cannot make a workspace"):
            Workspace.create(tmp_path / "file")


class TestIndexes:
    def test_a_root_can_be_a_relative_string_and_stays_where_it_was(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        workspace = Workspace("here", Settings(), make_embedder=HashingEmbedder)
        monkeypatch.chdir(make_documents(tmp_path / "docs", a="red fox"))
        assert workspace.index_folder(".").index == "docs"
        assert (tmp_path / "here" / "indexes" / "docs").is_dir()

    @pytest.mark.parametrize("options", [{}, {"per_file": "1"}])
    def test_a_condition_can_be_a_string(self, workspace: Workspace, tmp_path: Path, options: dict[str, str]) -> None:
        workspace.index_folder(make_documents(tmp_path / "docs", a="red fox", b="red whale" * 20))
        chosen = workspace.with_options("search", options)
        with chosen.open_index("docs") as index:
            assert [hit.path for hit in chosen.search("red", index, where="size<100")] == ["a.txt"]
            found = chosen.retriever(index, k=2, model=ScriptedModel(replies=[]), where="size<100").invoke("red")
        assert [document.metadata["path"] for document in found] == ["a.txt"]

    def test_an_index_is_named_after_its_folder(self, workspace: Workspace, tmp_path: Path) -> None:
        report = workspace.index_folder([make_documents(tmp_path / "My notes (2)", a="red fox")])
        assert report.index == "My-notes-2"
        assert workspace.indexes.names() == ["My-notes-2"]

    @pytest.mark.parametrize("count", [0, -1])
    def test_an_answer_from_no_passages_and_no_answers_at_all_are_errors(
        self, workspace: Workspace, tmp_path: Path, count: int
    ) -> None:
        workspace.index_folder([make_documents(tmp_path / "docs", a="red fox")])
        with pytest.raises(ValueError, match=f"passages is {count}: give 1 or more"):
            workspace.ask("What is red?", "docs", passages=count)
        scripted = Workspace(tmp_path, Settings(), make_chat_model=lambda _: ScriptedModel(replies=[]))
        with pytest.raises(ValueError, match=f"count is {count}: give 1 or more"):
            scripted.ask_model_several_times("What is red?", count)

    def test_an_index_can_be_searched(self, workspace: Workspace, tmp_path: Path) -> None:
        workspace.index_folder([make_documents(tmp_path / "docs", a="red fox", b="blue whale")])
        with workspace.open_index("docs") as index:
            assert index.search("a whale", k=1)[0].path == "b.txt"

    def test_a_second_folder_of_the_same_name_is_not_mixed_in(self, workspace: Workspace, tmp_path: Path) -> None:
        workspace.index_folder([make_documents(tmp_path / "one" / "docs", a="red fox")])
        other = make_documents(tmp_path / "two" / "docs", b="blue whale")
        with pytest.raises(IndexingError, match="--name"):
            workspace.index_folder([other])
        assert workspace.index_folder([other], "docs").added == 1

    def test_a_folder_inside_an_indexed_one_syncs_its_index(self, workspace: Workspace, tmp_path: Path) -> None:
        docs = make_documents(tmp_path / "docs", a="red fox")
        workspace.index_folder([docs])
        inner = make_documents(docs / "docs", b="blue whale")
        assert workspace.index_folder([inner]).added == 1

    def test_an_empty_folder_leaves_no_index(self, workspace: Workspace, tmp_path: Path) -> None:
        with pytest.raises(DocumentError, match="no file to index"):
            workspace.index_folder([make_documents(tmp_path / "empty")])
        assert list(workspace.indexes.directory.iterdir()) == []

    def test_a_folder_of_unreadable_files_leaves_no_index(self, workspace: Workspace, tmp_path: Path) -> None:
        docs = make_documents(tmp_path / "docs")
        (docs / "broken.pdf").write_bytes(b"%PDF-1.7 and nothing else")
        report = workspace.index_folder([docs])
        assert [skipped.path for skipped in report.skipped] == ["broken.pdf"]
        assert workspace.indexes.names() == []

    def test_an_index_that_was_emptied_is_kept(self, workspace: Workspace, tmp_path: Path) -> None:
        docs = make_documents(tmp_path / "docs", a="red fox")
        workspace.index_folder([docs])
        (docs / "a.txt").write_text("")
        assert workspace.index_folder([docs]).chunks == 0
        assert workspace.indexes.names() == ["docs"]

    @pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a\\b", "a b", "x" * 65, "-rf"])
    def test_a_name_that_is_no_folder_name_is_refused(self, workspace: Workspace, name: str) -> None:
        with pytest.raises(IndexingError, match="cannot be an index's name"):
            workspace.indexes.folder(name)

    def test_a_misspelt_index_gets_the_nearest_name(self, workspace: Workspace, tmp_path: Path) -> None:
        workspace.index_folder([make_documents(tmp_path / "manuals", a="red fox")])
        with pytest.raises(IndexNotFoundError, match="did you mean 'manuals'"):
            workspace.open_index("manual")

    def test_a_misspelt_index_leaves_nothing_behind(self, workspace: Workspace) -> None:
        with pytest.raises(IndexNotFoundError, match="agentkit index PATH"):
            workspace.open_index("nothing")
        assert not workspace.indexes.directory.exists()

    def test_removing_an_index_leaves_the_documents(self, workspace: Workspace, tmp_path: Path) -> None:
        docs = make_documents(tmp_path / "docs", a="red fox")
        workspace.index_folder([docs])
        workspace.indexes.remove("docs")
        assert workspace.indexes.names() == []
        assert (docs / "a.txt").read_text() == "red fox"

    def test_a_source_is_found_again_from_its_path_in_the_index(self, workspace: Workspace, tmp_path: Path) -> None:
        one = make_documents(tmp_path / "one", a="red fox")
        two = make_documents(tmp_path / "two", a="blue whale")
        workspace.index_folder([one, two], "both")
        with workspace.open_index("both") as index:
            found = {workspace.indexes.source_file("both", path) for path in index.paths()}
        assert found == {one / "a.txt", two / "a.txt"}
        workspace.index_folder([one / "a.txt", two], "single")
        with workspace.open_index("single") as index:
            assert {workspace.indexes.source_file("single", path) for path in index.paths()} == found

    def test_a_watch_follows_its_patterns_to_the_last_file(self, workspace: Workspace, tmp_path: Path) -> None:
        docs = make_documents(tmp_path / "docs", a="red fox", b="blue whale")
        stop = threading.Event()
        rounds = workspace.watch_folder([docs], patterns=PathPatterns(include=("a.*",)), stop=stop)
        first = next(rounds).report
        assert first
        assert first.added == 1
        (docs / "a.txt").unlink()
        gone = next(report for each in rounds if (report := each.report) and not report.unchanged)
        assert (gone.removed, gone.chunks) == (1, 0)
        stop.set()
        assert list(rounds) == []

    def test_a_source_that_is_gone_has_no_file(self, workspace: Workspace, tmp_path: Path) -> None:
        docs = make_documents(tmp_path / "docs", a="red fox")
        workspace.index_folder([docs])
        (docs / "a.txt").unlink()
        assert workspace.indexes.source_file("docs", "a.txt") is None

    def test_a_summary_counts_what_is_there(self, workspace: Workspace, tmp_path: Path) -> None:
        docs = make_documents(tmp_path / "docs", a="red fox", b="")
        workspace.index_folder([docs])
        summary = workspace.indexes.summary("docs")
        assert (summary.file_count, summary.skipped_count, summary.chunk_count) == (1, 1, 1)
        assert (summary.embedder, summary.sources, summary.problem) == ("hashing", (str(docs),), "")

    def test_a_damaged_index_has_a_summary_that_says_so(self, workspace: Workspace) -> None:
        folder = workspace.indexes.directory / "broken"
        folder.mkdir(parents=True)
        (folder / "catalog.sqlite").write_bytes(b"not a database at all" * 100)
        assert "damaged" in workspace.indexes.summary("broken").problem
