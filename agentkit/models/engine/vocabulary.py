"""A model's vocabulary: text to tokens and back, and which tokens are control tokens.

`tokenize` never makes a control token out of text; only `tokenize_markup`, for the chat template's own parts, does
(design.md, invariant 6).
"""

import ctypes
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentkit.errors import EngineError, MessageError
from agentkit.models.engine.binding import llama_cpp


class Vocabulary:
    """The vocabulary of a loaded model. Safe to use from any thread; after `close` every use is an `EngineError`."""

    def __init__(self, pointer: Any) -> None:
        library = llama_cpp()
        self._library = library
        self._pointer = pointer
        self._users = 0
        self._is_free = threading.Condition()
        self.size: int = library.llama_vocab_n_tokens(pointer)
        self.bos: int = library.llama_vocab_bos(pointer)
        self.eos: int = library.llama_vocab_eos(pointer)
        self.adds_bos: bool = library.llama_vocab_get_add_bos(pointer)
        self._pieces: dict[int, bytes] = {}

    @contextmanager
    def in_use(self) -> Iterator[Any]:  # Any: a ctypes pointer
        """llama.cpp's `llama_vocab *`, which is not freed before the block ends, nor the model that it belongs to.

        Raises:
            EngineError: the engine is closed.
        """
        with self._is_free:
            if self._pointer is None:
                raise EngineError("the engine is closed: make a new one")
            self._users += 1
        try:
            yield self._pointer
        finally:
            with self._is_free:
                self._users -= 1
                self._is_free.notify_all()

    def tokenize(self, text: str) -> list[int]:
        """Tokens of `text` taken as plain text: control tokens written in it are spelled out.

        Raises:
            MessageError: the text holds lone surrogates.
        """
        return self._tokenize(text, parse_special=False)

    def tokenize_markup(self, text: str) -> list[int]:
        """Tokens of `text` in which control tokens count as such. For template markup, never for content."""
        return self._tokenize(text, parse_special=True)

    def spell(self, tag: str) -> str:
        """A tag of a chat template's as a Lark literal: a token of its own where the vocabulary has one for it."""
        return tag if len(self.tokenize(tag)) == 1 else f'"{tag}"'

    def piece(self, token: int) -> bytes:
        """The bytes that `token` stands for; empty for control tokens. A character can span several tokens."""
        if token not in self._pieces:
            self._pieces[token] = self._piece(token, is_special_shown=False)
        return self._pieces[token]

    def is_end(self, token: int) -> bool:
        """True for the tokens that end a generation (end of sequence, end of turn)."""
        return token in self._end_tokens

    @cached_property
    def control_tokens(self) -> dict[str, int]:
        """Text of every control token -> its id. What content must never turn into."""
        with self.in_use() as pointer:
            control = [token for token in range(self.size) if self._library.llama_vocab_is_control(pointer, token)]
        texts = {self._piece(token, is_special_shown=True).decode("utf-8", "replace"): token for token in control}
        return {text: token for text, token in texts.items() if text}

    @cached_property
    def closers(self) -> tuple[NDArray[np.bool_], ...]:
        """Masks of the tokens that end a reply, a JSON string, an array or object, and a number or member."""
        pieces = [self.piece(token).strip() for token in range(self.size)]
        shapes = (re.compile(rb'"["\]} \n]*'), re.compile(rb"[\]}][\]} \n]*"), re.compile(rb'["\]}:, \n]+'))
        ends = np.isin(np.arange(self.size), self.end_tokens)
        return (ends, *(np.array([bool(shape.fullmatch(piece)) for piece in pieces]) for shape in shapes))

    @cached_property
    def end_tokens(self) -> NDArray[np.int64]:
        """Ids of the tokens that end a generation."""
        return np.array(sorted(self._end_tokens), dtype=np.int64)

    @cached_property
    def _end_tokens(self) -> frozenset[int]:
        with self.in_use() as pointer:
            return frozenset(token for token in range(self.size) if self._library.llama_vocab_is_eog(pointer, token))

    def close(self) -> None:
        """Called before the model is freed, since llama.cpp would read freed memory. Waits for those who use it."""
        with self._is_free:
            self._pointer = None
            self._is_free.wait_for(lambda: not self._users)

    def _tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise MessageError(
                f"the text holds a lone surrogate at character {error.start}: decode it with errors='replace' first"
            ) from error
        # A token covers at least one byte; +8 leaves room for a space that some vocabularies put in front.
        room = len(data) + 8
        tokens = (ctypes.c_int32 * room)()
        with self.in_use() as pointer:
            count = self._library.llama_tokenize(pointer, data, len(data), tokens, room, False, parse_special)
        return tokens[:count]

    def _piece(self, token: int, *, is_special_shown: bool) -> bytes:
        buffer = ctypes.create_string_buffer(64)
        with self.in_use() as pointer:
            count = self._library.llama_token_to_piece(pointer, token, buffer, 64, 0, is_special_shown)
            if count < 0:
                buffer = ctypes.create_string_buffer(-count)
                count = self._library.llama_token_to_piece(pointer, token, buffer, -count, 0, is_special_shown)
        return buffer.raw[:count]
