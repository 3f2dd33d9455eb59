"""Pronunciation by the rules of espeak-ng, through its C library (no sound is made).

Good for English, German, French and Korean in their own script. Not for Chinese characters, which it
spells out, nor for kanji: those languages have modules of their own.
"""

from __future__ import annotations

import ctypes
import re
import threading
from functools import lru_cache
from typing import Any

__all__ = ["spell"]

_SYNCHRONOUS, _DONT_EXIT = 2, 0x8000
_UTF8 = 1
_IPA, _SEPARATOR = 0x02, "_"
_LOCK = threading.Lock()
"""The library keeps one voice for the whole process."""


def spell(text: str, voice: str) -> list[list[str]]:
    """The phones (IPA) of each word of `text` in the espeak voice `voice` (`en-us`, `de`, `fr`, `ko` …).

    Words that are said as one (`of the`) come as one. Stress, length and syllable marks are left out.
    Raises ValueError where the library has no such voice.
    """
    with _LOCK:
        library = _library()
        if library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"This espeak-ng has no voice {voice!r}.")
        rest = ctypes.c_char_p(text.encode())
        said: list[str] = []
        while rest.value is not None:  # one clause a call; the pointer moves on
            clause = library.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA | ord(_SEPARATOR) << 8)
            said += (clause or b"").decode().split()
    words = [[re.sub("[ˈˌ-]|ː$", "", phone) for phone in word.split(_SEPARATOR)] for word in said]
    # "(en)" and "(fr)" tell of a switch of voice within a line and are no phones.
    spoken = [[phone for phone in word if phone and not phone.startswith("(")] for word in words]
    return [word for word in spoken if word]


@lru_cache(maxsize=1)
def _library() -> Any:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    if library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _DONT_EXIT) <= 0:
        raise OSError("libespeak-ng is there but would not start; reinstall it: pip install espeakng-loader")
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
    return library
