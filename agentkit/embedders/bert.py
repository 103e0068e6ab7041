"""A BERT sentence encoder's forward pass in numpy, exact in fp32: a query is embedded without loading torch.

Importing torch and sentence-transformers takes 5 s, embedding a question with this one a few milliseconds. It is for a
few texts at a time: they are taken one by one, so that there is no padding and no mask. Devlin et al. 2018
(arXiv:1810.04805); the names of the weights are those of transformers' `BertModel`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BertShape:
    """What the weights do not tell of a BERT."""

    heads: int
    layers: int
    epsilon: float
    """Of its layer norms."""


class BertEncoder:
    """Token ids to a unit vector: the mean of the last layer over the tokens."""

    def __init__(self, folder: Path) -> None:
        """Reads `model.safetensors`; use `can_encode` first.

        Raises:
            KeyError: the name of a weight that is missing.
            ValueError: a weight is not of the shape that it should be.
        """
        from safetensors.numpy import load_file
        from threadpoolctl import ThreadpoolController

        shape = read_shape(folder)
        self._heads, self._epsilon = shape.heads, shape.epsilon
        weights = load_file(folder / "model.safetensors")
        self._weights: dict[str, Array] = {name.removeprefix("bert."): array for name, array in weights.items()}
        self._threads = ThreadpoolController()
        self._layers = [f"encoder.layer.{number}" for number in range(shape.layers)]
        self.encode([0])  # a weight that is missing or of another shape is found here

    def encode(self, ids: Sequence[int]) -> Array:
        """Shape (dimension,), of unit length. `ids` include the special tokens."""
        # With several threads the small products wait for one another: 20 times as long on a machine that is busy.
        with self._threads.limit(limits=1, user_api="blas"):
            return self._encode(ids)

    def _encode(self, ids: Sequence[int]) -> Array:
        hidden = self._embed(ids)  # (tokens, dimension), as everywhere below
        for layer in self._layers:
            attended = self._linear(f"{layer}.attention.output.dense", self._attend(layer, hidden))
            hidden = self._normalize(f"{layer}.attention.output", hidden + attended)
            inner = _gelu(self._linear(f"{layer}.intermediate.dense", hidden))
            hidden = self._normalize(f"{layer}.output", hidden + self._linear(f"{layer}.output.dense", inner))
        mean: Array = hidden.mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _embed(self, ids: Sequence[int]) -> Array:
        of = self._weights
        words = of["embeddings.word_embeddings.weight"][np.asarray(ids)]
        positions = of["embeddings.position_embeddings.weight"][: len(ids)]
        return self._normalize("embeddings", words + positions + of["embeddings.token_type_embeddings.weight"][0])

    def _attend(self, layer: str, hidden: Array) -> Array:
        """Every token looks at every token, in each head by itself."""
        query, key, value = (
            self._linear(f"{layer}.attention.self.{name}", hidden).reshape(len(hidden), self._heads, -1).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )  # (heads, tokens, dimension of a head)
        scores = query @ key.swapaxes(1, 2) / np.float32(np.sqrt(query.shape[-1]))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        attended: Array = (scores @ value).swapaxes(0, 1).reshape(hidden.shape)
        return attended

    def _linear(self, name: str, hidden: Array) -> Array:
        return hidden @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normalize(self, name: str, hidden: Array) -> Array:
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        spread: Array = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(self._epsilon))
        weight, bias = self._weights[f"{name}.LayerNorm.weight"], self._weights[f"{name}.LayerNorm.bias"]
        normalized: Array = centred / spread * weight + bias
        return normalized


def read_shape(folder: Path) -> BertShape:
    """From the model's `config.json`."""
    config = _read(folder / "config.json")
    return BertShape(
        heads=int(config["num_attention_heads"]),
        layers=int(config["num_hidden_layers"]),
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
    )


def can_encode(folder: Path) -> bool:
    """Whether the model in `folder` is one that `BertEncoder` computes: BERT in fp32, and the mean of its tokens."""
    from safetensors import SafetensorError, safe_open

    try:
        config, pooling = _read(folder / "config.json"), _read(folder / "1_Pooling" / "config.json")
        kinds = [module["type"].rpartition(".")[2] for module in _read(folder / "modules.json")]
        with safe_open(folder / "model.safetensors", framework="np") as weights:
            names = [name for name in weights.keys() if name.endswith(("weight", "bias"))]  # noqa: SIM118  # it is no dict
            types = {weights.get_slice(name).get_dtype() for name in names}
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return False
    modes = {name for name, is_on in pooling.items() if name.startswith("pooling_mode_") and is_on}
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and types == {"F32"}
        and modes == {"pooling_mode_mean_tokens"}
        and kinds in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
    )


def _gelu(x: Array) -> Array:
    return x * np.float32(0.5) * (1 + _erf(x * np.float32(np.sqrt(0.5))))


def _erf(x: Array) -> Array:
    """The error function to 1.5e-7, about fp32's own precision (Abramowitz and Stegun 1964, formula 7.1.26)."""
    size = np.abs(x)
    t: Array = np.float32(1) / (1 + np.float32(0.3275911) * size)
    series: Array = np.zeros(x.shape, np.float32)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series += np.float32(factor)
        series *= t
    result: Array = np.copysign(1 - series * np.exp(-size * size), x)
    return result


def _read(path: Path) -> Any:  # Any: whatever JSON holds
    return json.loads(path.read_text("utf-8"))
