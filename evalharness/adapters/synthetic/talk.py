"""A person who says the prompt's words: voice, lips and face on one clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evalharness.records import Prompt

from .head import Head
from .persona import persona
from .scenes.paint import Picture
from .sound import RATE_HZ
from .speech import speak
from .visemes import Closure, MouthTracks, mouth_tracks

__all__ = ["Talk"]

_LEAD_S = 0.35
"""The face is seen before it speaks."""
_TAIL_S = 0.15
_WOMAN = re.compile(
    r"\b(?:woman|girl|mother|grandmother|lady|she|her|femme|fille|dame|elle|frau|mädchen|sie)\b"
    r"|女|她|母親|母亲|여자|여성|소녀|할머니"
)
_MAN = re.compile(
    r"\b(?:man|boy|father|grandfather|he|his|homme|garçon|il|mann|junge|er)\b|男|他|父|남자|남성|소년|할아버지"
)


class Talk:
    """One spoken line and its speaker."""

    def __init__(self, prompt: Prompt, seed: int, style: int, duration_s: float) -> None:
        """Speak the line; raises GenerationError or MissingExtraError where that cannot be done."""
        self._seed = _person(prompt, seed + 7919 * style)
        self._speech = speak(
            prompt.spoken or "",
            prompt.language,
            reading=prompt.reading,
            rate_hz=RATE_HZ,
            seed=self._seed,
            within_s=max(0.3, duration_s - _LEAD_S - _TAIL_S),
        )

    def mouth(self, times_s: NDArray[np.float64], error_rate: float) -> MouthTracks:
        """The lips at these times of the picture's clock."""
        return mouth_tracks(self._speech.events, times_s - _LEAD_S, error_rate=error_rate, seed=self._seed)

    def on_clock(self, closures: Sequence[Closure]) -> tuple[Closure, ...]:
        """Closures of the line on the picture's clock."""
        return tuple(Closure(c.start_s + _LEAD_S, c.end_s + _LEAD_S) for c in closures)

    def sound(self, delay_s: float, duration_s: float) -> NDArray[np.float32]:
        """The line in the middle of a stereo track (2, n), `delay_s` after the lips (to the sample)."""
        track = np.zeros((2, round(duration_s * RATE_HZ)), np.float32)
        first = round((_LEAD_S + delay_s) * RATE_HZ)
        skip = max(0, -first)
        here = track[:, max(0, first) : max(0, first + len(self._speech.samples))]
        here += self._speech.samples[skip : skip + here.shape[1]]
        return track

    def frames(
        self, mouth: MouthTracks, times_s: NDArray[np.float64], width: int, height: int
    ) -> Iterator[Picture]:
        """The speaker at each time."""
        head = Head(self._seed, width, height)
        for index, time in enumerate(times_s.tolist()):
            yield head.frame(mouth[index], time)


def _person(prompt: Prompt, seed: int) -> int:
    """The first person from `seed` on who is of the sex the prompt tells of, if it tells."""
    text = prompt.text.lower()
    woman = "woman" in prompt.tags or _WOMAN.search(text) is not None
    man = "man" in prompt.tags or _MAN.search(text) is not None
    if woman == man:
        return seed
    return next(seed + step for step in range(64) if persona(seed + step).feminine == woman)
