from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pyloudnorm
import pytest

from evalharness.blinding import BlindingRecipe, MadeExhibit, make_exhibits
from evalharness.blinding.loudness import true_peak_db
from evalharness.config import BlindingSettings
from evalharness.errors import MediaError
from evalharness.media import probe, read_sound, write_video
from evalharness.media.boxes import read_boxes

SHARED_CLIPS = Path(__file__).parents[2].parent / "shared" / "data" / "clips"


def outside_of_units(path: Path) -> tuple[bytes, int, bytes]:
    """Everything in an MP4 but the coded units: what is before, how long they are, what is after."""
    data = path.read_bytes()
    (media,) = (box for box in read_boxes(data) if box.kind == "mdat")
    return data[: media.payload.start], media.size, data[media.payload.stop :]


def unlike(films: ModuleType, folder: Path) -> list[Path]:
    """Clips that differ in everything a system could leave its habits in."""
    described = [
        films.Film("mp4", 24.0, 2.0, size=(96, 64), level=0.05, tags=(("title", "model one"),)),
        films.Film("mov", 30.0, 2.4, size=(64, 96), level=1.0),
        films.Film("webm", 25.0, 1.9, size=(160, 90), beep_s=None),
        films.Film("mkv", 60.0, 3.0, size=(64, 64), level=0.5, picture_start_s=0.5, sound_start_s=0.25),
    ]
    return [films.write(film, folder / f"clip{index}") for index, film in enumerate(described)]


@pytest.fixture(scope="module")
def made(
    films: ModuleType, recipe: BlindingRecipe, tmp_path_factory: pytest.TempPathFactory
) -> list[MadeExhibit]:
    folder = tmp_path_factory.mktemp("unlike")
    answers = make_exhibits(unlike(films, folder), [folder / f"{index}.mp4" for index in range(4)], recipe)
    assert all(isinstance(answer, MadeExhibit) for answer in answers)
    return answers


def test_files_of_a_prompt_are_alike_in_all_but_the_coded_units(made: list[MadeExhibit]) -> None:
    assert len({outside_of_units(exhibit.path) for exhibit in made}) == 1
    assert len({exhibit.sha256 for exhibit in made}) == 4


def test_all_last_as_long_as_the_shortest_and_say_what_was_cut(made: list[MadeExhibit]) -> None:
    assert {exhibit.streams.frames for exhibit in made} == {round(1.9 * 12)}
    assert [exhibit.cut_s for exhibit in made] == pytest.approx([0.1, 0.5, 0.0, 1.35], abs=0.05)


def test_all_have_one_form(made: list[MadeExhibit]) -> None:
    for exhibit in made:
        streams = exhibit.streams
        assert (streams.container, streams.video_codec, streams.pixel_format) == ("mp4", "h264", "yuv420p")
        assert (streams.width, streams.height, streams.fps) == (128, 96, 12.0)
        assert (streams.audio_codec, streams.sample_rate_hz, streams.channels) == ("aac", 48_000, 2)
        with av.open(str(exhibit.path)) as container:
            context = container.streams.video[0].codec_context
            assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (
                1,
                1,
                1,
                1,
            )


def test_sound_reaches_its_loudness_by_another_librarys_ear(made: list[MadeExhibit]) -> None:
    for exhibit in made:
        sound = read_sound(exhibit.path)
        if exhibit.silent:
            assert not sound.samples.any()
            continue
        heard = pyloudnorm.Meter(48_000).integrated_loudness(sound.samples.T.astype(float))
        assert heard == pytest.approx(-23.0, abs=0.5)
        assert true_peak_db(sound.samples) <= -1.0


def test_a_clip_without_sound_is_marked_and_stays_silent(made: list[MadeExhibit]) -> None:
    assert [exhibit.silent for exhibit in made] == [False, False, True, False]
    assert made[2].loudness_lufs is None


def test_the_same_clips_give_the_same_bytes(
    films: ModuleType, recipe: BlindingRecipe, tmp_path: Path, made
) -> None:
    clips = unlike(films, tmp_path)

    again = make_exhibits(clips, [tmp_path / f"{index}.mp4" for index in range(4)], recipe)

    assert [exhibit.sha256 for exhibit in again] == [exhibit.sha256 for exhibit in made]


@pytest.mark.parametrize("container", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize(
    ("fps", "lag_s", "picture_start_s", "sound_start_s"),
    [(24.0, 0.0, 0.0, 0.0), (25.0, 0.12, 0.0, 0.0), (30.0, -0.2, 0.5, 0.2), (60.0, 0.08, 0.1, 0.4)],
)
def test_sound_is_as_late_as_it_was(
    films: ModuleType,
    tmp_path: Path,
    container: str,
    fps: float,
    lag_s: float,
    picture_start_s: float,
    sound_start_s: float,
) -> None:
    form = BlindingRecipe.of(BlindingSettings(width=96, height=64, fps=24.0))
    film = films.Film(
        container, fps, 1.5, beep_s=1 + lag_s, picture_start_s=picture_start_s, sound_start_s=sound_start_s
    )
    clip = films.write(film, tmp_path / "clip")
    before_s = films.offset_s(clip)

    make_exhibits([clip], [tmp_path / "exhibit.mp4"], form)

    assert before_s == pytest.approx(lag_s, abs=0.0011)
    assert films.offset_s(tmp_path / "exhibit.mp4") == pytest.approx(before_s, abs=0.0005)


def test_a_change_between_frames_moves_by_half_a_frame_at_most(films: ModuleType, tmp_path: Path) -> None:
    form = BlindingRecipe.of(BlindingSettings(width=96, height=64, fps=24.0))
    moved = []
    for index in range(8):
        flash_s = 1 + index / 30
        clip = films.write(
            films.Film("mp4", 30.0, 2.0, flash_s=flash_s, beep_s=flash_s), tmp_path / f"{index}"
        )
        make_exhibits([clip], [tmp_path / "exhibit.mp4"], form)
        moved.append(films.offset_s(tmp_path / "exhibit.mp4"))

    assert max(map(abs, moved)) <= 0.5 / 24 + 0.001
    assert abs(np.mean(moved)) < 0.006


def test_the_picture_is_whole_undistorted_and_upright(tmp_path: Path, recipe: BlindingRecipe) -> None:
    tall = np.zeros((96, 48, 3), np.uint8)
    tall[:48] = 200
    write_video(tmp_path / "tall.mp4", [tall] * 12, 24.0)
    data = bytearray((tmp_path / "tall.mp4").read_bytes())
    upright = b"".join(n.to_bytes(4, "big") for n in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))
    turned = b"".join(n.to_bytes(4, "big") for n in (0, 0x10000, 0, 0xFFFF0000, 0, 0, 0, 0, 0x40000000))
    at = data.index(upright, data.index(b"tkhd"))
    data[at : at + 36] = turned
    (tmp_path / "turned.mp4").write_bytes(data)
    clips = [tmp_path / "tall.mp4", tmp_path / "turned.mp4"]

    plain, rotated = make_exhibits(clips, [tmp_path / "a.mp4", tmp_path / "b.mp4"], recipe)

    assert (plain.placement.left, plain.placement.top) == (40, 0)
    assert (plain.placement.width, plain.placement.height) == (48, 96)
    assert (rotated.placement.width, rotated.placement.height) == (128, 64)
    first, second = (_first_luma(tmp_path / name) for name in ("a.mp4", "b.mp4"))
    assert first[10, 64] > 150
    assert first[90, 64] < 30
    assert first[10, 10] < 20
    # Turned a quarter clockwise, what was on top is on the right.
    assert second[48, 110] > 150
    assert second[48, 10] < 30
    assert second[5, 64] < 20


@pytest.mark.parametrize("lines", [64, 720])
def test_colours_survive_whatever_the_clip_says_of_itself(tmp_path: Path, lines: int) -> None:
    """Players take untagged video as BT.601 below 720 lines and BT.709 from there."""
    form = BlindingRecipe.of(BlindingSettings(width=96, height=64, fps=12.0))
    red = np.zeros((lines, lines, 3), np.uint8)
    red[:] = (200, 40, 60)
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=12, options={"preset": "ultrafast", "crf": "10"})
        stream.width = stream.height = lines
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(red, format="rgb24").reformat(
                format="yuv420p",
                dst_colorspace="ITU709" if lines >= 720 else "ITU601",
                src_color_range="JPEG",
                dst_color_range="MPEG",
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    make_exhibits([tmp_path / "clip.mp4"], [tmp_path / "exhibit.mp4"], form)

    with av.open(str(tmp_path / "exhibit.mp4")) as container:
        frame = next(container.decode(video=0))
    seen = frame.reformat(format="rgb24", src_colorspace="ITU709", dst_color_range="JPEG").to_ndarray()[
        32, 48
    ]
    assert seen.astype(int).tolist() == pytest.approx([200, 40, 60], abs=6)


def test_loudness_can_be_left_alone(films: ModuleType, recipe: BlindingRecipe, tmp_path: Path) -> None:
    clip = films.write(films.Film("mp4", level=0.3, noise=0.05), tmp_path / "clip")

    (kept,) = make_exhibits([clip], [tmp_path / "kept.mp4"], replace(recipe, normalise_loudness=False))

    assert kept.gain_db == 0.0
    assert kept.reached_lufs == pytest.approx(kept.loudness_lufs, abs=0.3)


def test_a_broken_clip_is_a_sentence_and_its_rivals_are_made(
    films: ModuleType, recipe, tmp_path: Path
) -> None:
    clip = films.write(films.Film("mp4"), tmp_path / "clip")
    (tmp_path / "broken.mp4").write_bytes(b"<html>not found</html>")
    outputs = [tmp_path / "0.mp4", tmp_path / "1.mp4"]

    broken, whole = make_exhibits([tmp_path / "broken.mp4", clip], outputs, recipe)

    assert isinstance(broken, MediaError)
    assert "broken.mp4" in str(broken)
    assert isinstance(whole, MadeExhibit)
    assert [output.exists() for output in outputs] == [False, True]


@pytest.mark.realclips
def test_real_clips_of_four_systems_come_out_alike(tmp_path: Path) -> None:
    names = ["mb_MoCha_02", "mb_SadTalker_02", "mb_aniportrait-square_02", "mb_hallo3_02"]
    clips = [SHARED_CLIPS / f"{name}.mp4" for name in names]
    if not all(clip.is_file() for clip in clips):
        pytest.skip(f"The real clips are not here: {SHARED_CLIPS} holds none of them.")
    form = BlindingRecipe.of(BlindingSettings(width=320, height=180))

    made = make_exhibits(clips, [tmp_path / f"{name}.mp4" for name in names], form)

    assert len({outside_of_units(exhibit.path) for exhibit in made}) == 1
    for exhibit in made:
        sound = read_sound(exhibit.path)
        assert pyloudnorm.Meter(48_000).integrated_loudness(sound.samples.T.astype(float)) == pytest.approx(
            -23, abs=0.5
        )
        assert probe(exhibit.path).duration_s == pytest.approx(5.1667, abs=0.001)


def _first_luma(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="gray")
