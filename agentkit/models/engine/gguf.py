"""Reading a GGUF's metadata before llama.cpp does: what would end the process there is an error here.

Layout: ggml's docs/gguf.md. Tensors are not looked at; llama.cpp itself refuses what is wrong with them.
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from agentkit.errors import ModelLoadError

_MAGIC = b"GGUF"
_HEADER_BYTES = 24
_SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""enum gguf_metadata_value_type to size; 8 is a string, 9 an array."""
_STRING, _ARRAY = 8, 9
_DEEPEST_ARRAY = 4


def check_gguf(path: Path) -> None:
    """Refuse what llama.cpp would end the process for, and what cannot be a GGUF.

    Raises:
        ModelLoadError: no such file, not a GGUF, cut or damaged metadata, or a vocabulary that names a token twice.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_HEADER_BYTES)
            if start[:4] != _MAGIC:
                raise ModelLoadError(f"{path} is not a GGUF file (it starts with {start[:4]!r}). Convert it first.")
            if len(start) < _HEADER_BYTES:
                raise ModelLoadError(f"{path} is truncated after {len(start)} bytes. Pull it again.")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                _check_tokens(path, _Metadata(data))
    except FileNotFoundError as error:
        raise ModelLoadError(f"no model file at {path}. Pull it with: agentkit models pull NAME") from error
    except OSError as error:
        raise ModelLoadError(f"{path} cannot be read: {error.strerror}") from error
    except (struct.error, ValueError) as error:
        raise ModelLoadError(f"{path} has damaged metadata ({error}). Pull it again.") from error


def _check_tokens(path: Path, metadata: "_Metadata") -> None:
    for key in metadata.keys():  # noqa: SIM118  not a dict: the reader stands before the value of each key
        if key != b"tokenizer.ggml.tokens":
            metadata.skip_value()
            continue
        seen: set[bytes] = set()
        for token in metadata.strings():
            if token in seen:  # llama.cpp asserts that there is none (llama-vocab.cpp)
                raise ModelLoadError(f"{path} has the token {token!r} twice in its vocabulary. Pull it again.")
            seen.add(token)
        return


class _Metadata:
    """A reader that goes through the key-value pairs in order. Ends with `struct.error` or `ValueError` on nonsense."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._at = _HEADER_BYTES
        self._count: int = struct.unpack_from("<Q", data, 16)[0]

    def keys(self) -> Iterator[bytes]:
        """The keys; before the next one, the value must be read or skipped."""
        for _ in range(self._count):
            yield self._string()

    def skip_value(self) -> None:
        self._skip(self._number("<I"), depth=0)

    def strings(self) -> Iterator[bytes]:
        """The value, an array of strings."""
        if (self._number("<I"), self._number("<I")) != (_ARRAY, _STRING):
            raise ValueError("tokenizer.ggml.tokens is no array of strings")
        for _ in range(self._number("<Q")):
            yield self._string()

    def _skip(self, kind: int, *, depth: int) -> None:
        if kind == _STRING:
            self._string()
        elif kind == _ARRAY:
            self._skip_array(depth)
        elif kind in _SCALAR_BYTES:
            self._advance(_SCALAR_BYTES[kind])
        else:
            raise ValueError(f"unknown type {kind} at byte {self._at}")

    def _skip_array(self, depth: int) -> None:
        inner, length = self._number("<I"), self._number("<Q")
        if inner in _SCALAR_BYTES:
            self._advance(_SCALAR_BYTES[inner] * length)
            return
        if depth >= _DEEPEST_ARRAY:
            raise ValueError(f"arrays nested too deep at byte {self._at}")
        for _ in range(length):
            self._skip(inner, depth=depth + 1)

    def _string(self) -> bytes:
        length = self._number("<Q")
        start = self._at
        self._advance(length)
        return self._data[start : self._at]

    def _number(self, form: str) -> int:
        value: int = struct.unpack_from(form, self._data, self._at)[0]
        self._at += struct.calcsize(form)
        return value

    def _advance(self, length: int) -> None:
        self._at += length
        if self._at > len(self._data):
            raise ValueError(f"a value ends at byte {self._at} of {len(self._data)}")
