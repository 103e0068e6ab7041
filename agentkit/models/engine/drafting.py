"""Prompt-lookup drafting: guess the next tokens from where the last ones stood before.

An answer that quotes its context repeats runs of it, and several tokens are verified in one decode at little more
than the cost of one (Leviathan et al. 2022, arXiv:2211.17192; Saxena 2023, apoorvumang/prompt-lookup-decoding). A guess
changes what is computed, never what is chosen: a token is kept only if the sampler draws it from its own logits.
"""

from collections.abc import Sequence as Tokens

import numpy as np

_LONGEST_MATCH = 4
_SHORTEST_MATCH = 2


def draft(tokens: Tokens[int], *, length: int) -> list[int]:
    """Up to `length` tokens that followed the latest earlier run equal to the last ones of `tokens`; often none."""
    if length <= 0:
        return []
    known = np.asarray(tokens, dtype=np.int64)
    for size in range(_LONGEST_MATCH, _SHORTEST_MATCH - 1, -1):
        if len(known) <= size:
            continue
        runs = np.lib.stride_tricks.sliding_window_view(known[:-1], size)
        places = np.flatnonzero((runs == known[-size:]).all(axis=1))
        if len(places):
            start = int(places[-1]) + size
            return [int(token) for token in known[start : start + length]]
    return []
