"""Counting a text's tokens from a `tokenizer.json`, without its model."""

from pathlib import Path
from typing import Any


def load_tokenizer(file: Path) -> Any:  # Any: tokenizers has no types
    """The tokenizer of a file; it cuts nothing off and fills nothing up."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
