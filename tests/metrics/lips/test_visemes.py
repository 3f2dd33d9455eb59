from __future__ import annotations

import pytest

from metrics.lips.visemes import EXPECTED, Viseme, bare, viseme_of


@pytest.mark.parametrize(
    ("ipa", "viseme"),
    [
        *((ipa, Viseme.BILABIAL) for ipa in ["p", "pʰ", "ph", "p̚", "pː", "b", "b̥", "m", "m̩", "pf"]),
        *((ipa, Viseme.LABIODENTAL) for ipa in ["f", "v", "ɱ"]),
        *((ipa, Viseme.OPEN) for ipa in ["a", "aː", "ɑ̃", "ä", "aɪ", "aɪɚ", "æ"]),
        *((ipa, Viseme.MID) for ipa in ["e̞", "ɛ̃", "ə", "eɪ"]),
        *((ipa, Viseme.SPREAD) for ipa in ["i", "i̥", "ɪ", "j", "ɹ̩", "ɻ̩"]),
        *((ipa, Viseme.ROUNDED_CLOSE) for ipa in ["u", "y", "w", "ɥ", "ø", "ʊɹ", "ɸ"]),
        *((ipa, Viseme.ROUNDED_MID) for ipa in ["o̞", "ɔ̃", "oʊ", "ɔːɹ"]),
        *((ipa, Viseme.FUNNEL) for ipa in ["ʃ", "tʃ", "ʈʂʰ"]),
        *((ipa, Viseme.FREE) for ipa in ["t", "tʰ", "kʷʰ", "ŋ", "h", "tɕh", "ç"]),
    ],
)
def test_phones_and_their_lips(ipa: str, viseme: Viseme) -> None:
    assert viseme_of(ipa) is viseme


@pytest.mark.parametrize("unknown", ["", "7", "ǃ"])
def test_an_unknown_phone_is_an_error(unknown: str) -> None:
    with pytest.raises(ValueError, match="no mouth shape"):
        viseme_of(unknown)


def test_lips_shut_are_least_open_and_rounded_ones_least_wide() -> None:
    apertures = {viseme: shape.aperture for viseme, shape in EXPECTED.items()}
    assert min(apertures, key=lambda viseme: apertures[viseme]) is Viseme.BILABIAL
    assert max(apertures, key=lambda viseme: apertures[viseme]) is Viseme.OPEN
    for rounded in (Viseme.ROUNDED_CLOSE, Viseme.ROUNDED_MID, Viseme.FUNNEL):
        assert EXPECTED[rounded].width < EXPECTED[Viseme.OPEN].width < EXPECTED[Viseme.SPREAD].width
        assert EXPECTED[rounded].protrusion > EXPECTED[Viseme.OPEN].protrusion
    assert Viseme.FREE not in EXPECTED


def test_breath_is_no_sound_of_its_own_but_h_is() -> None:
    assert bare("th") == "t"
    assert bare("h") == "h"
