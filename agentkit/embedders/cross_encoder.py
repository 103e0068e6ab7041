"""A cross-encoder of the user's: reads two texts together and scores the pair (a door to sentence_transformers).

Such as ms-marco-MiniLM-L6-v2, which tells how well a passage answers a question, or nli-deberta-v3-base, which tells
whether a text proves a statement. Only safetensors from a local folder are loaded.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agentkit.errors import ModelLoadError


class CrossEncoder:
    """Pairs of texts to scores, one for each of the model's labels."""

    def __init__(self, folder: Path) -> None:
        """Load it.

        Raises:
            ModelLoadError: the folder holds no cross-encoder in safetensors.
        """
        check_folder(folder)
        import sentence_transformers

        try:
            self._model = sentence_transformers.CrossEncoder(
                str(folder), local_files_only=True, model_kwargs={"use_safetensors": True}
            )
        except (OSError, ValueError, KeyError) as error:
            raise ModelLoadError(f"{folder} cannot be loaded as a cross-encoder: {error}") from error
        self.labels = tuple(str(label) for _, label in sorted(self._model.model.config.id2label.items()))
        """What the columns of the scores are called, by the model's own configuration."""

    def scores(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float32]:
        """Raw scores, shape (pairs, labels)."""
        if not pairs:
            return np.empty((0, len(self.labels)), dtype=np.float32)
        from torch import nn

        raw = self._model.predict(list(pairs), activation_fn=nn.Identity(), show_progress_bar=False)
        return np.asarray(raw, dtype=np.float32).reshape(len(pairs), len(self.labels))


def check_folder(folder: Path) -> None:
    """Do nothing where the folder may hold a cross-encoder; loads nothing.

    Raises:
        ModelLoadError: it has no weights.
    """
    if not list(folder.glob("*.safetensors")):
        raise ModelLoadError(f"{folder} holds no model.safetensors: give the folder of a cross-encoder")
