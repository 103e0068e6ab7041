"""Constraints applied to one vocabulary: which tokens may come next, and which must.

llguidance computes the mask of allowed tokens in native code; where the grammar leaves no choice it gives the forced
tokens at once, which are appended without sampling ("jump-forward", Zheng et al. 2023, arXiv:2312.07104).
"""

import re
import threading
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentkit.errors import ConstraintError
from agentkit.models.constraints import Constraint
from agentkit.models.engine.vocabulary import Vocabulary

_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_LONGEST_REASON_LINE = 200


class Matcher:
    """Where one reply stands in its grammar."""

    def __init__(self, matcher: Any, json_vocabulary: Vocabulary | None = None) -> None:
        # Any: llguidance.LLMatcher; importing it here would cost start-up
        self._matcher = matcher
        self._json_vocabulary = json_vocabulary
        self._is_in_string = False
        self._escape = b""
        """The backslash that the JSON so far ends with, if it does."""

    @property
    def is_finished(self) -> bool:
        """True where the grammar is complete and nothing can follow."""
        return bool(self._matcher.is_stopped())

    def allowed(self) -> NDArray[np.bool_]:
        """Which tokens may come next, shape (vocabulary,).

        Raises:
            ConstraintError: the grammar became too complex to follow.
        """
        mask = np.frombuffer(self._matcher.compute_logit_bias(), dtype=np.uint8).astype(np.bool_)
        self._check()
        return mask

    def check(self) -> None:
        """Look ahead on a copy: a grammar too large to follow shows itself here, not after the prompt was read.

        Raises:
            ConstraintError: it is.
        """
        ahead = Matcher(self._matcher.deep_copy())
        ahead.take_forced()
        if not ahead.is_finished:
            ahead.allowed()

    def closing(self, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of the `allowed` tokens those that bring JSON nearer to its end, if there are any; else all of them.

        Inside a string a bracket is only one more character.
        """
        if self._json_vocabulary is None:
            return allowed
        ends, quotes, *others = self._json_vocabulary.closers
        narrowed = (allowed & closers for closers in (ends, *([quotes] if self._is_in_string else others)))
        return next((tokens for tokens in narrowed if tokens.any()), allowed)

    def consume(self, token: int) -> None:
        """Go on by a token that `allowed` admits.

        Raises:
            ConstraintError: it does not admit it.
        """
        self._matcher.consume_token(token)
        self._check()
        self._follow([token])

    def take_forced(self) -> list[int]:
        """The tokens that the grammar leaves no choice about, already consumed. Often empty."""
        forced: list[int] = self._matcher.compute_ff_tokens()
        if forced:
            self._matcher.consume_tokens(forced)
            self._check()
            self._follow(forced)
        return forced

    def _follow(self, tokens: Iterable[int]) -> None:
        """Note whether JSON stands inside a string after the tokens."""
        if self._json_vocabulary is None:
            return
        text = _ESCAPED.sub(b"", self._escape + b"".join(map(self._json_vocabulary.piece, tokens)))
        self._is_in_string ^= text.count(b'"') % 2 == 1
        self._escape = text[-1:] if text.endswith(b"\\") else b""

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ConstraintError(f"the constraint cannot be followed: {_reason(self._matcher.get_error())}")


class ConstraintCompiler:
    """Makes matchers for one vocabulary. The tokenizer behind it takes about 1 s to build, once, at first use."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._lock = threading.Lock()
        self._tokenizer: Any = None  # Any: llguidance.LLTokenizer

    def compile(self, constraint: Constraint) -> Matcher:
        """A matcher at the beginning of the constraint's grammar.

        Raises:
            ConstraintError: llguidance refuses the grammar, schema or regular expression.
            EngineError: the engine is closed.
        """
        from llguidance import LLMatcher

        with self._vocabulary.in_use() as pointer:  # the tokenizer calls llama.cpp's
            with self._lock:
                if self._tokenizer is None:
                    self._tokenizer = self._build_tokenizer(pointer)
            try:
                matcher = LLMatcher(self._tokenizer, LLMatcher.grammar_from_lark(constraint.lark), log_level=0)
            except UnicodeEncodeError as error:
                raise ConstraintError("the constraint holds a lone surrogate: take it out") from error
            if matcher.is_error():
                raise ConstraintError(f"the constraint is refused: {_reason(matcher.get_error())}")
            compiled = Matcher(matcher, self._vocabulary if constraint.is_json else None)
            compiled.check()
            return compiled

    def _build_tokenizer(self, pointer: Any) -> Any:
        from llguidance.llamacpp import lltokenizer_from_vocab

        vocabulary = self._vocabulary
        others = [int(token) for token in vocabulary.end_tokens if token != vocabulary.eos]
        with warnings.catch_warnings():  # an error, where a program's tests make warnings errors
            warnings.filterwarnings("ignore", "llama_token_get_attr is deprecated", DeprecationWarning)
            return lltokenizer_from_vocab(pointer, eos_token=[vocabulary.eos, *others])


def _reason(message: str) -> str:
    """The first line of what llguidance says, and those up to what is wrong with a regular expression."""
    first, *rest = [line.strip()[:_LONGEST_REASON_LINE] for line in message.strip().split("\n")]
    fault = next((number for number, line in enumerate(rest, 1) if line.startswith("error: ")), 0)
    return " ".join([first, *(line for line in rest[:fault] if line.strip("^"))])
