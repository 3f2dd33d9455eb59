"""S3FD, the face detector of SyncNet's published pipeline (Zhang et al. 2017, "Single Shot Scale-invariant").

Layers and their names are those of the released `sfd_face.pth`, so that its state dict loads without change:
VGG-16 whose deeper levels each say, at every place, how sure they are of a face and how it differs from a
square of that level's size. As in the pipeline, pictures are looked at in a quarter of their size, and
faces count from a confidence of 0.9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metrics.weights import WeightsError

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["boxes", "detector", "find", "loaded", "squares"]

SCALE = 0.25
CONFIDENT = 0.9
WORTH_A_LOOK = 0.05
MOST = 5000
"""Boxes that are compared with each other, the surest …"""
MOST_KEPT = 750
"""… and that are kept of them."""
OVERLAP, OVERLAP_FINAL = 0.3, 0.1
"""Two boxes with more of their union in common are one face, first among all, then among the sure ones."""
MEAN_RGB = (123.0, 117.0, 104.0)
STRIDES = (4, 8, 16, 32, 64, 128)
SIDES = (16, 32, 64, 128, 256, 512)
"""Each level's distance between places, and the side of its square, in pixels."""
VARIANCES = (0.1, 0.2)

LEVELS = {16: "L2Norm3_3", 23: "L2Norm4_3", 30: "L2Norm5_3"}
"""After how many layers of VGG a level is read, and the scaling that is its own."""


def detector() -> nn.ModuleDict:
    """The net with weights as torch begins them, ready to be read from (not trained)."""
    import torch
    from torch import nn

    def scaling(channels: int, start: float) -> nn.ParameterDict:
        return nn.ParameterDict({"weight": nn.Parameter(torch.full((channels,), start))})

    channels = (256, 512, 512, 1024, 512, 256)
    extras = [
        nn.Conv2d(1024, 256, 1), nn.Conv2d(256, 512, 3, 2, padding=1),
        nn.Conv2d(512, 128, 1), nn.Conv2d(128, 256, 3, 2, padding=1),
    ]  # fmt: skip
    return nn.ModuleDict(
        {
            "vgg": nn.ModuleList(_vgg()),
            "L2Norm3_3": scaling(256, 10.0),
            "L2Norm4_3": scaling(512, 8.0),
            "L2Norm5_3": scaling(512, 5.0),
            "extras": nn.ModuleList(extras),
            "loc": nn.ModuleList(nn.Conv2d(width, 4, 3, padding=1) for width in channels),
            # The finest level says "no face" in three ways, of which the surest counts.
            "conf": nn.ModuleList(
                nn.Conv2d(width, 4 if level == 0 else 2, 3, padding=1) for level, width in enumerate(channels)
            ),
        }
    ).eval()


def loaded(state: Mapping[str, Any]) -> nn.ModuleDict:
    """The net with the weights of a state dict. Raises WeightsError where it is another network's."""
    net = detector()
    try:
        net.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        raise WeightsError(
            f"These are not the weights of S3FD: {str(error).splitlines()[-1].strip()}"
        ) from error
    return net


def find(net: nn.ModuleDict, picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(k, 4) left, top, right, bottom, in pixels, of the faces in an RGB picture, the surest first."""
    import cv2
    import torch
    from torchvision.ops import nms

    small = cv2.resize(picture, (0, 0), fx=SCALE, fy=SCALE, interpolation=cv2.INTER_LINEAR)
    levelled = small.astype(np.float32) - np.array(MEAN_RGB, np.float32)
    with torch.inference_mode():
        shifts, sureness, grids = _forward(net, torch.from_numpy(levelled.transpose(2, 0, 1)[None].copy()))
        height, width = small.shape[:2]
        places = boxes(shifts, torch.from_numpy(squares(grids, height, width)))
        kept = torch.nonzero(sureness > WORTH_A_LOOK)[:, 0]
        kept = kept[sureness[kept].argsort(descending=True, stable=True)[:MOST]]
        kept = kept[nms(places[kept], sureness[kept], OVERLAP)[:MOST_KEPT]]
        kept = kept[sureness[kept] > CONFIDENT]
        size = torch.tensor([picture.shape[1], picture.shape[0]] * 2)
        found = places[kept] * size
        found = found[nms(found, sureness[kept], OVERLAP_FINAL)]
    return np.asarray(found.numpy(), np.float64)


def squares(grids: Sequence[tuple[int, int]], height: int, width: int) -> NDArray[np.float32]:
    """(places, 4) centre x, y, width, height of each level's square at each place, in shares of the picture.

    grids: rows and columns of each level for a picture of `height` x `width`.
    """
    levels = []
    for (rows, columns), stride, side in zip(grids, STRIDES, SIDES, strict=True):
        y, x = np.mgrid[0:rows, 0:columns].reshape(2, -1)
        same = np.ones(x.size)
        levels.append(
            np.stack(
                [
                    (x + 0.5) * stride / width,
                    (y + 0.5) * stride / height,
                    same * side / width,
                    same * side / height,
                ],
                axis=1,
            )
        )
    return np.concatenate(levels).astype(np.float32)


def boxes(shifts: torch.Tensor, centred: torch.Tensor) -> torch.Tensor:
    """(n, 4) left, top, right, bottom from the net's (n, 4) shifts of squares (n, 4) centre and size."""
    import torch

    centre = centred[:, :2] + shifts[:, :2] * VARIANCES[0] * centred[:, 2:]
    half = centred[:, 2:] * torch.exp(shifts[:, 2:] * VARIANCES[1]) / 2
    return torch.cat([centre - half, centre + half], dim=1)


def _forward(net: Any, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, list[tuple[int, int]]]:
    """(places, 4) shifts, (places,) how sure of a face, and each level's rows and columns."""
    import torch

    shifts, sureness, grids = [], [], []
    for level, features in enumerate(_features(net, picture)):
        says = net["conf"][level](features)[0]
        says = torch.stack([says[:-1].amax(dim=0), says[-1]])
        shifts.append(net["loc"][level](features)[0].permute(1, 2, 0).reshape(-1, 4))
        sureness.append(says.softmax(dim=0)[1].flatten())
        grids.append((int(features.shape[2]), int(features.shape[3])))
    return torch.cat(shifts), torch.cat(sureness), grids


def _features(net: Any, picture: torch.Tensor) -> list[torch.Tensor]:
    """What each of the six levels sees."""
    levels = []
    x = picture
    for count, layer in enumerate(net["vgg"], start=1):
        x = layer(x)
        if count in LEVELS:
            unit = x / (x.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10)
            levels.append(net[LEVELS[count]]["weight"][:, None, None] * unit)
    levels.append(x)
    for count, layer in enumerate(net["extras"], start=1):
        x = layer(x).relu()
        if count % 2 == 0:
            levels.append(x)
    return levels


def _vgg() -> list[nn.Module]:
    """VGG-16's convolutions; the two fully connected layers became a wide and a pointwise convolution."""
    from torch import nn

    layers: list[nn.Module] = []
    before = 3
    for block, width in enumerate((64, 128, 256, 512, 512)):
        for _ in range(2 if block < 2 else 3):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2, 2, ceil_mode=block == 2))
    wide = nn.Conv2d(512, 1024, 3, padding=6, dilation=6)
    return [*layers, wide, nn.ReLU(), nn.Conv2d(1024, 1024, 1), nn.ReLU()]
