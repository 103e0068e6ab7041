"""Odd and hostile files and folders, each indexed in a process of its own beside a good file.

`python -m benchmarks.odd_files` prints a table, and JSON with `--json`. A case passes where the run ends by itself,
within 10 s and 1 GB (of all its processes together), every odd file is named with a reason or indexed, and the good
file is indexed. `--worst N` shows the N slowest. The single files are those of tests/unit/loaders/test_odd_files.py.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from tests.unit.loaders import samples
from tests.unit.loaders.test_odd_files import ODD

LONGEST_S = 10.0
MOST_BYTES = 1_000_000_000
_GIVEN_UP_S = 60.0
GOOD = "good.md"
Made = tuple[set[str], set[str]]
"""Names that must be skipped with a reason, and names that must be indexed."""


def _links(folder: Path) -> Made:
    (folder / "sub").mkdir()
    for name, target in {"loop": "loop", "ping": "pong", "pong": "ping", "gone": "nowhere", "out": "/etc/passwd",
                         "up": ".", "sub/again": "..", "inside": GOOD}.items():  # fmt: skip
        (folder / name).symlink_to(target)
    return {"loop", "ping", "pong", "gone", "out", "up", "sub/again"}, {"inside"}


def _special(folder: Path) -> Made:
    os.mkfifo(folder / "pipe.txt")
    here = Path.cwd()
    os.chdir(folder)  # a socket's path may be 108 bytes long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.txt")
    os.chdir(here)
    made = {"pipe.txt", "socket.txt"}
    if os.geteuid() == 0:
        os.mknod(folder / "zero.txt", 0o600 | 0o020000, os.makedev(1, 5))
        made.add("zero.txt")
    return made, set()


def _names(folder: Path) -> Made:
    names = {"new\nline.txt", "escape\x1b[2J.txt", "bidi\u202egnp.txt", "quote\"'.txt", "-rf", " ", "*.txt", "~",
             "$(id).txt", "e\u0301.txt", "\u00e9.txt", "x" * 250 + ".txt", "a\\b.txt", "CON", "%00.txt"}  # fmt: skip
    for name in names:
        (folder / name).write_text("text")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.txt")).write_text("text")
    return {"\\udcff\\udcfe.txt"}, names


def _deep(folder: Path) -> Made:
    inner = os.open(folder, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d" * 10, dir_fd=inner)
        below = os.open("d" * 10, os.O_RDONLY, dir_fd=inner)
        os.close(inner)
        inner = below
    with os.fdopen(os.open("deep.txt", os.O_WRONLY | os.O_CREAT, dir_fd=inner), "w") as file:
        file.write("text")
    os.close(inner)
    return set(), {("d" * 10 + "/") * 300 + "deep.txt"}


def _unreadable(folder: Path) -> Made:
    """Root may read everything, unless the file system itself fails: /proc/self/mem is such a file."""
    (folder / "secret.txt").write_text("text")
    (folder / "closed").mkdir()
    (folder / "closed" / "a.txt").write_text("text")
    (folder / "secret.txt").chmod(0)
    (folder / "closed").chmod(0)
    return ({"secret.txt", "closed"}, set()) if os.geteuid() else (set(), {"secret.txt", "closed/a.txt"})


def _sparse(folder: Path) -> Made:
    with (folder / "huge.txt").open("wb") as file:
        file.write(b"text\n")
        file.truncate(2_000_000_000)
    return {"huge.txt"}, set()


def _holes(folder: Path) -> Made:
    with (folder / "holes.txt").open("wb") as file:
        file.truncate(40_000_000)
    return {"holes.txt"}, set()


def _one_line(folder: Path) -> Made:
    (folder / "line.txt").write_bytes(b"word " * 10_000_000)
    return {"line.txt"}, set()


def _one_word(folder: Path) -> Made:
    (folder / "word.txt").write_bytes(b"x" * 49_000_000)
    return {"word.txt"}, set()


def _whole_pdf(objects: list[bytes]) -> bytes:
    """A PDF that is in order, with the catalog as its first object."""
    body, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(body))
        body += b"%d 0 obj%bendobj\n" % (number, content)
    at = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(body) + b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, at)


_CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"
_BRANCHES, _LEAVES = 500, 400
_PAGES = _BRANCHES * _LEAVES


def _kids(numbers: Iterable[int], count: int) -> bytes:
    return b"<</Type/Pages/Kids[%b]/Count %d>>" % (b" ".join(b"%d 0 R" % number for number in numbers), count)


def _many_pages(folder: Path) -> Made:
    """As a program would write them: a tree of two levels."""
    first_page = 3 + _BRANCHES
    branches = [
        _kids(range(first_page + at * _LEAVES, first_page + (at + 1) * _LEAVES), _LEAVES) for at in range(_BRANCHES)
    ]
    root = _kids(range(3, first_page), _PAGES)
    (folder / "pages.pdf").write_bytes(_whole_pdf([_CATALOG, root, *branches, *[_PAGE] * _PAGES]))
    return {"pages.pdf"}, set()


def _one_page_often(folder: Path) -> Made:
    """Twelve kilobytes, and the count is a lie."""
    (folder / "pages.pdf").write_bytes(
        _whole_pdf([_CATALOG, _kids([3] * _BRANCHES, 1), _kids([4] * _LEAVES, 1), _PAGE])
    )
    return {"pages.pdf"}, set()


def _encrypted(folder: Path) -> Made:
    from pypdf import PdfReader, PdfWriter

    from tests.unit.loaders.test_pdf import pdf as written

    plain = folder / "plain.pdf"
    plain.write_bytes(written(["a page"]))
    writer = PdfWriter(clone_from=PdfReader(plain))
    writer.encrypt("secret", algorithm="AES-256")
    writer.write(folder / "locked.pdf")
    (folder / "cut.pdf").write_bytes(plain.read_bytes()[:400])
    return {"locked.pdf", "cut.pdf"}, {"plain.pdf"}


def _inflating_pdf(folder: Path) -> Made:
    import zlib

    stream = zlib.compress(b" " * 300_000_000, 9)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>"
    contents = b"<</Length %d/Filter/FlateDecode>>stream\n%b\nendstream\n" % (len(stream), stream)
    (folder / "inflating.pdf").write_bytes(
        _whole_pdf([_CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, contents])
    )
    return {"inflating.pdf"}, set()


def _bomb_docx(folder: Path) -> Made:
    document = b"<w:document xmlns:w='x'>" + b"<w:p/>" * 40_000_000 + b"</w:document>"
    (folder / "bomb.docx").write_bytes(samples.zipped({"word/document.xml": document, "[Content_Types].xml": "<a/>"}))
    return {"bomb.docx"}, set()


def _hostile_code(folder: Path) -> Made:
    made = {"braces.cpp": "{" * 400_000, "less.cpp": "a<" * 200_000, "quotes.ts": "'\"`" * 120_000,
            "minus.py": "-" * 200_000 + "1", "brackets.py": "(" * 100_000}  # fmt: skip
    for name, text in made.items():
        (folder / name).write_text(text)
    return set(), set(made)


def _many_files(folder: Path) -> Made:
    (folder / "many").mkdir()
    for number in range(3000):
        (folder / "many" / f"{number}.txt").touch()
    return {f"many/{number}.txt" for number in range(3000)}, set()


def _ignore_files(folder: Path) -> Made:
    (folder / ".gitignore").write_bytes(b"\xff\n[z-a]\n!\n**" + b"*/" * 5000)
    (folder / "sub").mkdir()
    (folder / "sub" / ".agentkitignore").symlink_to("/dev/zero")
    (folder / "sub" / "a.txt").write_text("text")
    return set(), {"sub/a.txt"}


FOLDERS: dict[str, Callable[[Path], Made]] = {
    "links: loops, dangling, escaping": _links, "FIFO, socket, device": _special, "names": _names,
    "300 levels": _deep, "unreadable": _unreadable, "2 GB, sparse": _sparse, "40 MB of NUL": _holes,
    "one line of 50 MB": _one_line, "one word of 49 MB": _one_word, "PDF of 200,000 pages": _many_pages,
    "PDF of one page 200,000 times": _one_page_often, "PDF encrypted, cut": _encrypted,
    "PDF that inflates": _inflating_pdf,
    "DOCX of 40 million paragraphs": _bomb_docx, "hostile source code": _hostile_code, "3,000 empty files": _many_files,
    "odd ignore files": _ignore_files,
}  # fmt: skip
ONCE_FOUND: dict[str, str] = {
    "vanishes once found": "unlink", "grows once found": "append", "becomes a FIFO": "fifo",
    "becomes a folder": "folder", "becomes a link": "link",
}  # fmt: skip


def run_case(name: str, folder: Path, index: Path) -> None:
    """In the process of its own: index the folder and print what came of it."""
    from agentkit import HashingEmbedder, Index, index_folder
    from agentkit.pipelines.progress import IndexingProgress

    moving = folder / "moving.txt"

    def on_progress(progress: IndexingProgress) -> None:
        # The first is after all files were found and before any is read; later, this one may have been read ahead.
        if progress.files_done == 0 and name in ONCE_FOUND:
            _change(moving, ONCE_FOUND[name])

    started = time.monotonic()
    with Index.open(index, embedder=HashingEmbedder()) as opened:
        report = index_folder(opened, [folder], on_progress=on_progress)
        print(json.dumps({
            "seconds": time.monotonic() - started,
            "indexed": opened.paths(),
            "skipped": {each.path: each.reason for each in report.skipped},
        }))  # fmt: skip


def _change(file: Path, how: str) -> None:
    if how == "append":
        with file.open("a") as more:
            more.write("more\n" * 1000)
        return
    file.unlink()
    if how == "fifo":
        os.mkfifo(file)
    elif how == "folder":
        file.mkdir()
    elif how == "link":
        file.symlink_to("/dev/zero")


def measure(name: str, make: Callable[[Path], Made]) -> dict[str, object]:
    """One case: what it took and what was wrong with it."""
    with tempfile.TemporaryDirectory(prefix="odd-") as place:
        folder = Path(place) / "documents"
        folder.mkdir()
        (folder / GOOD).write_text("# Good\n\nA good file.\n")
        must_skip, must_index = make(folder)
        command = [
            sys.executable,
            "-m",
            "benchmarks.odd_files",
            "--case",
            name,
            str(folder),
            str(Path(place) / "index"),
        ]
        with (Path(place) / "out").open("w+") as said, (Path(place) / "err").open("w+") as errors:
            process = subprocess.Popen(command, stdout=said, stderr=errors, text=True)  # a pipe would fill up
            peak = _watch(process)
            output, problem = (file.read() for file in (said, errors) if not file.seek(0))
        if process.returncode:
            print(problem[-2000:], file=sys.stderr)
        problems = []
        result = json.loads(output) if process.returncode == 0 else {"seconds": 0.0, "indexed": [], "skipped": {}}
        if process.returncode:
            problems.append(f"ended with {process.returncode}")
        skipped, indexed = result["skipped"], set(result["indexed"])
        problems += [f"not named: {each!r}" for each in sorted(must_skip - skipped.keys())[:3]]
        problems += [f"not indexed: {each!r}" for each in sorted((must_index | {GOOD}) - indexed)[:3]]
        problems += [f"no reason: {each!r}" for each, reason in skipped.items() if not reason or "\n" in reason]
        if result["seconds"] > LONGEST_S:
            problems.append("too slow")
        if peak > MOST_BYTES:
            problems.append("too much memory")
        subprocess.run(["rm", "-rf", str(folder)], check=True)  # Python's own is stopped by 300 levels
        return {
            "case": name, "seconds": round(result["seconds"], 2), "peak_mb": round(peak / 1e6),
            "reason": next((skipped[each] for each in sorted(must_skip) if each in skipped), ""), "problems": problems,
        }  # fmt: skip


def _watch(process: "subprocess.Popen[str]") -> int:
    """Most memory of the process and its children together, until it ends."""
    peak = 0
    tree = psutil.Process(process.pid)
    started = time.monotonic()
    while process.poll() is None:
        if time.monotonic() - started > _GIVEN_UP_S:
            for each in (*tree.children(recursive=True), tree):
                each.kill()
        try:
            taken = sum(each.memory_info().rss for each in (tree, *tree.children(recursive=True)))
            peak = max(peak, taken)
        except psutil.Error:
            pass
        time.sleep(0.02)
    return peak


def _of_file(name: str, content: bytes) -> Callable[[Path], Made]:
    from tests.unit.loaders.test_odd_files import READABLE

    def make(folder: Path) -> Made:
        (folder / name).write_bytes(content)
        return (set(), {name}) if name in READABLE else ({name}, set())

    return make


def _moving(how: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        (folder / "moving.txt").write_text("text\n" * 100)
        return (set(), {"moving.txt"}) if how == "append" else ({"moving.txt"}, set())

    return make


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", nargs=3, metavar=("NAME", "FOLDER", "INDEX"), help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--worst", type=int, default=0, help="show only so many, the slowest")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.case:
        run_case(options.case[0], Path(options.case[1]), Path(options.case[2]))
        return
    cases = {**FOLDERS, **{name: _moving(how) for name, how in ONCE_FOUND.items()}}
    cases |= {name: _of_file(name, content) for name, content in ODD.items()}
    results = []
    for name, make in cases.items():
        if options.only in name:
            results.append(measure(name, make))
            print(".", end="", flush=True, file=sys.stderr)
    failed = [each for each in results if each["problems"]]
    shown = sorted(results, key=lambda each: -float(str(each["seconds"])))[: options.worst or None]
    if options.json:
        print(json.dumps(results, indent=2, ensure_ascii=True))
    else:
        print(f"\n{'case':32} {'s':>6} {'MB':>6}  what came of it")
        for each in shown:
            shown_problem = "; ".join(map(str, each["problems"])) if each["problems"] else ""  # type: ignore[arg-type]
            came = f"FAILED {shown_problem}" if shown_problem else each["reason"] or "indexed"
            print(f"{each['case']!s:32} {each['seconds']:>6} {each['peak_mb']:>6}  {came}")
    print(f"{len(results)} cases, {len(failed)} failed", file=sys.stderr)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
