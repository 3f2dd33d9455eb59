"""The speaking process says the same line with the same samples, whatever the clock shows."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from evalharness.adapters.synthetic import espeak_line

loader = pytest.importorskip("espeakng_loader", reason="Speech needs the extra 'synthetic'.")


def say(voice: str) -> bytes:
    order = {
        "library": loader.get_library_path(),
        "data": loader.get_data_path(),
        "voice": voice,
        "text": "My brother baked a pie.",
        "words_per_minute": 155,
        "pitch": 50,
        "pitch_range": 50,
    }
    command = [sys.executable, "-I", "-S", espeak_line.__file__]
    return subprocess.run(command, input=json.dumps(order).encode(), capture_output=True, check=True).stdout


def test_a_breathy_voice_breathes_the_same_in_another_second() -> None:
    """espeak-ng seeds its noise with the time in whole seconds; +f2 is a voice that draws from it."""
    first = say("en-us+f2")
    time.sleep(1.05)
    assert say("en-us+f2") == first


def test_a_voice_that_is_not_there_has_its_own_exit_status() -> None:
    with pytest.raises(subprocess.CalledProcessError) as ended:
        say("xx-nobody")
    assert ended.value.returncode == espeak_line.NO_SUCH_VOICE
