"""The words that tell sentences apart."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from agentkit.agents.terms import terms_of


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads that take turns at every step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("restless")
def test_agents_side_by_side_read_the_same_words() -> None:
    texts = [" ".join(f"{stem}{end}" for end in ("ing", "ations", "edly", "nesses")) for stem in
             (f"wo{a}{b}k" for a in "abcdefghij" for b in "lmnoprstuv")]  # fmt: skip
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(terms_of, texts))
    terms_of.__globals__["_stem"].cache_clear()
    assert found == [terms_of(text) for text in texts]
