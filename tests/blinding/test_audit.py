from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from evalharness.blinding import BlindingRecipe, audit_exhibits, make_exhibits
from evalharness.errors import BlindingError, UnknownNameError
from evalharness.media.boxes import read_boxes

GUILTY = "system-b"
Change = Callable[[Path, Path], None]


def leaks(gallery, **options) -> set[str]:
    report = audit_exhibits(gallery.exhibits, gallery.folder, **options)
    return {finding.feature for finding in report.leaks}


def test_exhibits_as_a_study_makes_them_pass(gallery) -> None:
    report = audit_exhibits(gallery.exhibits, gallery.folder)

    assert report.leaks == ()
    report.require_blind()
    assert report.guesses["all form"].accuracy == pytest.approx(1 / 3)
    assert not [name for name, guess in report.guesses.items() if guess.tells]


def remuxed(old: Path, new: Path) -> None:
    """The same streams in a file with a title, as a tool that means well writes it."""
    with av.open(str(old)) as source, av.open(str(new), "w") as target:
        target.metadata["title"] = f"made by {GUILTY}"
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                target.mux(packet)


def lengthened(old: Path, new: Path) -> None:
    new.write_bytes(old.read_bytes() + (100).to_bytes(4, "big") + b"free" + bytes(92))


def with_box(old: Path, new: Path) -> None:
    new.write_bytes(old.read_bytes() + (40).to_bytes(4, "big") + b"uuid" + bytes(range(32)))


def signed(old: Path, new: Path) -> None:
    data = bytearray(old.read_bytes())
    spare = read_boxes(bytes(data))[-1].payload
    data[spare.start : spare.start + 12] = b"x264 - core "
    new.write_bytes(data)


@pytest.mark.parametrize(
    ("plant", "features"),
    [
        (remuxed, {"file.tags", "file.words", "file.bytes", "file.index"}),
        (lengthened, {"file.bytes", "file.boxes"}),
        (with_box, {"file.bytes", "file.boxes"}),
        (signed, {"file.words"}),
    ],
)
def test_a_planted_container_leak_is_named(
    gallery, tmp_path: Path, plant: Change, features: set[str]
) -> None:
    found = leaks(gallery.replaced(tmp_path / "planted", GUILTY, plant))

    assert features <= found


def remade(recipe: BlindingRecipe) -> Change:
    """An exhibit made by another recipe than its rivals."""

    def change(old: Path, new: Path) -> None:
        (made,) = make_exhibits([old], [new], recipe)
        assert made.path == new

    return change


def test_an_exhibit_made_apart_from_its_rivals_is_named_by_its_sizes(gallery, recipe, tmp_path: Path) -> None:
    found = leaks(gallery.replaced(tmp_path / "planted", GUILTY, remade(recipe)))

    assert {"file.bytes", "file.index", "picture.packet_sizes", "picture.bit_rate"} <= found


@pytest.mark.parametrize(
    ("different", "feature"),
    [
        ({"fps": 15.0}, "picture.fps"),
        ({"loudness_lufs": -20.0}, "sound.loudness_lufs"),
        ({"width": 160}, "picture.size"),
        ({"sound_bit_rate": 96_000}, "sound.bit_rate"),
        ({"group_s": 0.5}, "picture.keys"),
    ],
)
def test_another_recipe_is_named(gallery, recipe, tmp_path: Path, different, feature: str) -> None:
    planted = gallery.replaced(tmp_path / "planted", GUILTY, remade(replace(recipe, **different)))

    report = audit_exhibits(planted.exhibits, planted.folder)

    assert feature in {finding.feature for finding in report.leaks}
    with pytest.raises(BlindingError, match=feature):
        report.require_blind()
    assert GUILTY in next(finding.sentence for finding in report.leaks if finding.feature == feature)


@pytest.mark.parametrize(
    ("habit", "feature"), [({"bars": 8}, "picture.border"), ({"sound": False}, "sound.silent")]
)
def test_a_habit_of_the_clips_is_named_and_can_be_accepted(
    gallery, recipe, tmp_path: Path, draw_clip, habit, feature: str
) -> None:
    def change(old: Path, new: Path) -> None:
        clip = tmp_path / f"{new.stem}-clip.mp4"
        draw_clip(clip, np.random.default_rng(int(new.stem, 16)), **habit)
        make_exhibits([clip], [new], recipe)

    planted = gallery.replaced(tmp_path / "planted", GUILTY, change)

    report = audit_exhibits(planted.exhibits, planted.folder)

    found = next(finding for finding in report.leaks if finding.feature == feature)
    assert found.guess is not None
    assert found.guess.low > found.guess.chance
    assert feature not in leaks(planted, accept=[feature])


def test_a_name_that_names_its_system_is_found(gallery, tmp_path: Path) -> None:
    shutil.copytree(gallery.folder / "exhibits", tmp_path / "exhibits")
    renamed = []
    for exhibit in gallery.exhibits:
        path = (
            f"exhibits/{exhibit.clip.system}-{exhibit.id[-2:]}.mp4"
            if exhibit.clip.system == GUILTY
            else exhibit.path
        )
        (tmp_path / exhibit.path).rename(tmp_path / path)
        renamed.append(replace(exhibit, path=path))

    found = audit_exhibits(renamed, tmp_path)

    assert "file.name" in {finding.feature for finding in found.leaks}


def test_words_the_owner_fears_are_looked_for(gallery, tmp_path: Path) -> None:
    def change(old: Path, new: Path) -> None:
        data = bytearray(old.read_bytes())
        data[-20:-9] = b"Acme Studio"
        new.write_bytes(data)

    planted = gallery.replaced(tmp_path / "planted", GUILTY, change)

    assert leaks(planted) == set()
    assert leaks(planted, words=["acme studio"]) == {"file.words"}


def test_a_system_called_like_a_part_of_every_file_is_no_leak(gallery) -> None:
    assert leaks(gallery, words=["Meta", "free", "Video", "sound", "ab"]) == set()


def test_a_burned_in_mark_is_a_warning(gallery, recipe, tmp_path: Path, draw_clip) -> None:
    def change(old: Path, new: Path) -> None:
        clip = tmp_path / f"{new.stem}-clip.mp4"
        draw_clip(clip, np.random.default_rng(int(new.stem, 16)), mark=True)
        make_exhibits([clip], [new], recipe)

    planted = gallery.replaced(tmp_path / "planted", GUILTY, change)

    marks = [
        f for f in audit_exhibits(planted.exhibits, planted.folder).warnings if f.feature == "picture.mark"
    ]

    assert len(marks) == 1
    assert GUILTY in marks[0].sentence
    left, right, top, bottom = map(
        int, re.search(r"x (\d+) and (\d+), y (\d+) and (\d+)", marks[0].sentence).groups()
    )
    assert 80 <= left < 116 < right + 20
    assert 64 <= top < 88 < bottom + 20
    assert not [
        f for f in audit_exhibits(gallery.exhibits, gallery.folder).warnings if f.feature == "picture.mark"
    ]


def test_one_prompt_is_compared_and_said_to_be_too_little_for_guessing(gallery) -> None:
    report = audit_exhibits(gallery.exhibits[:3], gallery.folder)

    assert report.leaks == ()
    assert report.guesses == {}
    assert "two prompts" in report.notes[0]


def test_only_features_can_be_accepted(gallery) -> None:
    with pytest.raises(UnknownNameError, match=r"picture\.border"):
        audit_exhibits(gallery.exhibits, gallery.folder, accept=["borders"])
