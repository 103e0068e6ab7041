"""GGUF files that llama.cpp reads to the end, and that are or are not a chat model: split, embedding-only, unknown."""

import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentkit.errors import ModelLoadError
from agentkit.models.engine import GenerationRequest, LlamaEngine
from agentkit.models.engine.gguf import _Metadata

pytestmark = pytest.mark.model

_ALIGNMENT = 32


@dataclass
class _Gguf:
    """The parts of a GGUF file (ggml's docs/gguf.md)."""

    pairs: int
    metadata: bytes
    tensors: list[tuple[bytes, int]]
    """Each tensor's description without its offset, and that offset."""
    data: bytes


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _pair(key: str, kind: int, form: str, value: int) -> bytes:
    return _string(key) + struct.pack("<I" + form, kind, value)


def _read(path: Path) -> _Gguf:
    data = path.read_bytes()
    reader = _Metadata(data)  # type: ignore[arg-type]
    pairs = 0
    for _ in reader.keys():  # noqa: SIM118  not a dict
        reader.skip_value()
        pairs += 1
    end, count = reader._at, struct.unpack_from("<Q", data, 8)[0]
    tensors = []
    for _ in range(count):
        start = reader._at
        reader._string()
        reader._advance(8 * reader._number("<I") + 4)
        tensors.append((data[start : reader._at], reader._number("<Q")))
    return _Gguf(pairs, data[24:end], tensors, data[-(-reader._at // _ALIGNMENT) * _ALIGNMENT :])


def _write(path: Path, gguf: _Gguf) -> None:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(gguf.tensors), gguf.pairs) + gguf.metadata
    head += b"".join(description + struct.pack("<Q", offset) for description, offset in gguf.tensors)
    path.write_bytes(head + bytes(-len(head) % _ALIGNMENT) + gguf.data)


def _split(gguf: _Gguf, folder: Path) -> Path:
    middle = len(gguf.tensors) // 2
    border = gguf.tensors[middle][1]
    count = _pair("split.count", 2, "H", 2) + _pair("split.tensors.count", 5, "i", len(gguf.tensors))
    first = gguf.metadata + count + _pair("split.no", 2, "H", 0)
    _write(folder / "m-00001-of-00002.gguf", _Gguf(gguf.pairs + 3, first, gguf.tensors[:middle], gguf.data[:border]))
    rest = [(description, offset - border) for description, offset in gguf.tensors[middle:]]
    second = count + _pair("split.no", 2, "H", 1)
    _write(folder / "m-00002-of-00002.gguf", _Gguf(3, second, rest, gguf.data[border:]))
    return folder / "m-00001-of-00002.gguf"


def test_a_model_in_two_files_is_one_model(chat_model_file: Path, tmp_path: Path) -> None:
    path = _split(_read(chat_model_file), tmp_path)
    with LlamaEngine(path, context_tokens=512, threads=1) as engine:
        assert engine.generate(GenerationRequest(tuple(engine.vocabulary.tokenize("The sea is")), 3)).text()
    (tmp_path / "m-00002-of-00002.gguf").unlink()
    with pytest.raises(ModelLoadError, match="00001-of-00002"):
        LlamaEngine(path, context_tokens=512, threads=1)


def test_a_part_of_a_split_model_is_no_model(chat_model_file: Path, tmp_path: Path) -> None:
    _split(_read(chat_model_file), tmp_path)
    with pytest.raises(ModelLoadError, match="00002-of-00002"):
        LlamaEngine(tmp_path / "m-00002-of-00002.gguf", context_tokens=512, threads=1)


def test_a_model_that_only_embeds_is_named(chat_model_file: Path, tmp_path: Path) -> None:
    gguf = _read(chat_model_file)
    gguf.metadata += _pair("llama.pooling_type", 4, "I", 1)
    gguf.pairs += 1
    _write(tmp_path / "embedder.gguf", gguf)
    with pytest.raises(ModelLoadError, match=r"embedder\.gguf is not a text-generating model"):
        LlamaEngine(tmp_path / "embedder.gguf", context_tokens=512, threads=1)


def test_an_architecture_that_llama_cpp_does_not_know_is_named(chat_model_file: Path, tmp_path: Path) -> None:
    gguf = _read(chat_model_file)
    gguf.metadata = gguf.metadata.replace(_string("llama"), _string("lxxma"), 1)
    _write(tmp_path / "new.gguf", gguf)
    with pytest.raises(ModelLoadError, match=r"new\.gguf.*lxxma"):
        LlamaEngine(tmp_path / "new.gguf", context_tokens=512, threads=1)


def test_a_file_name_that_is_no_utf8_is_read(chat_model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "mod\udcffel.gguf"
    try:
        path.symlink_to(chat_model_file)
    except OSError:
        pytest.skip("this file system has no such names")
    with LlamaEngine(path, context_tokens=512, threads=1) as engine:
        assert engine.generate(GenerationRequest(tuple(engine.vocabulary.tokenize("The sea is")), 2)).text()
