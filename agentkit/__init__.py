"""agentkit: local-first retrieval and agents.

>>> from agentkit import HashingEmbedder, Index, ScriptedModel, answer_question, index_folder

Names are imported when they are first used, so that `import agentkit` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentkit.agents.limits import AgentLimits
    from agentkit.agents.react import Agent
    from agentkit.chunkers import ChunkLimits
    from agentkit.embedders import Embedder, HashingEmbedder, SentenceTransformerEmbedder
    from agentkit.errors import AgentkitError
    from agentkit.indexes import Index
    from agentkit.loaders import load_document
    from agentkit.models.chat import LocalChatModel
    from agentkit.models.constraints import Constraint
    from agentkit.models.scripted import ScriptedModel
    from agentkit.models.store import ModelStore
    from agentkit.pipelines.answering import answer_question
    from agentkit.pipelines.indexing import index_folder
    from agentkit.results import Answer, Citation, Hit, IndexReport, SearchMode, StopReason, Usage
    from agentkit.settings import Settings
    from agentkit.tools.flags import tool
    from agentkit.workspace import Workspace

_HOMES = {
    "Agent": "agents.react",
    "AgentLimits": "agents.limits",
    "AgentkitError": "errors",
    "Answer": "results",
    "ChunkLimits": "chunkers",
    "Citation": "results",
    "Constraint": "models.constraints",
    "Embedder": "embedders",
    "HashingEmbedder": "embedders",
    "Hit": "results",
    "Index": "indexes",
    "IndexReport": "results",
    "LocalChatModel": "models.chat",
    "ModelStore": "models.store",
    "ScriptedModel": "models.scripted",
    "SearchMode": "results",
    "SentenceTransformerEmbedder": "embedders",
    "Settings": "settings",
    "StopReason": "results",
    "Usage": "results",
    "Workspace": "workspace",
    "answer_question": "pipelines.answering",
    "index_folder": "pipelines.indexing",
    "load_document": "loaders",
    "tool": "tools.flags",
}

__all__ = [
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


def __getattr__(name: str) -> Any:  # Any: whatever the name stands for
    if name not in _HOMES:
        raise AttributeError(f"module 'agentkit' has no attribute {name!r}")
    return getattr(import_module(f"agentkit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
