"""Speech quality: what listeners would say of the voice and of what is heard behind it.

DNSMOS P.835 (Reddy et al. 2022): `signal`, `background` and `overall`, after ITU-T P.835; DNSMOS P.808
(Reddy et al. 2021): `p808`, one overall opinion after ITU-T P.808. Mean opinion scores, 1 (bad) to 5
(excellent), higher is better. Predicted by Microsoft's nets as the package speechmos carries them, from
16 kHz mono held within ±1: 9.01 s at a time, every second, shorter sound repeated; the mean is told.

The nets were taught on speech with noise in calls. Music under a voice counts as noise, and a synthetic
voice without noise passes for good: read speech accuracy beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from metrics.av import AVClip
from metrics.base import Metric, Quantity, Reading, Value
from metrics.speech import track
from metrics.speech.track import RATE_HZ, Samples, speech

__all__ = ["SpeechQuality", "opinions", "pieces"]

PIECE = 144160
"""Samples that the nets hear at once, 9.01 s at 16 kHz."""
LEAST_S = 1.0
"""Seconds of speech below which there is no telling."""

CALIBRATED = {
    "signal": (-0.08397278, 1.22083953, 0.0052439),
    "background": (-0.13166888, 1.60915514, -0.39604546),
    "overall": (-0.06766283, 1.11546468, 0.04602535),
}
"""Polynomials (quadratic, linear, constant) from what the P.835 net says to opinions, in the net's order."""
MELS, FFT, HOP = 120, 321, 160


class SpeechQuality(Metric):
    """Predicted opinions of the speech in a clip."""

    name: ClassVar[str] = "speech_quality"
    version: ClassVar[str] = "1"
    of_clip: ClassVar[tuple[str, ...]] = ("speech",)
    source: ClassVar[str] = "DNSMOS P.835 (Reddy et al. 2022) and P.808 (Reddy et al. 2021)"
    needs: ClassVar[str] = "metrics (speechmos carries the nets)"
    quantities: ClassVar[tuple[Quantity, ...]] = tuple(
        Quantity(name, "MOS", "higher", meaning, low=1.0, high=5.0)
        for name, meaning in (
            ("overall", "Predicted opinion of the whole, P.835 OVRL."),
            ("signal", "Predicted opinion of the voice alone, P.835 SIG."),
            ("background", "Predicted opinion of how little the background disturbs, P.835 BAK."),
            ("p808", "Predicted overall opinion, P.808."),
        )
    )

    @classmethod
    def missing(cls) -> str | None:
        """The packages that find speech and judge it."""
        absent = [name for name in ("speechmos", "librosa") if find_spec(name) is None]
        if absent:
            return f"Judging speech needs {' and '.join(absent)}: pip install {' '.join(absent)}"
        return track.missing()

    def measure(self, clip: AVClip) -> Mapping[str, Reading]:
        """Opinions of the whole sound track, if there is a second of speech in it."""
        heard = clip.once(speech)
        silent = heard.unscorable(LEAST_S)
        if silent is not None:
            return {quantity.name: silent for quantity in self.quantities}
        return {name: Value(value) for name, value in opinions(heard.samples).items()}


def opinions(samples: Samples) -> dict[str, float]:
    """Mean opinions, 1..5, of (m,) samples at 16 kHz: signal, background, overall, p808."""
    heard = pieces(np.clip(samples, -1.0, 1.0))
    raw = np.stack([_net("sig_bak_ovr.onnx").run(None, {"input_1": piece[None]})[0][0] for piece in heard])
    p808 = [
        _net("model_v8.onnx").run(None, {"input_1": _mel(piece[:-HOP])[None]})[0][0, 0] for piece in heard
    ]
    found = {
        name: float(np.mean(np.polyval(polynomial, column.astype(np.float64))))
        for (name, polynomial), column in zip(CALIBRATED.items(), raw.T, strict=True)
    }
    found["p808"] = float(np.mean(p808, dtype=np.float64))
    return {name: min(max(value, 1.0), 5.0) for name, value in found.items()}


def pieces(samples: Samples) -> NDArray[np.float32]:
    """(n, 144160): what the nets hear of (m,) samples, m > 0; as in speechmos, short sound is doubled."""
    while len(samples) < PIECE:
        samples = np.concatenate([samples, samples])
    count = max(1, len(samples) // RATE_HZ - 9)
    return np.stack([samples[index * RATE_HZ : index * RATE_HZ + PIECE] for index in range(count)])


def _mel(piece: Samples) -> NDArray[np.float32]:
    """(900, 120): log mel power, 0 dB and -40 dB of its highest at 1 and 0."""
    import librosa

    power = librosa.feature.melspectrogram(y=piece, sr=RATE_HZ, n_fft=FFT, hop_length=HOP, n_mels=MELS)
    return np.asarray((librosa.power_to_db(power, ref=np.max) + 40) / 40, np.float32).T


@cache
def _net(file: str) -> Any:
    import onnxruntime

    package = find_spec("speechmos")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(SpeechQuality.missing())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = Path(package.origin).parent / "dnsmos_models" / file
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
