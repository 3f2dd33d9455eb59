"""What is spoiled on purpose is seen or heard by anybody, and by nobody told from the file around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from evalharness.blinding import BlindingRecipe, MadeExhibit, audit_exhibits, flaws_for, make_exhibits
from evalharness.blinding.features import Kind
from evalharness.blinding.flaws import FLAWS, LEAST_CHANGE, Flaw
from evalharness.errors import BlindingError, MediaError
from evalharness.media import read_frames, read_sound, write_video
from evalharness.media.boxes import free_box, read_boxes
from evalharness.records import Exhibit, JobKey

BY_NAME = {flaw.name: flaw for flaw in FLAWS}
PICTURES = [flaw for flaw in FLAWS if not flaw.is_heard]


def spoil(clip: Path, folder: Path, recipe: BlindingRecipe, *flaws: Flaw) -> list[MadeExhibit | MediaError]:
    """The clip's exhibit, and its spoiled copy."""
    outputs = [folder / f"{clip.stem}-{flaws[0].name}-{kind}.mp4" for kind in ("whole", "spoiled")]
    return make_exhibits([clip, clip], outputs, recipe, {1: flaws})


def both(answers: Sequence[MadeExhibit | MediaError]) -> tuple[MadeExhibit, MadeExhibit]:
    whole, spoiled = answers
    assert isinstance(whole, MadeExhibit)
    assert isinstance(spoiled, MadeExhibit), spoiled
    return whole, spoiled


def luma(path: Path) -> NDArray[np.int16]:
    """(pictures, height, width)."""
    pictures = [np.asarray(each.frame.to_ndarray(format="gray"), np.int16) for each in read_frames(path)]
    return np.stack(pictures)


def around(path: Path) -> tuple[bytes, int, bytes]:
    """Everything in an MP4 but the coded units, and how long these are."""
    data = path.read_bytes()
    (media,) = (box for box in read_boxes(data) if box.kind == "mdat")
    return data[: media.payload.start], media.size, data[media.payload.stop :]


@pytest.fixture(scope="module")
def clip(draw_clip: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of texture that moves, with noise."""
    path = tmp_path_factory.mktemp("flaws") / "clip.mp4"
    draw_clip(path, np.random.default_rng(5), duration_s=1.4)
    return path


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.name)
def test_a_spoiled_copy_is_one_more_exhibit_of_its_prompt(
    clip: Path, tmp_path: Path, recipe: BlindingRecipe, flaw: Flaw
) -> None:
    whole, spoiled = both(spoil(clip, tmp_path, recipe, flaw))
    assert (whole.flaw, spoiled.flaw) == (None, flaw.name)
    assert around(whole.path) == around(spoiled.path)
    assert (whole.bytes, whole.streams, whole.silent) == (spoiled.bytes, spoiled.streams, spoiled.silent)
    assert whole.reached_lufs == pytest.approx(spoiled.reached_lufs, abs=1.0)
    change = np.abs(luma(whole.path) - luma(spoiled.path))
    if flaw.is_heard:
        assert change.max() == 0
    else:
        assert change[len(change) // 2 + 1 :].mean() > LEAST_CHANGE
    (_, again) = both(spoil(clip, tmp_path, recipe, flaw))
    assert again.sha256 == spoiled.sha256


def test_a_frozen_clip_moves_until_its_middle(clip: Path, tmp_path: Path, recipe: BlindingRecipe) -> None:
    whole, spoiled = both(spoil(clip, tmp_path, recipe, BY_NAME["freeze"]))
    before, after = luma(whole.path), luma(spoiled.path)
    half = round(len(after) / 2)
    assert np.abs(after[:half] - before[:half]).mean() < 2.5  # what coding alone changes
    assert np.abs(np.diff(after[half:], axis=0)).mean() < 0.5
    assert np.abs(np.diff(before[half:], axis=0)).mean() > 5


def test_late_sound_is_600_ms_late(clip: Path, tmp_path: Path, recipe: BlindingRecipe) -> None:
    whole, spoiled = both(spoil(clip, tmp_path, recipe, BY_NAME["sound_late"]))
    heard = [read_sound(each.path, 48_000, 1) for each in (whole, spoiled)]
    on_time, late = (sound.samples[0] for sound in heard if sound is not None)
    like = np.correlate(late[:60_000], on_time[2_000:12_000], mode="valid")
    assert (int(np.argmax(like)) - 2_000) / 48_000 == pytest.approx(0.6, abs=0.001)


@pytest.mark.parametrize("name", ["blur", "blocks"])
def test_the_black_around_a_picture_stays_black(tmp_path: Path, recipe: BlindingRecipe, name: str) -> None:
    upright = tmp_path / "upright.mp4"
    write_video(upright, np.random.default_rng(3).integers(0, 255, (12, 96, 64, 3), np.uint8), 24.0, None)
    whole, spoiled = both(spoil(upright, tmp_path, recipe, BY_NAME[name]))
    left = whole.placement.left
    assert left > 10
    assert luma(spoiled.path)[:, :, : left - 8].max() == luma(whole.path)[:, :, : left - 8].max()


def test_a_flaw_that_nobody_would_notice_makes_room_for_the_next(
    draw_clip: Callable[..., None], tmp_path: Path, recipe: BlindingRecipe
) -> None:
    texture = np.random.default_rng(1).integers(0, 255, (6, 8, 3)).repeat(16, 0).repeat(16, 1)
    still, mute, plain = (tmp_path / f"{name}.mp4" for name in ("still", "mute", "plain"))
    write_video(still, [texture.astype(np.uint8)] * 24, 24.0, None)
    draw_clip(mute, np.random.default_rng(2), sound=False)
    write_video(plain, [np.full((96, 128, 3), 90, np.uint8)] * 24, 24.0, None)
    freeze, blur, late = BY_NAME["freeze"], BY_NAME["blur"], BY_NAME["sound_late"]

    assert both(spoil(still, tmp_path, recipe, freeze, blur))[1].flaw == "blur"
    assert both(spoil(mute, tmp_path, recipe, late, freeze))[1].flaw == "freeze"
    whole, none = spoil(plain, tmp_path, recipe, late, freeze, blur)
    assert isinstance(whole, MadeExhibit)
    assert isinstance(none, MediaError)
    assert "nobody would notice sound_late, freeze, blur" in str(none)
    assert not (tmp_path / "plain-sound_late-spoiled.mp4").exists()


def test_a_prompt_keeps_its_flaw_and_prompts_differ() -> None:
    first = {flaws_for(f"p{number}", heard=True)[0].name for number in range(40)}
    assert first == set(BY_NAME)
    assert flaws_for("p", heard=True) == flaws_for("p", heard=True)
    assert set(flaws_for("p", heard=False)) == set(PICTURES)


def test_a_guesser_with_the_files_form_tells_no_spoiled_copy_from_its_rival(
    draw_clip: Callable[..., None], tmp_path: Path, recipe: BlindingRecipe
) -> None:
    """Who is shown pairs and wants to find those with a spoiled side has the files, and no more."""
    (tmp_path / "exhibits").mkdir()
    shown = []
    for prompt in range(4):
        clips = [tmp_path / f"{prompt}-{side}.mp4" for side in range(2)]
        for side, path in enumerate(clips):
            draw_clip(path, np.random.default_rng([prompt, side]), duration_s=0.5)
        outputs = [tmp_path / "exhibits" / f"{prompt * 16 + place:032x}.mp4" for place in range(3)]
        made = make_exhibits([*clips, clips[0]], outputs, recipe, {2: flaws_for(f"p{prompt}", heard=True)})
        for each in made[1:]:
            assert isinstance(each, MadeExhibit)
            kind = "spoiled" if each.flaw else "as it is"
            shown.append(
                Exhibit(
                    id=each.path.stem,
                    clip=JobKey(kind, f"p{prompt}", 1),
                    clip_sha256="",
                    prompt_id=f"p{prompt}",
                    path=f"exhibits/{each.path.name}",
                    sha256=each.sha256,
                    bytes=each.bytes,
                    streams=each.streams,
                    silent=each.silent,
                    loudness_lufs=each.loudness_lufs,
                    flaw=each.flaw,
                )
            )
    report = audit_exhibits(shown, tmp_path)
    assert report.systems == ("as it is", "spoiled")
    assert not [finding.sentence for finding in report.findings if finding.kind is Kind.FORM]
    assert not report.guesses["all form"].tells
    assert not report.leaks

    whole, spoiled = ([each for each in shown[:2] if bool(each.flaw) is flawed] for flawed in (False, True))
    assert not audit_exhibits(whole, tmp_path, spoiled=spoiled).leaks
    with (tmp_path / spoiled[0].path).open("ab") as file:
        file.write(free_box(64))
    report = audit_exhibits(whole, tmp_path, spoiled=spoiled)
    assert {finding.feature for finding in report.leaks} == {"file.boxes", "file.bytes"}
    with pytest.raises(BlindingError, match="the copy spoiled on purpose of 'p0'"):
        report.require_blind()
