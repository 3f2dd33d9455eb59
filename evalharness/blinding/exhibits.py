"""Clips of one prompt to exhibits that differ in nothing but what they show and sound like.

All clips of a prompt are made together, because together they get one length and one layout:

- Picture and sound keep their places on one clock, so a sound that is 40 ms late stays 40 ms late.
  Time zero is the first picture, or, where sound comes first, whole frames before it.
- Every exhibit lasts as long as the shortest clip (to the nearest frame); the rest is cut and noted.
- Pictures are shown whole on one canvas at one rate; sound is 48 kHz stereo at one loudness.
- Copies that are spoiled on purpose are made with the rest and differ from it in nothing else.
- Each coded picture and each sound frame is filled to the largest of its kind and place among the
  exhibits. So the files' indexes are byte-identical and the files equally long: what is left to tell
  them apart is the content of their pictures and sound.

What remains: a voter with a bitstream parser can tell filling from data and so learn how hard a
picture was to compress. The same voter could learn that from the decoded pictures.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from evalharness.blinding.flaws import LEAST_CHANGE, Flaw, Spoiler
from evalharness.blinding.loudness import integrated_loudness, level, true_peak_db
from evalharness.blinding.pictures import Canvas, Placement, resampled
from evalharness.blinding.recipe import RATE_HZ, BlindingRecipe
from evalharness.errors import MediaError
from evalharness.media.boxes import free_box
from evalharness.media.coding import CodedPictures, CodedSound, decode_aac, encode_aac, encode_h264, write_mp4
from evalharness.media.filling import PICTURE_MARGIN, SOUND_MARGIN, fill_picture, fill_sound, picture_bytes
from evalharness.media.probing import probe
from evalharness.media.reading import Sound, TimedFrame, read_frames, read_sound
from evalharness.records import Streams

__all__ = ["MadeExhibit", "make_exhibits"]

SOUND_ROUNDS = 6
LOUDNESS_TOLERANCE_LU = 0.2
PEAK_HEADROOM_DB = 0.1
PEAK_WEIGHT = 100.0
"""A peak over the ceiling is worse than any loudness."""


@dataclass(frozen=True, slots=True)
class MadeExhibit:
    """One exhibit as it was made."""

    path: Path
    sha256: str
    bytes: int
    streams: Streams
    silent: bool
    """No sound, or none above −70 LUFS: the exhibit carries digital silence."""
    loudness_lufs: float | None
    """Of the clip before, over the time shown; None where silent."""
    reached_lufs: float | None
    """Of the exhibit as a listener decodes it."""
    peak_db: float | None
    """True peak of the exhibit as a listener decodes it."""
    gain_db: float
    limited_db: float
    cut_s: float
    """How much of the clip's end is not shown."""
    placement: Placement
    flaw: str | None = None
    """What was spoiled on purpose."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """A clip whose length and sound are known."""

    path: Path
    start_s: float
    end_s: float
    sound: Sound | None


@dataclass(frozen=True, slots=True)
class _Voice:
    """A sound track ready for the file, and what making it took."""

    coded: CodedSound
    silent: bool
    loudness_lufs: float | None = None
    reached_lufs: float | None = None
    peak_db: float | None = None
    gain_db: float = 0.0
    limited_db: float = 0.0


@dataclass(frozen=True, slots=True)
class _Coded:
    """A clip in the form of its prompt's exhibits, but for its size."""

    pictures: CodedPictures
    placement: Placement
    voice: _Voice
    flaw: str | None = None


def make_exhibits(
    clips: Sequence[Path],
    outputs: Sequence[Path],
    recipe: BlindingRecipe,
    flaws: Mapping[int, Sequence[Flaw]] | None = None,
) -> list[MadeExhibit | MediaError]:
    """Make the exhibits of one prompt's clips; each lies whole at its output or is not there at all.

    The answers come in the order of `clips`. A clip that cannot be read or encoded is a MediaError in
    its place and has no say in the others' length. Same clips and recipe, same bytes.

    flaws: by place in `clips`, what to spoil; the first flaw that shows on that clip is taken, and where
    none does a MediaError says so in its place.
    """
    answers: dict[int, MadeExhibit | MediaError] = {}
    opened: dict[int, _Opened] = {}
    rate = recipe.rate
    for index, path in enumerate(clips):
        try:
            opened[index] = _open(path, rate)
        except MediaError as error:
            answers[index] = error
    if not opened:
        return [answers[index] for index in range(len(clips))]
    count = max(1, min(round((clip.end_s - clip.start_s) * rate) for clip in opened.values()))
    coded: dict[int, _Coded] = {}
    for index, clip in opened.items():
        try:
            if flaws and index in flaws:
                coded[index] = _spoiled(clip, recipe, count, flaws[index])
            else:
                coded[index] = _as_it_is(clip, recipe, count)
        except MediaError as error:
            answers[index] = error
    picture_sizes = _common_sizes(
        [[*map(picture_bytes, each.pictures.units)] for each in coded.values()], PICTURE_MARGIN
    )
    sound_sizes = _common_sizes(
        [[*map(len, each.voice.coded.units)] for each in coded.values()], SOUND_MARGIN
    )
    for index, form in coded.items():
        output, voice = outputs[index], form.voice
        write_mp4(
            output,
            form.pictures.filled(map(fill_picture, form.pictures.units, picture_sizes)),
            voice.coded.filled(map(fill_sound, voice.coded.units, sound_sizes)),
            tail=free_box(recipe.spare_bytes),
        )
        clip = opened[index]
        answers[index] = MadeExhibit(
            path=output,
            sha256=hashlib.sha256(output.read_bytes()).hexdigest(),
            bytes=output.stat().st_size,
            streams=probe(output),
            silent=voice.silent,
            loudness_lufs=voice.loudness_lufs,
            reached_lufs=voice.reached_lufs,
            peak_db=voice.peak_db,
            gain_db=voice.gain_db,
            limited_db=voice.limited_db,
            cut_s=max(0.0, clip.end_s - clip.start_s - float(count / rate)),
            placement=form.placement,
            flaw=form.flaw,
        )
    return [answers[index] for index in range(len(clips))]


def _open(path: Path, rate: Fraction) -> _Opened:
    start_s = end_s = None
    for shown in read_frames(path):
        start_s, end_s = shown.start_s if start_s is None else start_s, shown.end_s
    if start_s is None or end_s is None:
        raise MediaError(f"{path} holds no picture. Fetch or render it again.")
    sound = read_sound(path, RATE_HZ, 2)
    lead_s = 0.0 if sound is None else max(0.0, start_s - sound.start_s)
    # Whole frames, so that pictures which come at the study's own rate stay on its grid.
    return _Opened(path, start_s - float(math.ceil(round(lead_s * rate, 3)) / rate), end_s, sound)


def _as_it_is(clip: _Opened, recipe: BlindingRecipe, count: int) -> _Coded:
    canvas = Canvas(recipe.width, recipe.height)
    coded = _encoded(map(canvas.draw, _frames(clip, recipe, count)), recipe)
    return _Coded(coded, canvas.placement, _voice(clip, recipe, count))


def _spoiled(clip: _Opened, recipe: BlindingRecipe, count: int, flaws: Sequence[Flaw]) -> _Coded:
    """The clip with the first of the flaws that shows."""
    for flaw in flaws:
        canvas, spoiler = Canvas(recipe.width, recipe.height), Spoiler(flaw, count)
        drawn = map(canvas.draw, _frames(clip, recipe, count))
        coded = _encoded((spoiler.spoil(each, canvas.placement) for each in drawn), recipe)
        voice = _voice(clip, recipe, count, flaw.late_s)
        if not voice.silent if flaw.is_heard else spoiler.change >= LEAST_CHANGE:
            return _Coded(coded, canvas.placement, voice, flaw.name)
    names = ", ".join(flaw.name for flaw in flaws)
    raise MediaError(f"{clip.path} is so plain, still and quiet that nobody would notice {names}.")


def _frames(clip: _Opened, recipe: BlindingRecipe, count: int) -> Iterator[TimedFrame]:
    return resampled(read_frames(clip.path), clip.start_s, recipe.rate, count)


def _encoded(pictures: Iterable[VideoFrame], recipe: BlindingRecipe) -> CodedPictures:
    return encode_h264(pictures, recipe.rate, (recipe.width, recipe.height), recipe.x264)


def _voice(clip: _Opened, recipe: BlindingRecipe, count: int, late_s: float = 0.0) -> _Voice:
    """The clip's sound on the exhibit's clock, or later, at the recipe's loudness after coding."""
    track = _on_clock(clip, round(count / recipe.rate * RATE_HZ), late_s)
    loudness = integrated_loudness(track)
    if loudness is None:
        return _Voice(encode_aac(np.zeros_like(track), RATE_HZ, recipe.sound_bit_rate), silent=True)
    if not recipe.normalise_loudness:
        coded = encode_aac(track, RATE_HZ, recipe.sound_bit_rate)
        heard = decode_aac(coded)
        return _Voice(coded, False, loudness, integrated_loudness(heard), true_peak_db(heard))
    return _levelled(track, loudness, recipe)


def _levelled(track: NDArray[np.float32], loudness: float, recipe: BlindingRecipe) -> _Voice:
    """The track at the recipe's loudness as a listener decodes it.

    Coding moves loudness and peaks a little, sharp sounds more and without order, so it is tried again
    with the wish corrected by what came out, and the closest try under the ceiling is taken.
    """
    best: _Voice | None = None
    best_miss = np.inf
    wished, ceiling = recipe.loudness_lufs, recipe.true_peak_db - PEAK_HEADROOM_DB
    for _ in range(SOUND_ROUNDS):
        levelled = level(track, wished, ceiling)
        coded = encode_aac(levelled.samples, RATE_HZ, recipe.sound_bit_rate)
        heard = decode_aac(coded)
        reached, peak = integrated_loudness(heard), true_peak_db(heard)
        over = max(0.0, peak - recipe.true_peak_db)
        short = 0.0 if reached is None else recipe.loudness_lufs - reached
        miss = abs(short) + PEAK_WEIGHT * over
        if miss < best_miss:
            best_miss = miss
            best = _Voice(coded, False, loudness, reached, peak, levelled.gain_db, levelled.limited_db)
        if miss <= LOUDNESS_TOLERANCE_LU:
            break
        wished += short / 2
        ceiling -= over + (PEAK_HEADROOM_DB if over else 0.0)
    if best is None:
        raise MediaError(
            "The sound could not be levelled: its samples are not numbers. Render the clip again."
        )
    return best


def _on_clock(clip: _Opened, length: int, late_s: float) -> NDArray[np.float32]:
    """The clip's sound from its time zero on, `late_s` late, cut or lengthened by silence to `length`."""
    track = np.zeros((2, length), dtype=np.float32)
    if clip.sound is not None:
        start = round((clip.sound.start_s - clip.start_s + late_s) * RATE_HZ)
        heard = clip.sound.samples[:, : max(0, length - start)]
        track[:, start : start + heard.shape[1]] = heard
    return track


def _common_sizes(sizes: Sequence[Sequence[int]], margin: int) -> list[int]:
    """Per place, what every exhibit's unit is filled to."""
    return [max(place) + margin for place in zip(*sizes, strict=True)]
