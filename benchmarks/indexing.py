"""How fast a folder is indexed and searched, beside LangChain and LlamaIndex.

    python benchmarks/indexing.py FOLDER [--only throughput,scaling,unchanged,cold,recall,queries] [--files N]
        [--langchain PYTHON] [--llamaindex PYTHON]

FOLDER holds HTML pages, such as what Debian's python3-doc, postgresql-doc, sqlite3-doc, git-doc and debian-handbook
install. The peers are `index_langchain.py` and `index_llamaindex.py` of `--peers`, each run by the Python of an
environment that has what it needs. Prints a table and, last, one JSON line. Figures mean something only as ratios
within one run: machines are noisy.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from made_up_index import make_index

from agentkit.chunkers import CHUNKER_NAME
from agentkit.embedders import SentenceTransformerEmbedder
from agentkit.indexes import Index
from agentkit.loaders import load_document
from agentkit.models.store import ModelStore
from agentkit.pipelines.indexing import index_folder

_PARTS = ("throughput", "scaling", "unchanged", "cold", "recall", "queries")
"""In this order: Linux counts what this process has taken before it starts another for that one's peak memory."""
_MODEL = "all-minilm-l6-v2"
_QUERIES = 40


def main() -> None:
    options = _options()
    if options.index_here:
        index_here(options.folder, options.index_here)
        return
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as place:
        for part in sorted(options.only.split(","), key=_PARTS.index):
            figures |= _MEASURES[part](options, Path(place))
    for name, value in figures.items():
        print(f"{name:36} {value:>12.2f}" if isinstance(value, float) else f"{name:36} {value!s:>12}")
    print(json.dumps(figures))


def throughput(options: argparse.Namespace, place: Path) -> dict[str, object]:
    """The same pages by us and by what each peer's documentation shows; everybody's model is loaded before the clock
    starts, while the seconds of processor time are those of whole processes.
    """
    pages = _sample(options.folder, options.files, place / "pages")
    figures: dict[str, object] = {"files": options.files, "kilobytes": _bytes(pages) / 1e3}
    commands = {"agentkit": [sys.executable, __file__, str(pages), "--index-here", str(place / "index")]}
    for peer in ("langchain", "llamaindex"):
        if python := getattr(options, peer):
            script = options.peers / f"index_{peer}.py"
            commands[peer] = [python, str(script), str(pages), str(ModelStore().path(_MODEL))]
    for name, command in commands.items():
        run = _process(command)
        told = json.loads(run["output"].splitlines()[-1])
        figures[f"{name}_chunks"] = told["chunks"]
        figures[f"{name}_chunks_per_s"] = told["chunks_per_s"]
        figures[f"{name}_cpu_ms_per_chunk"] = run["cpu_s"] / told["chunks"] * 1e3
        if name != "agentkit":
            figures[f"times_{name}"] = figures["agentkit_chunks_per_s"] / told["chunks_per_s"]
    return figures


def index_here(pages: Path, directory: Path) -> None:
    """Index the pages in this process and print what the peers' scripts print."""
    embedder = SentenceTransformerEmbedder(ModelStore().path(_MODEL), name=_MODEL)
    embedder.embed_array(["warm-up"] * 8)
    with Index.open(directory, embedder=embedder) as index:
        started = time.perf_counter()
        index_folder(index, [pages])
        seconds = time.perf_counter() - started
        print(json.dumps({"chunks": index.chunk_count, "chunks_per_s": round(index.chunk_count / seconds, 1)}))


def recall(options: argparse.Namespace, place: Path) -> dict[str, object]:
    """Sentences of the pages as queries: how often the passage that one is from is among the ten best, with vectors in
    the precision that is chosen here and in fp32; and how many of fp32's ten best the other finds.
    """
    pages = _sample(options.folder, min(options.files, 60), place / "some")
    folder = ModelStore().path(_MODEL)
    found: dict[str, list[list[str]]] = {}
    shares: dict[str, float] = {}
    for precision in ("auto", "fp32"):
        _command(place, "index", str(pages), "--name", precision, settings={"MODELS__EMBEDDER_PRECISION": precision})
        embedder = SentenceTransformerEmbedder(folder, name=_MODEL)
        with Index.open(place / "data" / "indexes" / precision, embedder=embedder) as index:
            queries = _sentences(index, 200)
            found[precision] = [
                [hit.metadata["chunk_id"] for hit in hits]
                for hits in index.search_all([query for query, _ in queries], k=10)
            ]
            hits = sum(chunk in ten for (_, chunk), ten in zip(queries, found[precision], strict=True))
            shares[precision] = hits / len(queries)
    same = statistics.fmean(
        len(set(chosen) & set(exact)) / max(1, len(exact))
        for chosen, exact in zip(found["auto"], found["fp32"], strict=True)
    )
    return {"recall_at_10": shares["auto"], "recall_at_10_fp32": shares["fp32"], "same_ten_as_fp32": same}


def scaling(options: argparse.Namespace, place: Path) -> dict[str, object]:
    """Ten times the files of about the same text, small enough to be embedded here in minutes."""
    figures: dict[str, object] = {}
    for count in options.scale:
        folder = _small_files(options.folder, place / f"scale{count}", count)
        run = _command(place, "index", str(folder), "--name", f"scale{count}", "--json")
        figures[f"seconds_{count}_files"] = run["seconds"]
        figures[f"cpu_s_{count}_files"] = run["cpu_s"]
        figures[f"megabytes_{count}_files"] = run["megabytes"]
        shutil.rmtree(folder)
    return figures


def unchanged(options: argparse.Namespace, place: Path) -> dict[str, object]:
    """Five thousand files that have not changed, as a command."""
    folder = _small_files(options.folder, place / "unchanged", 5000, words=3)
    _command(place, "index", str(folder), "--name", "unchanged", "--json")
    runs = [_command(place, "index", str(folder), "--name", "unchanged", "--json") for _ in range(3)]
    assert all(run["output"]["files"]["unchanged"] == 5000 for run in runs)
    return {f"unchanged_5000_{name}": min(float(run[name]) for run in runs) for name in ("seconds", "cpu_s")}


def queries(options: argparse.Namespace, _place: Path) -> dict[str, object]:
    """Warm searches in the library, each query new, over vectors that are made up. The indexes are kept in `--kept`."""
    figures: dict[str, object] = {}
    for chunks in options.chunks:
        with make_index(options.kept / f"{CHUNKER_NAME}-{chunks}", options.folder, chunks=chunks) as index:
            asked = [query for query, _ in _sentences(index, _QUERIES * 2)]
            for query in asked[:_QUERIES]:
                index.search(query)
            times = [_timed(index, query) for query in asked[_QUERIES:]]
        figures[f"query_ms_{chunks}_chunks"] = statistics.median(seconds for seconds, _ in times) * 1e3
        figures[f"query_cpu_ms_{chunks}_chunks"] = statistics.median(cpu_s for _, cpu_s in times) * 1e3
        figures[f"query_cpu_ms_{chunks}_chunks_slowest"] = max(cpu_s for _, cpu_s in times) * 1e3
    return figures


def cold(options: argparse.Namespace, place: Path) -> dict[str, object]:
    """`agentkit search` as a whole process."""
    pages = _sample(options.folder, min(options.files, 40), place / "cold")
    _command(place, "index", str(pages), "--name", "cold", "--json")
    runs = [_command(place, "search", "how to open a file", "-i", "cold", "--json") for _ in range(5)]
    return {
        "cold_search_s": statistics.median(float(run["seconds"]) for run in runs),
        "cold_search_cpu_s": statistics.median(float(run["cpu_s"]) for run in runs),
    }


_MEASURES = {each.__name__: each for each in (throughput, scaling, unchanged, cold, recall, queries)}
assert tuple(_MEASURES) == _PARTS


def _command(place: Path, *arguments: str, settings: dict[str, str] | None = None) -> dict[str, Any]:
    """`agentkit` in a process and a folder of its own: what it printed, and what it took."""
    own = {"AGENTKIT_DATA_DIR": str(place / "data"), "AGENTKIT_MODELS__DIRECTORY": str(ModelStore().directory)}
    own |= {f"AGENTKIT_{name}": value for name, value in (settings or {}).items()}
    run = _process([sys.executable, "-m", "agentkit", *arguments], environment=os.environ | own, folder=place)
    return {**run, "output": json.loads(run["output"]) if "--json" in arguments else None}


def _process(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> dict[str, Any]:
    """What a process printed, and what it took: its processor time with that of those it started."""
    started = time.perf_counter()
    process = subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return {
        "output": output,
        "seconds": time.perf_counter() - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "megabytes": usage.ru_maxrss / 1e3,
    }


def _sample(folder: Path, count: int, to: Path) -> Path:
    """So many pages of ordinary size, always the same."""
    pages = sorted(path for path in folder.rglob("*.html") if 2_000 < path.stat().st_size < 40_000)
    for page in random.Random(1).sample(pages, min(count, len(pages))):
        copy = to / page.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, copy)
    return to


def _small_files(folder: Path, to: Path, count: int, *, words: int = 40) -> Path:
    """So many files of some words each, no two of them the same."""
    to.mkdir()
    chosen = random.Random(2)
    pages = chosen.sample(sorted(folder.rglob("*.html")), 60)
    stream = [word for page in pages for word in load_document(page).page_content.split()]
    for number in range(count):
        start = chosen.randrange(len(stream) - words)
        (to / f"{number:05}.txt").write_text(f"Note {number}. {' '.join(stream[start : start + words])}", "utf-8")
    return to


def _sentences(index: Index, count: int) -> list[tuple[str, str]]:
    """Sentences of the index's passages, each with the id of the one that it is from."""
    chosen = random.Random(3)
    found: list[tuple[str, str]] = []
    paths = index.paths()
    while len(found) < count:
        path = chosen.choice(paths)
        text = index.document_text(path)
        chunk = chosen.choice(index.catalog.chunks_of(path))
        sentences = [part.strip() for part in text[chunk.start : chunk.end].replace("\n", " ").split(". ")]
        good = [sentence for sentence in sentences if 5 <= len(sentence.split()) <= 20]
        if good:
            found.append((chosen.choice(good), chunk.id))
    return found


def _timed(index: Index, query: str) -> tuple[float, float]:
    """Seconds, and those of the processor."""
    started, cpu_started = time.perf_counter(), time.process_time()
    index.search(query)
    return time.perf_counter() - started, time.process_time() - cpu_started


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default=",".join(_PARTS))
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--langchain", help="the Python that has LangChain")
    parser.add_argument("--llamaindex", help="the Python that has LlamaIndex")
    parser.add_argument("--peers", type=Path, default=Path(__file__).parents[2] / "shared" / "bench")
    parser.add_argument("--scale", type=_numbers, default=[100, 1000, 10_000], metavar="FILES,…")
    parser.add_argument("--chunks", type=_numbers, default=[1000, 10_000, 100_000], metavar="CHUNKS,…")
    parser.add_argument("--kept", type=Path, default=Path(tempfile.gettempdir()) / "agentkit-made-up")
    parser.add_argument("--index-here", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
