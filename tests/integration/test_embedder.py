"""The real embedder: its two ways of computing agree, and a search needs neither torch nor Chroma."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from agentkit import SentenceTransformerEmbedder
from agentkit.embedders.bert import can_encode

pytestmark = pytest.mark.model

_TEXTS = [
    "how do sockets work?", "x", "", "   ", "H\u2082O and na\u00efve caf\u00e9s", "\u65e5\u672c\u8a9e\u306e\u6587",
    "def main() -> int:\n    return 0", "| a | b |\n| --- | --- |", "The sluice gate weighs 1,340 kilograms. " * 3,
    "tide mill " * 200, "\U0001f9ed compass", "[CLS] [SEP] [MASK] special words",
]  # fmt: skip


def test_a_few_texts_and_many_have_the_same_vectors(embedder_folder: Path) -> None:
    embedder = SentenceTransformerEmbedder(embedder_folder, precision="fp32")
    by_torch = embedder.embed_array(_TEXTS)
    in_numpy = np.concatenate([embedder.embed_array([text]) for text in _TEXTS])
    assert np.sum(by_torch * in_numpy, axis=1).min() > 0.9999
    assert np.abs(by_torch - in_numpy).max() < 1e-4


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


def test_another_model_than_a_plain_bert_is_left_to_torch(embedder_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    copy.mkdir()
    for file in embedder_folder.iterdir():
        (copy / file.name).symlink_to(file)
    assert can_encode(copy)
    (copy / "config.json").unlink()
    (copy / "config.json").write_text((embedder_folder / "config.json").read_text().replace('"gelu"', '"relu"'))
    assert not can_encode(copy)


def test_a_query_is_embedded_without_torch(embedder_folder: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom agentkit import SentenceTransformerEmbedder\n"
        "SentenceTransformerEmbedder(Path(sys.argv[1])).embed_query('a tide mill')\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'sentence_transformers', 'transformers')))"
    )
    finished = subprocess.run([sys.executable, "-c", program, str(embedder_folder)], check=False, timeout=60)
    assert finished.returncode == 0
