"""A CLIP model that the user brings, any that open_clip knows; nothing is ever fetched.

`EVALHARNESS_CLIP` says which: `ViT-B-32:laion2b_s34b_b79k` (a name and a tag of `open_clip.list_pretrained()`
whose file lies in the user's cache), `ViT-B-32:/models/clip.safetensors` (a name and a file), or
`local-dir:/models/clip` (a folder with `open_clip_config.json` and the weights). Pictures are prepared as the
model says (open_clip's own transform); files are read as weights only, never run.
"""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.weights import WeightsError

__all__ = ["VARIABLE", "Clip", "brought", "load", "missing", "said"]

VARIABLE = "EVALHARNESS_CLIP"
FOLDER = "local-dir:"
MANY_LANGUAGES = ("xlm", "nllb", "i18n", "siglip2", "mt5", "multilingual")
"""What the names of models hold whose text tower was trained on many languages."""

Embeddings = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A model ready to be asked. Its points have length 1, so that a dot product is a cosine."""

    model: Any
    prepare: Any
    """open_clip's transform of a PIL picture for this model."""
    tokens: Any
    """open_clip's tokenizer for this model."""
    many_languages: bool
    """Whether it reads prompts that are not English."""

    def pictures(self, rgb: Sequence[NDArray[np.uint8]]) -> Embeddings:
        """(n, d) points of n RGB pictures, one at a time: neighbours in a batch change last digits."""
        import torch
        from PIL import Image

        with torch.inference_mode():
            points = [
                self.model.encode_image(self.prepare(Image.fromarray(picture))[None]) for picture in rgb
            ]
        return _unit(torch.cat(points).double().numpy())

    def text(self, words: str) -> NDArray[np.float64]:
        """(d,) the point of a text; what goes beyond the model's length (often 77 tokens) is cut off."""
        import torch

        with torch.inference_mode():
            points = self.model.encode_text(self.tokens([words]))
        return np.asarray(_unit(points.double().numpy())[0])


def missing() -> str | None:
    """A sentence on what must be installed or brought before CLIP can be asked; None if nothing."""
    for package, line in (("torch", "torch"), ("open_clip", "open_clip_torch")):
        if find_spec(package) is None:
            return f"CLIP needs the package {package}: pip install {line}"
    try:
        model, weights = _name()
        if weights and not Path(weights).is_file():
            _cached(model, weights)
    except WeightsError as error:
        return str(error)
    return None


def said() -> str:
    """The model in use, without the folders of this machine; empty where none is brought."""
    chosen = os.environ.get(VARIABLE, "")
    model, _, weights = chosen.partition(":")
    return f"{model}:{Path(weights).expanduser().name}" if weights else model


def brought() -> Clip:
    """The model that the environment names. Raises WeightsError with a sentence where it cannot be had."""
    return load(*_name())


@cache
def load(model: str, weights: str) -> Clip:
    """A model by open_clip's name and a tag or file of weights; by `local-dir:…` and no weights.

    Raises WeightsError where it is not on this machine or is another model's.
    """
    import open_clip
    import torch

    torch.set_num_threads(1)
    known = open_clip.get_pretrained_cfg(model, weights)
    try:
        with _offline(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # notes on defaults that the model's own file overrides
            net, _, prepare = open_clip.create_model_and_transforms(
                model,
                pretrained=weights or None,
                force_quick_gelu=bool(known.get("quick_gelu", False)),
                weights_only=True,
            )
            tokens = open_clip.get_tokenizer(model)
    except (OSError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        why = str(error).strip().splitlines() or [type(error).__name__]
        name = f"{model}:{weights}".rstrip(":")
        raise WeightsError(
            f"{VARIABLE} names {name}, which cannot be loaded from this machine: {why[-1].strip()}"
        ) from error
    many = any(part in f"{model} {weights}".lower() for part in MANY_LANGUAGES)
    return Clip(net.eval(), prepare, tokens, many)


def _name() -> tuple[str, str]:
    """(model, weights) as the environment says them; WeightsError with a sentence where it does not."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen.startswith(FOLDER):
        folder = Path(chosen.removeprefix(FOLDER)).expanduser()
        if not (folder / "open_clip_config.json").is_file():
            raise WeightsError(f"{VARIABLE} names the folder {folder}, which has no open_clip_config.json.")
        return f"{FOLDER}{folder}", ""
    model, _, weights = chosen.partition(":")
    if not model or not weights:
        raise WeightsError(
            f"CLIP's weights are brought by the user: set {VARIABLE} to MODEL:TAG with the file in the cache "
            "(ViT-B-32:laion2b_s34b_b79k), MODEL:PATH, or local-dir:FOLDER."
        )
    return model, str(Path(weights).expanduser()) if "/" in weights else weights


def _cached(model: str, tag: str) -> None:
    """Raises WeightsError unless the tag's weights are in the cache of the Hugging Face hub."""
    import open_clip
    from huggingface_hub import try_to_load_from_cache

    known = open_clip.get_pretrained_cfg(model, tag)
    if not known:
        raise WeightsError(
            f"{VARIABLE} names {model}:{tag}: there is neither such a file nor such a tag in "
            "open_clip.list_pretrained()."
        )
    repository, _, file = str(known.get("hf_hub", "")).rpartition("/")
    stem = Path(file or "open_clip_pytorch_model.bin").with_suffix("")
    names = {file, *(f"{stem}{suffix}" for suffix in (".safetensors", ".bin", ".pt"))} - {""}
    if not any(isinstance(try_to_load_from_cache(repository, name), str) for name in sorted(names)):
        raise WeightsError(
            f"The weights of {model}:{tag} are not in this machine's cache ({repository}); nothing is "
            f"fetched here. Put them there, or name a file in {VARIABLE}."
        )


@contextmanager
def _offline() -> Iterator[None]:
    """What HF_HUB_OFFLINE=1 does; the variable itself is read only when the package is first imported."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _unit(points: Embeddings) -> Embeddings:
    return np.asarray(points / np.linalg.norm(points, axis=-1, keepdims=True), np.float64)
