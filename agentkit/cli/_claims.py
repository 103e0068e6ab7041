"""What became of a sentence of an answer, as JSON."""

import math
from typing import Any

from agentkit.results import Claim


def claim_as_json(claim: Claim) -> dict[str, Any]:  # Any: whatever JSON holds
    """As `check` and `ask` give it; `score` is null where nothing was found to judge by."""
    return {
        "text": claim.text,
        "start": claim.start,
        "end": claim.end,
        "verdict": str(claim.verdict),
        "score": claim.score if math.isfinite(claim.score) else None,
        "missing": list(claim.missing),
        "citation": claim.citation.as_json() if claim.citation else None,
    }
