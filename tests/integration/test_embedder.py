"""The real embedder: its ways of computing agree with those of sentence-transformers, which few of them need."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from agentkit import SentenceTransformerEmbedder
from agentkit.embedders.bert import BertEncoder, can_encode
from agentkit.embedders.packed_bert import PackedBertEncoder
from agentkit.errors import ModelLoadError

pytestmark = pytest.mark.model

_TEXTS = [
    "how do sockets work?", "x", "", "   ", "H\u2082O and na\u00efve caf\u00e9s", "\u65e5\u672c\u8a9e\u306e\u6587",
    "def main() -> int:\n    return 0", "| a | b |\n| --- | --- |", "The sluice gate weighs 1,340 kilograms. " * 3,
    "tide mill " * 200, "\U0001f9ed compass", "[CLS] [SEP] [MASK] special words",
]  # fmt: skip


@pytest.fixture(scope="module")
def reference(embedder_folder: Path) -> NDArray[np.float32]:
    """What sentence-transformers makes of the texts, in fp32."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(embedder_folder), device="cpu", local_files_only=True)
    return np.asarray(model.encode(_TEXTS, normalize_embeddings=True), dtype=np.float32)


def test_many_texts_have_the_vectors_of_sentence_transformers(
    embedder_folder: Path, reference: NDArray[np.float32]
) -> None:
    embedder = SentenceTransformerEmbedder(embedder_folder, precision="fp32")
    vectors = embedder.embed_array(_TEXTS)
    assert np.abs(vectors - reference).max() < 1e-5


def test_a_few_texts_have_the_vectors_of_sentence_transformers(
    embedder_folder: Path, reference: NDArray[np.float32]
) -> None:
    embedder = SentenceTransformerEmbedder(embedder_folder)
    vectors = np.concatenate([embedder.embed_array([text]) for text in _TEXTS])
    assert np.sum(vectors * reference, axis=1).min() > 0.9999
    assert np.abs(vectors - reference).max() < 1e-4


def test_in_bf16_the_vectors_are_nearly_those_of_fp32(embedder_folder: Path, reference: NDArray[np.float32]) -> None:
    vectors = SentenceTransformerEmbedder(embedder_folder, precision="bf16").embed_array(_TEXTS)
    assert np.sum(vectors * reference, axis=1).min() > 0.9998
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_after_a_fork_the_child_embeds_a_query_and_gets_a_clear_error_for_many_texts(embedder_folder: Path) -> None:
    script = """
import os, signal, sys
from agentkit import SentenceTransformerEmbedder
embedder = SentenceTransformerEmbedder(sys.argv[1])
embedder.embed_array(["a mill"] * 5)
child = os.fork()
signal.alarm(40)
if child:
    os.waitpid(child, 0)
try:
    print(len(embedder.embed_query("a mill")), flush=True)
    print(len(embedder.embed_array(["a mill"] * 5)), flush=True)
except Exception as error:
    print(type(error).__name__, error, flush=True)
os._exit(0)
"""
    command = [sys.executable, "-W", "ignore", "-c", script, str(embedder_folder)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    of_child, of_parent = finished.stdout.splitlines()[:2], finished.stdout.splitlines()[2:]
    assert of_child[0] == "384"
    assert of_child[1].startswith("EmbedderError the embedder all-minilm-l6-v2 computes in the process")
    assert of_parent == ["384", "5"]


def test_a_pickled_copy_that_another_process_may_have_loads_for_itself(embedder_folder: Path) -> None:
    embedder = SentenceTransformerEmbedder(embedder_folder, revision="7")
    vectors = embedder.embed_array(["a mill"])
    copy = pickle.loads(pickle.dumps(embedder))
    assert copy.identity == embedder.identity
    assert np.array_equal(copy.embed_array(["a mill"]), vectors)


def test_vectors_are_those_of_the_texts_whichever_core_had_them(embedder_folder: Path) -> None:
    import torch

    threads = torch.get_num_threads()
    embedder = SentenceTransformerEmbedder(embedder_folder, precision="fp32", batch_size=3)
    texts = [f"{number} " + text[: 20 * number] for number in range(4) for text in _TEXTS]
    at_once = SentenceTransformerEmbedder(embedder_folder, precision="fp32", batch_size=len(texts)).embed_array(texts)
    with ThreadPoolExecutor(3) as callers:
        for found in callers.map(lambda _: embedder.embed_array(texts), range(6)):
            assert np.abs(found - at_once).max() < 1e-5
    assert torch.get_num_threads() == threads


def test_another_model_than_a_plain_bert_is_left_to_sentence_transformers(
    embedder_folder: Path, tmp_path: Path
) -> None:
    copy = _copy(embedder_folder, tmp_path / "model")
    assert can_encode(copy)
    (copy / "config.json").unlink()
    (copy / "config.json").write_text((embedder_folder / "config.json").read_text().replace('"gelu"', '"relu"'))
    assert not can_encode(copy)
    vectors = SentenceTransformerEmbedder(copy, precision="fp32").embed_array(_TEXTS)
    other = SentenceTransformerEmbedder(embedder_folder, precision="fp32").embed_array(_TEXTS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.abs(vectors - other).max() > 0.01


@pytest.mark.parametrize("tokens", [63, 64, 65, 128])
def test_texts_that_fill_a_block_and_those_that_do_not_are_embedded_alike(embedder_folder: Path, tokens: int) -> None:
    ids = [101, *range(2000, 2000 + tokens - 2), 102]
    alone = BertEncoder(embedder_folder).encode(ids)
    packed = PackedBertEncoder(embedder_folder, "fp32")
    assert np.abs(packed.encode([ids])[0] - alone).max() < 1e-4
    assert np.abs(packed.encode([ids, ids[:9], ids])[2] - alone).max() < 1e-4


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("layer.3", r"it lacks .*layer\.3"),
        ("layer.2.output.LayerNorm", r"it lacks .*layer\.2\.output"),
        ("", "size|shape"),
    ],
)
@pytest.mark.parametrize("texts", [_TEXTS, _TEXTS[:1]], ids=["many", "one"])
def test_weights_that_are_missing_or_of_another_shape_are_told(
    embedder_folder: Path, tmp_path: Path, lost: str, said: str, texts: list[str]
) -> None:
    copy = _copy(embedder_folder, tmp_path / "model")
    weights = load_file(copy / "model.safetensors")
    if not lost:
        weights["encoder.layer.1.intermediate.dense.bias"] = np.zeros(7, np.float32)
    (copy / "model.safetensors").unlink()
    kept = {name: array for name, array in weights.items() if not lost or lost not in name}
    save_file(kept, copy / "model.safetensors")
    with pytest.raises(ModelLoadError, match=f"cannot be loaded: .*({said})"):
        SentenceTransformerEmbedder(copy).embed_array(texts)


def _copy(folder: Path, to: Path) -> Path:
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).symlink_to(file)
    return to


@pytest.mark.parametrize(
    ("texts", "unneeded"),
    [
        (1, ("torch", "sentence_transformers", "transformers", "chromadb")),
        (20, ("sentence_transformers", "transformers", "chromadb")),
    ],
)
def test_what_takes_seconds_to_import_is_imported_only_where_needed(
    embedder_folder: Path, texts: int, unneeded: tuple[str, ...]
) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom agentkit import SentenceTransformerEmbedder\n"
        "embedder = SentenceTransformerEmbedder(Path(sys.argv[1]), device='cpu')\n"
        "embedder.embed_array(['a tide mill'] * int(sys.argv[2]))\n"
        "print(*(name for name in sys.argv[3:] if name in sys.modules))"
    )
    command = [sys.executable, "-c", program, str(embedder_folder), str(texts), *unneeded]
    finished = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert finished.stdout.split() == []


def test_a_name_for_a_folder_is_told_from_a_folder_that_lacks_a_file(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"no folder all-minilm-l6-v2: .*ModelStore"):
        SentenceTransformerEmbedder("all-minilm-l6-v2")
    with pytest.raises(ModelLoadError, match=r"no config\.json"):
        SentenceTransformerEmbedder(tmp_path)
