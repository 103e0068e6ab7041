"""What the package promises to those who import it."""

import subprocess
import sys

import agentkit

_HEAVY = {"torch", "sentence_transformers", "transformers", "chromadb", "llama_cpp", "llguidance", "langchain_core"}


def test_the_public_names_are_these() -> None:
    assert agentkit.__all__ == [
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
    ]


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
