"""The walk: regular files inside of the folder, in order, and a reason for what is left out."""

import os
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.errors import DocumentError
from agentkit.loaders import FileEntry, PathPatterns, walk
from agentkit.results import SkippedFile


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def found(root: Path) -> list[str]:
    return [entry.relative for entry in walk(root, max_file_bytes=1000) if isinstance(entry, FileEntry)]


def skipped(root: Path) -> dict[str, str]:
    return {entry.path: entry.reason for entry in walk(root, max_file_bytes=1000) if isinstance(entry, SkippedFile)}


def test_files_come_in_the_order_of_their_names_with_what_tells_them_apart(tmp_path: Path) -> None:
    write(tmp_path, "b/two.txt", "b/a/deep.txt", "a.txt", "c.txt")
    assert found(tmp_path) == ["a.txt", "c.txt", "b/two.txt", "b/a/deep.txt"]
    entry = next(iter(walk(tmp_path, max_file_bytes=1000)))
    status = (tmp_path / "a.txt").stat()
    assert entry == FileEntry(tmp_path / "a.txt", "a.txt", status.st_size, status.st_mtime_ns)


def test_a_root_that_is_a_file_gives_that_file(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    assert found(tmp_path / "a.txt") == ["a.txt"]


def test_a_root_that_cannot_be_walked_says_why(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for root, reason in (("gone", "does not exist"), ("loop", "cannot be read"), ("x" * 5000, "cannot be read")):
        with pytest.raises(DocumentError, match=reason):
            found(tmp_path / root)


def test_hidden_files_and_folders_are_left_out_in_silence(tmp_path: Path) -> None:
    write(tmp_path, ".env", ".git/config", "a/.secret", "a/b.txt")
    assert found(tmp_path) == ["a/b.txt"]
    assert skipped(tmp_path) == {}


def test_a_link_is_followed_only_to_a_visible_file_of_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(tmp_path, "outside.txt", "root/a.txt", "root/.env", "root/sub/b.txt")
    for name, target in {
        "inside": "a.txt", "out": "../outside.txt", "absolute": "/etc/passwd", "gone": "nowhere", "loop": "loop",
        "folder": "sub", "up": ".", "secret": ".env",
    }.items():  # fmt: skip
        (root / name).symlink_to(target)
    assert found(root) == ["a.txt", "inside", "sub/b.txt"]
    reasons = skipped(root)
    assert reasons.pop("loop").startswith("cannot be read")
    assert reasons == {
        "out": "symbolic link that leads out of the folder",
        "absolute": "symbolic link that leads out of the folder",
        "gone": "symbolic link to nothing",
        "folder": "symbolic link to a folder",
        "up": "symbolic link to a folder",
        "secret": "symbolic link to a hidden file",
    }


def test_pipes_sockets_empty_and_large_files_are_named_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path may be 108 bytes long
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        Path("empty.txt").touch()
        Path("large.txt").write_bytes(bytes(1001))
        assert skipped(tmp_path) == {
            "pipe": "not a regular file",
            "socket": "not a regular file",
            "empty.txt": "empty file",
            "large.txt": "1,001 bytes, over the limit of 1,000 (index.max_file_bytes)",
        }


def test_a_name_that_is_not_utf8_is_shown_and_does_not_stop_the_walk(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")).write_text("x")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    write(tmp_path, "z.txt")
    assert found(tmp_path) == ["z.txt"]
    assert skipped(tmp_path) == {"\\udcff.txt": "its name is not valid UTF-8: rename it"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "closed/b.txt")
    (tmp_path / "closed").chmod(0)
    try:
        assert skipped(tmp_path) == {"closed": "folder cannot be listed: Permission denied"}
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_folders_nested_deeper_than_the_stack_are_walked() -> None:
    root = Path(
        tempfile.mkdtemp()
    )  # not pytest's own, which it clears with a function that calls itself for every level
    try:
        folder = os.open(root, os.O_RDONLY)
        for _ in range(1500):
            os.mkdir("d", dir_fd=folder)
            inner = os.open("d", os.O_RDONLY, dir_fd=folder)
            os.close(folder)
            folder = inner
        os.close(folder)
        write(root, "a.txt")
        assert found(root) == ["a.txt"]
    finally:
        subprocess.run(["rm", "-rf", str(root)], check=True)


def test_ignore_files_are_respected_at_every_level(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "a.log", "build/x.txt", "sub/a.log", "sub/keep.log", "sub/private/x.txt", "sub/b.txt")
    (tmp_path / ".gitignore").write_text("*.log\n/build/\n")
    (tmp_path / "sub/.gitignore").write_text("!keep.log\n")
    (tmp_path / "sub/.agentkitignore").write_text("private\n")
    assert found(tmp_path) == ["a.txt", "sub/b.txt", "sub/keep.log"]


def test_agentkitignore_can_take_back_what_gitignore_names(tmp_path: Path) -> None:
    write(tmp_path, "notes.txt", "other.txt")
    (tmp_path / ".gitignore").write_text("*.txt\n")
    (tmp_path / ".agentkitignore").write_text("!notes.txt\n")
    assert found(tmp_path) == ["notes.txt"]


def test_patterns_keep_to_some_files_and_leave_out_others(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "b.txt", "sub/c.md", "sub/d.pdf", "drafts/e.md", "drafts/keep/f.md")
    (tmp_path / "gone.md").symlink_to("nowhere")
    (tmp_path / "gone.txt").symlink_to("nowhere")

    def walked(*, include: str = "", exclude: str = "") -> list[str]:
        patterns = PathPatterns(tuple(include.split()), tuple(exclude.split()))
        entries = walk(tmp_path, max_file_bytes=1000, patterns=patterns)
        return [entry.relative if isinstance(entry, FileEntry) else f"({entry.path})" for entry in entries]

    assert walked(include="*.md", exclude="drafts/") == ["a.md", "(gone.md)", "sub/c.md"]
    assert walked(include="sub/ /b.txt") == ["b.txt", "sub/c.md", "sub/d.pdf"]
    assert walked(include="*.md !c.md", exclude="drafts") == ["a.md", "(gone.md)"]
    assert walked(exclude="*.md *.txt") == ["sub/d.pdf"]
    assert walked(include="*", exclude="!") == walked()
    assert [each.path for each in walk(tmp_path / "b.txt", max_file_bytes=9, patterns=PathPatterns(("*.md",)))] == [
        tmp_path / "b.txt"
    ]


def test_a_link_is_not_followed_to_a_file_that_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "ign/secret.md", "sub/ign.md", "sub/kept.md", "sub/drafts/d.md", "seen.txt")
    (tmp_path / ".gitignore").write_text("ign/\n")
    (tmp_path / "sub/.gitignore").write_text("ign.md\n!kept.md\n")
    for number, target in enumerate(["ign/secret.md", "sub/ign.md", "sub/drafts/d.md", "sub/kept.md", "seen.txt"]):
        (tmp_path / f"link{number}.md").symlink_to(target)
    patterns = PathPatterns(include=("link*.md",), exclude=("drafts/",))
    entries = list(walk(tmp_path, max_file_bytes=1000, patterns=patterns))
    assert [entry.relative for entry in entries if isinstance(entry, FileEntry)] == ["link3.md", "link4.md"]
    assert [entry for entry in entries if isinstance(entry, SkippedFile)] == [
        SkippedFile(f"link{number}.md", "symbolic link to a file that is left out") for number in range(3)
    ]


def test_an_ignore_file_that_is_no_regular_file_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "a/a.txt", "b/b.txt", "c/c.txt")
    os.mkfifo(tmp_path / "a/.gitignore")
    (tmp_path / "b/.gitignore").symlink_to("/dev/zero")
    (tmp_path / "c/.gitignore").mkdir()
    assert found(tmp_path) == ["a/a.txt", "b/b.txt", "c/c.txt"]


def test_lines_that_are_no_pattern_do_not_hide_those_that_are(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "a.log")
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbf*.log\r\n!\r\n[z-a]\r\n\\\r\n\xff\r\n")
    assert found(tmp_path) == ["a.txt"]


@given(st.lists(st.text(alphabet="!/#*?[]\\ a-b.\t^{}|", max_size=9)))
def test_any_ignore_file_can_be_read(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    root = tmp_path_factory.getbasetemp() / "ignored"
    write(root, "a/b.txt")
    (root / ".gitignore").write_text("\n".join(lines))
    assert found(root) in ([], ["a/b.txt"])
