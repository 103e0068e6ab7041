"""Loading bytes under a name, so that a test shows a file's content beside what must become of it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from langchain_core.documents import Document

from agentkit.errors import DocumentError
from agentkit.loaders import load_document

Load = Callable[[str, str | bytes], Document]
Refusal = Callable[[str, str | bytes], str]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Writes a file and loads it."""

    def load_file(name: str, content: str | bytes) -> Document:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return load_document(path)

    return load_file


@pytest.fixture
def refusal(load: Load) -> Refusal:
    """The reason for which a file is refused, which must be one short line."""

    def refuse(name: str, content: str | bytes) -> str:
        with pytest.raises(DocumentError) as caught:
            load(name, content)
        reason = str(caught.value)
        assert reason
        assert "\n" not in reason
        assert len(reason) <= 200
        return reason

    return refuse
