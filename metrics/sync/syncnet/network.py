"""SyncNet's two towers: 0.2 s of sound and five pictures of a face, each to a point of 1024 dimensions.

Layers and their names are those of the released `syncnet_v2.model` (13.6 million weights), so that its
state dict loads without change. Sound enters as 13 mel-frequency cepstral coefficients by 20 steps of 10 ms,
faces as 5 pictures of 224 x 224 at 25 a second, BGR, 0..255.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metrics.weights import WeightsError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["SIDE", "SOUND_STEPS", "WINDOW", "hear", "loaded", "see", "towers"]

Embeddings = NDArray[np.float32]

DIMENSIONS = 1024
SIDE = 224
"""Pixels, width and height of a face."""
WINDOW = 5
"""Pictures a window, 0.2 s."""
SOUND_STEPS = 20
"""Steps of 10 ms a window, the same 0.2 s."""
STEPS_A_PICTURE = 4
BATCH = 20
"""Windows at a time: what a batch needs fits in about 1 GB."""


def towers() -> nn.ModuleDict:
    """Both towers with weights as torch begins them, ready to be read from (not trained)."""
    from torch import nn

    return nn.ModuleDict(
        {
            "netcnnaud": _sound_convolutions(),
            "netfcaud": _head(),
            "netfclip": _head(),
            "netcnnlip": _face_convolutions(),
        }
    ).eval()


def loaded(state: Mapping[str, Any]) -> nn.ModuleDict:
    """Both towers with the weights of a state dict. Raises WeightsError where it is another network's."""
    net = towers()
    try:
        net.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        raise WeightsError(
            f"These are not the weights of SyncNet: {str(error).splitlines()[-1].strip()}"
        ) from error
    return net


def hear(net: nn.ModuleDict, cepstra: NDArray[np.float64], count: int) -> Embeddings:
    """(count, 1024): the sound from each of the first `count` pictures on; cepstra (steps, 13).

    Needs 4 * count + 16 steps.
    """
    import torch

    windows = np.lib.stride_tricks.sliding_window_view(cepstra, SOUND_STEPS, axis=0)[::STEPS_A_PICTURE]
    batch = torch.from_numpy(np.array(windows[:count, None], np.float32))
    with torch.inference_mode():
        parts = [net["netfcaud"](net["netcnnaud"](part).flatten(1)) for part in torch.split(batch, BATCH)]
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def see(net: nn.ModuleDict, faces: NDArray[np.uint8], count: int) -> Embeddings:
    """(count, 1024): the face in the five pictures from each of the first `count` on.

    faces: (count + 4 or more, 224, 224, 3) BGR. The convolutions know nothing of where a window begins, so
    a run of pictures goes through them at once and gives one point for each five.
    """
    import torch

    parts = []
    with torch.inference_mode():
        for first in range(0, count, BATCH):
            stop = min(first + BATCH, count)
            run = np.array(faces[first : stop + WINDOW - 1].transpose(3, 0, 1, 2)[None], np.float32)
            seen = net["netcnnlip"](torch.from_numpy(run))
            parts.append(net["netfclip"](seen[0, :, :, 0, 0].T))
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def _sound_convolutions() -> nn.Sequential:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(1, stride=1),
        nn.Conv2d(64, 192, 3, padding=1), nn.BatchNorm2d(192), nn.ReLU(), nn.MaxPool2d(3, stride=(1, 2)),
        nn.Conv2d(192, 384, 3, padding=1), nn.BatchNorm2d(384), nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.BatchNorm2d(256), nn.ReLU(), nn.MaxPool2d(3, stride=2),
        nn.Conv2d(256, 512, (5, 4)), nn.BatchNorm2d(512), nn.ReLU(),
    )  # fmt: skip


def _face_convolutions() -> nn.Sequential:
    """Three-dimensional convolutions; only the first reaches over time, five pictures."""
    from torch import nn

    halved, near = (1, 2, 2), (0, 1, 1)
    return nn.Sequential(
        nn.Conv3d(3, 96, (5, 7, 7), halved), nn.BatchNorm3d(96), nn.ReLU(),
        nn.MaxPool3d((1, 3, 3), halved),
        nn.Conv3d(96, 256, (1, 5, 5), halved, near), nn.BatchNorm3d(256), nn.ReLU(),
        nn.MaxPool3d((1, 3, 3), halved, near),
        nn.Conv3d(256, 256, (1, 3, 3), padding=near), nn.BatchNorm3d(256), nn.ReLU(),
        nn.Conv3d(256, 256, (1, 3, 3), padding=near), nn.BatchNorm3d(256), nn.ReLU(),
        nn.Conv3d(256, 256, (1, 3, 3), padding=near), nn.BatchNorm3d(256), nn.ReLU(),
        nn.MaxPool3d((1, 3, 3), halved),
        nn.Conv3d(256, 512, (1, 6, 6)), nn.BatchNorm3d(512), nn.ReLU(),
    )  # fmt: skip


def _head() -> nn.Sequential:
    from torch import nn

    return nn.Sequential(
        nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, DIMENSIONS)
    )  # fmt: skip
