"""What an evaluation gives: a value of each metric for each question, with means and their confidence intervals."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agentkit.errors import EvaluationError
from agentkit.evaluation.statistics import Interval, bootstrap_mean

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run of a measurement."""

    name: str
    settings: Mapping[str, Any]
    """What was measured: data, index, models, modes."""
    values: Mapping[str, Mapping[str, float]]
    """Metric -> question id -> value. A metric that does not apply to a question has no value for it."""
    details: Sequence[Mapping[str, Any]] = ()
    """What a person wants to read of each question: the question, the answer, what was found."""
    notes: tuple[str, ...] = ()
    """What was left out or went wrong; one line each."""
    seconds: float = 0.0
    version: int = field(default=_VERSION)

    def mean(self, metric: str) -> Interval:
        """The mean of a metric over its questions, with a 95 % bootstrap interval."""
        return bootstrap_mean(list(self.values[metric].values()))

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        temporary = path.with_name(path.name + ".part")
        temporary.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), encoding="utf-8")
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Evaluation":
        """Read what `save` wrote.

        Raises:
            EvaluationError: it cannot be read, or is of another version.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["version"] != _VERSION:
                raise EvaluationError(f"{path} is of version {data['version']}, not {_VERSION}: measure again")
            return cls(**{**data, "notes": tuple(data["notes"])})
        except OSError as error:
            raise EvaluationError(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise EvaluationError(f"{path} is no evaluation of agentkit: {error}") from error
