"""What the package promises to those who import it."""

import ast
import subprocess
import sys
from pathlib import Path

import agentkit

_HEAVY = {"torch", "sentence_transformers", "transformers", "chromadb", "llama_cpp", "llguidance", "langchain_core"}


def test_the_public_names_are_these() -> None:
    assert agentkit.__all__ == [
        "Agent",
        "AgentLimits",
        "AgentkitError",
        "Answer",
        "ChunkLimits",
        "Citation",
        "Constraint",
        "Embedder",
        "HashingEmbedder",
        "Hit",
        "Index",
        "IndexReport",
        "LocalChatModel",
        "ModelStore",
        "ScriptedModel",
        "SearchMode",
        "SentenceTransformerEmbedder",
        "Settings",
        "StopReason",
        "Usage",
        "Workspace",
        "answer_question",
        "index_folder",
        "load_document",
        "tool",
    ]


def test_there_are_few_public_names() -> None:
    assert len(agentkit.__all__) <= 25


def test_a_type_checker_sees_the_names_that_are_there() -> None:
    tree = ast.parse(Path(agentkit.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    seen = {(alias.name, str(node.module)) for node in imports for alias in node.names}
    assert seen == {(name, f"agentkit.{home}") for name, home in agentkit._HOMES.items()}
    assert sorted(agentkit._HOMES) == sorted(agentkit.__all__)


def test_every_public_name_can_be_imported_and_says_what_it_is() -> None:
    for name in agentkit.__all__:
        assert getattr(agentkit, name).__doc__, name


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not _modules_after("import agentkit") & _HEAVY


def test_help_loads_nothing_heavy() -> None:
    statement = "import sys; sys.argv = ['agentkit', '--help']; from agentkit.cli import main\n"
    assert not _modules_after(statement + "try: main()\nexcept SystemExit: pass") & (_HEAVY - {"langchain_core"})


def _modules_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after `statement`."""
    report = "\nimport sys; print('MODULES', *sorted({name.partition('.')[0] for name in sys.modules}))"
    finished = subprocess.run(
        [sys.executable, "-c", statement + report], capture_output=True, text=True, check=True, timeout=60
    )
    return set(finished.stdout.rpartition("MODULES ")[2].split())
