from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.media.boxes import free_box, read_boxes, served_bytes, spare_region
from evalharness.media.coding import CodedPictures, CodedSound, decode_aac, encode_aac, encode_h264, write_mp4
from evalharness.media.filling import PICTURE_MARGIN, SOUND_MARGIN, fill_picture, fill_sound, picture_bytes

RATE = Fraction(25)


def pictures(noise: int, count: int = 10) -> CodedPictures:
    rng = np.random.default_rng(noise)
    drawn = (
        av.VideoFrame.from_ndarray(
            rng.integers(100 - noise, 101 + noise, (64, 64, 3), dtype=np.uint8), format="rgb24"
        ).reformat(format="yuv420p")
        for _ in range(count)
    )
    return encode_h264(drawn, RATE, (64, 64), {"crf": "20", "preset": "ultrafast", "g": "5"})


def sound(level: float) -> CodedSound:
    noise = np.random.default_rng(3).normal(0, level, (2, 19_200)) if level else np.zeros((2, 19_200))
    return encode_aac(noise.astype(np.float32), 48_000, 128_000)


QUIET, LOUD = sound(0.0), sound(0.2)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(SOUND_MARGIN, 1500), min_size=len(LOUD.units), max_size=len(LOUD.units)))
def test_filled_sound_is_the_same_sound_at_any_size(more: list[int]) -> None:
    for coded in (QUIET, LOUD):
        filled = [fill_sound(unit, len(unit) + extra) for unit, extra in zip(coded.units, more, strict=True)]

        assert [len(unit) for unit in filled] == [len(u) + m for u, m in zip(coded.units, more, strict=True)]
        assert np.array_equal(decode_aac(coded.filled(filled)), decode_aac(coded))


def test_filled_pictures_are_the_same_pictures(tmp_path: Path) -> None:
    coded = pictures(40)
    sizes = [picture_bytes(unit) + PICTURE_MARGIN + 37 * index for index, unit in enumerate(coded.units)]
    write_mp4(tmp_path / "own.mp4", coded, None)
    write_mp4(tmp_path / "filled.mp4", coded.filled(map(fill_picture, coded.units, sizes)), None)

    def decoded(name: str) -> list[bytes]:
        with av.open(str(tmp_path / name)) as container:
            return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]

    with av.open(str(tmp_path / "filled.mp4")) as container:
        assert [packet.size for packet in container.demux(video=0) if packet.size] == sizes
    assert decoded("filled.mp4") == decoded("own.mp4")


def test_units_too_big_for_their_place_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be filled"):
        fill_sound(LOUD.units[0], len(LOUD.units[0]))
    with pytest.raises(ValueError, match="cannot be filled"):
        fill_picture(pictures(1, 1).units[0], 10)


def test_clips_filled_alike_give_files_alike_up_to_their_units(tmp_path: Path) -> None:
    clips = [(pictures(2), QUIET), (pictures(90), LOUD)]
    sizes = [
        max(place) + PICTURE_MARGIN
        for place in zip(*([*map(picture_bytes, p.units)] for p, _ in clips), strict=True)
    ]
    lengths = [
        max(place) + SOUND_MARGIN for place in zip(*([*map(len, s.units)] for _, s in clips), strict=True)
    ]
    heads = []
    for index, (coded, voice) in enumerate(clips):
        path = tmp_path / f"{index}.mp4"
        write_mp4(
            path,
            coded.filled(map(fill_picture, coded.units, sizes)),
            voice.filled(map(fill_sound, voice.units, lengths)),
            tail=free_box(16),
        )
        data = path.read_bytes()
        (media,) = (box for box in read_boxes(data) if box.kind == "mdat")
        heads.append((data[: media.payload.start], data[media.payload.stop :]))

    assert heads[0] == heads[1]
    assert clips[0][0].units != clips[1][0].units


def test_each_showing_has_its_own_bytes_at_the_same_length(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, pictures(3), QUIET, tail=free_box(64))
    length = path.stat().st_size

    first, second = served_bytes(path, b"one", 0, length), served_bytes(path, b"two", 0, length)

    assert len(first) == len(second) == length
    assert first != second
    offset, spare = spare_region(path)
    assert spare == 64
    assert first[:offset] == second[:offset] == path.read_bytes()[:offset]
    cut = [0, 7, offset - 3, offset + 5, length - 1, length]
    assert b"".join(served_bytes(path, b"one", a, b) for a, b in pairwise(cut)) == first
    (tmp_path / "served.mp4").write_bytes(first)
    with av.open(str(tmp_path / "served.mp4")) as container:
        assert len(list(container.decode(video=0))) == 10
