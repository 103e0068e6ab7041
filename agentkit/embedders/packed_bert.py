"""A BERT sentence encoder's forward pass in torch, of many texts at once, for a processor.

It computes what sentence-transformers computes of the models that `bert.can_encode` knows, without the 4 s and 200 MB
that importing it takes. The texts of a batch stand one behind another without padding (Krell et al. 2021,
arXiv:2107.02027): what is done to each token is done to all of them together, and each text attends to itself.

Importing this module imports torch, which takes 1 s: do it where texts are to be embedded.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from agentkit.embedders.bert import read_shape

_Linear = Callable[[Tensor], Tensor]
_USUAL_ROWS = 1536
"""Tokens of a batch of 8 texts, for which weights are laid out."""
_BLOCK = 64
"""A batch is filled up to a multiple of so many tokens: tensors of every size there is leave pieces of the heap that
fit no other, 100 MB and more of them after two thousand texts.
"""


class PackedBertEncoder:
    """Token ids of texts to unit vectors: the mean of the last layer over a text's tokens.

    In bf16 are the products; what is added up from layer to layer, and its norms, stay in fp32.
    """

    def __init__(self, folder: Path, precision: Literal["bf16", "fp32"]) -> None:
        """Reads `model.safetensors`; use `can_encode` first.

        Raises:
            KeyError: the name of a weight that is missing.
            RuntimeError: a weight is not of the shape that it should be.
        """
        shape = read_shape(folder)
        self._heads, self._epsilon = shape.heads, shape.epsilon
        dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[precision]
        of = {name.removeprefix("bert."): weight for name, weight in load_file(folder / "model.safetensors").items()}
        self._words = of["embeddings.word_embeddings.weight"]
        self._positions = of["embeddings.position_embeddings.weight"] + of["embeddings.token_type_embeddings.weight"][0]
        self._norms = {
            name.removesuffix(".LayerNorm.weight"): (weight, of[name.removesuffix("weight") + "bias"])
            for name, weight in of.items()
            if name.endswith(".LayerNorm.weight")
        }
        self._layers = [f"encoder.layer.{number}" for number in range(shape.layers)]
        self._linears: dict[str, _Linear] = {}
        for layer in self._layers:
            parts = [f"{layer}.attention.self.{name}" for name in ("query", "key", "value")]
            weight, bias = (torch.cat([of[f"{part}.{kind}"] for part in parts]) for kind in ("weight", "bias"))
            self._linears[f"{layer}.attention.self"] = _linear(weight.to(dtype), bias.to(dtype))
            for name in ("attention.output", "intermediate", "output"):
                part = f"{layer}.{name}.dense"
                weight, bias = of[f"{part}.weight"].to(dtype), of[f"{part}.bias"].to(dtype)
                self._linears[f"{layer}.{name}"] = _linear(weight, bias, with_gelu=name == "intermediate")
        self.encode([[0]])  # a weight that is missing or of another shape is found here

    def encode(self, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Shape (len(texts), dimension), of unit length. The ids of a text include the special tokens."""
        count = len(texts)
        if missing := -sum(map(len, texts)) % _BLOCK:
            texts = [*texts, [0] * missing]
        lengths = [len(ids) for ids in texts]
        with torch.inference_mode():
            hidden = self._embed(texts, lengths)  # (tokens of all texts, dimension), as everywhere below
            for layer in self._layers:
                attended = self._attend(self._linears[f"{layer}.attention.self"](hidden), lengths)
                output = self._linears[f"{layer}.attention.output"](attended)
                hidden = self._normalize(f"{layer}.attention.output", hidden + output)
                output = self._linears[f"{layer}.output"](self._linears[f"{layer}.intermediate"](hidden))
                hidden = self._normalize(f"{layer}.output", hidden + output)
            means = torch.stack([part.mean(0) for part in hidden.split(lengths)[:count]])
            vectors: NDArray[np.float32] = functional.normalize(means).numpy()
            return vectors

    def _embed(self, texts: Sequence[Sequence[int]], lengths: Sequence[int]) -> Tensor:
        ids = torch.tensor([token for ids in texts for token in ids])
        positions = torch.cat([self._positions[:length] for length in lengths])
        return self._normalize("embeddings", self._words[ids] + positions)

    def _attend(self, queries_keys_values: Tensor, lengths: Sequence[int]) -> Tensor:
        """Every token looks at every token of its text, in each head by itself. Takes (tokens, 3 * dimension)."""
        attended = []
        for part in queries_keys_values.split(lengths):
            query, key, value = part.view(1, len(part), 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            found = functional.scaled_dot_product_attention(query, key, value)
            attended.append(found.transpose(1, 2).reshape(len(part), -1))
        return torch.cat(attended)

    def _normalize(self, name: str, hidden: Tensor) -> Tensor:
        weight, bias = self._norms[name]
        return functional.layer_norm(hidden, weight.shape, weight, bias, self._epsilon)


def _linear(weight: Tensor, bias: Tensor, *, with_gelu: bool = False) -> _Linear:
    """A linear layer, with the activation behind it.

    It is oneDNN's, as torch's own compiler calls it: the weights are laid out for its kernel once instead of in each
    call, and the activation is applied to what is still in the core's cache, in bf16 before it is rounded. Some builds
    of torch, such as that for Macs, are without it.
    """
    if bias.shape != weight.shape[:1]:  # oneDNN does not say what does not fit
        raise RuntimeError(f"a bias of shape {tuple(bias.shape)} beside weights of shape {tuple(weight.shape)}")
    onednn = torch.ops.mkldnn
    if torch.backends.mkldnn.is_available() and hasattr(onednn, "_linear_pointwise"):
        laid_out = onednn._reorder_linear_weight(weight, _USUAL_ROWS)  # noqa: SLF001  # it has no other name
        fused = "gelu" if with_gelu else "none"
        return lambda hidden: onednn._linear_pointwise(  # noqa: SLF001  # as above
            hidden.to(weight.dtype), laid_out, bias, fused, [], "none"
        )
    if with_gelu:
        return lambda hidden: functional.gelu(functional.linear(hidden.to(weight.dtype), weight, bias))
    return lambda hidden: functional.linear(hidden.to(weight.dtype), weight, bias)
