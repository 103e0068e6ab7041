"""An in-process llama.cpp engine: continuous batching, shared prefixes, constraints with jump-forward, cancel."""

from agentkit.models.engine.binding import EngineReport, GpuDevice, engine_report
from agentkit.models.engine.engine import MOST_RUNNING, LlamaEngine
from agentkit.models.engine.generation import (
    Generation,
    GenerationGroup,
    GenerationRequest,
    Outcome,
    Piece,
    TokenLogprob,
)
from agentkit.models.engine.model import planned_layers
from agentkit.models.engine.placement import Placement
from agentkit.models.engine.sampling import SamplingParameters
from agentkit.models.engine.scoring import Score

__all__ = [
    "MOST_RUNNING",
    "EngineReport",
    "Generation",
    "GenerationGroup",
    "GenerationRequest",
    "GpuDevice",
    "LlamaEngine",
    "Outcome",
    "Piece",
    "Placement",
    "SamplingParameters",
    "Score",
    "TokenLogprob",
    "engine_report",
    "planned_layers",
]
