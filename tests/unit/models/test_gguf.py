"""GGUF metadata that llama.cpp would end the process for."""

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.errors import ModelLoadError
from agentkit.models.engine.gguf import check_gguf


def _string(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + data


def _gguf(tokens: list[bytes]) -> bytes:
    other = _string(b"general.x") + struct.pack("<II", 4, 7)
    numbers = _string(b"general.y") + struct.pack("<IIQ3f", 9, 6, 3, 1.0, 2.0, 3.0)
    strings = _string(b"tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, len(tokens))
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 3) + other + numbers + strings + b"".join(map(_string, tokens))


def test_different_tokens_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(_gguf([b"a", b"b"]))
    check_gguf(path)


def test_a_token_that_stands_twice_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(_gguf([b"a", b"b", b"a"]))
    with pytest.raises(ModelLoadError, match="token b'a' twice"):
        check_gguf(path)


@given(cut=st.integers(0, len(_gguf([b"a", b"b"])) - 1))
def test_a_file_cut_anywhere_is_refused(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "model.gguf"
    path.write_bytes(_gguf([b"a", b"b"])[:cut])
    with pytest.raises(ModelLoadError):
        check_gguf(path)


@given(place=st.integers(4, len(_gguf([b"a", b"b"])) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_ends_in_an_error_of_ours_or_in_none(
    place: int, byte: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = bytearray(_gguf([b"a", b"b"]))
    data[place] = byte
    path = tmp_path_factory.mktemp("changed") / "model.gguf"
    path.write_bytes(data)
    with suppress(ModelLoadError):  # anything else fails the test
        check_gguf(path)
