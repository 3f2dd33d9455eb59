"""Speak one line with libespeak-ng in a process of its own, and say when each phoneme sounded.

espeak-ng keeps state between lines (noise, flutter, timing), so the same line differs by what was
spoken before it, and the library is not safe in threads. A fresh process a line (about 40 ms) makes
the same line the same bytes, in any order, thread or worker. Run by `speech.py`; standard library only.

In: one JSON object on stdin (library, data, voice, text, words_per_minute, pitch, pitch_range).
Out: one JSON line {"rate_hz", "events": [[start_s, phoneme], …], "end_s"}, then 16-bit mono samples.
Phonemes are IPA, or espeak's own mnemonic where a voice has no IPA for it; "" is a pause.
Exit status 3: this library has no such voice; any other status but 0: it would not start or speak.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any

NO_SUCH_VOICE = 3

# From espeak-ng's speak_lib.h.
_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 1, 2, 0x8000
_RATE, _PITCH, _RANGE = 1, 3, 4
_UTF8 = 1
_LIST_END, _PHONEME = 0, 7


class _Name(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Name),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


def _speak(order: dict[str, Any]) -> tuple[int, list[tuple[float, str]], bytes]:
    """The sample rate, the phoneme events and the samples of one line; SystemExit where it cannot."""
    library = ctypes.CDLL(order["library"])
    data = None if order["data"] is None else order["data"].encode()
    options = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, 200, data, options)
    if rate_hz <= 0:
        raise SystemExit(f"libespeak-ng would not start (code {rate_hz})")
    # Breathy voices draw noise that is seeded by the clock; older libraries cannot be told otherwise.
    if hasattr(library, "espeak_ng_SetRandSeed"):
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    if library.espeak_SetVoiceByName(order["voice"].encode()) != 0:
        raise SystemExit(NO_SUCH_VOICE)
    library.espeak_SetParameter(_RATE, int(order["words_per_minute"]), 0)
    library.espeak_SetParameter(_PITCH, int(order["pitch"]), 0)
    library.espeak_SetParameter(_RANGE, int(order["pitch_range"]), 0)

    pcm = bytearray()
    events: list[tuple[float, str]] = []

    def collect(samples: int | None, count: int, event: Any) -> int:
        if samples and count > 0:
            pcm.extend(ctypes.string_at(samples, 2 * count))
        at = 0
        while event[at].type != _LIST_END:
            if event[at].type == _PHONEME:
                name = event[at].id.string.decode("utf-8", errors="ignore")
                events.append((event[at].audio_position_ms / 1000.0, name))
            at += 1
        return 0

    callback = _Callback(collect)
    library.espeak_SetSynthCallback(callback)
    text = order["text"].encode()
    status = library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 1, 0, _UTF8, None, None)
    library.espeak_Terminate()
    if status != 0:
        raise SystemExit(f"libespeak-ng would not speak (code {status})")
    return rate_hz, events, bytes(pcm)


def main() -> None:
    """Read the order from stdin, write what was spoken to stdout."""
    rate_hz, events, pcm = _speak(json.load(sys.stdin))
    header = {"rate_hz": rate_hz, "events": events, "end_s": len(pcm) / 2 / rate_hz}
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + pcm)


if __name__ == "__main__":
    main()
