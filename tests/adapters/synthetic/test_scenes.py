"""Every scene keeps the promises of `stage.Scene`; what is seen and what is heard agree with its truth."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evalharness.adapters.synthetic.knobs import Knobs
from evalharness.adapters.synthetic.render import Order, Rendered, render
from evalharness.adapters.synthetic.scenes import FAMILIES, load
from evalharness.adapters.synthetic.scenes.ball import Bounces
from evalharness.adapters.synthetic.scenes.stage import Brief, Scene
from evalharness.adapters.synthetic.scenes.wording import TAGGED, brief_of, family_of
from evalharness.adapters.synthetic.sound import AMBIENCES, MATERIALS
from evalharness.prompts import load_suite
from evalharness.records import Prompt, Task

RATE_HZ = 48_000
SUITES = Path(__file__).parents[3] / "data" / "prompts"


def prompt(text: str = "Something.", *tags: str, first_frame: str | None = None) -> Prompt:
    task = Task.TEXT_TO_VIDEO if first_frame is None else Task.IMAGE_TO_VIDEO
    return Prompt(
        id="p", task=task, text=text, language="en", licence="CC0-1.0", tags=tags, first_frame=first_frame
    )


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    y, x = np.mgrid[:90, :200]
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    Image.fromarray(np.dstack([x, 2 * y, 255 - x]).astype(np.uint8)).save(path)
    return path


def scene(
    family: str, photo: Path, *, seed: int = 3, style: int = 0, size: tuple[int, int] = (160, 96)
) -> Scene:
    picture = photo if family == "still" else None
    return load(family)(Brief(3.0, seed, style=style, picture=picture), *size)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_scene_keeps_the_stage_s_promises(family: str, photo: Path) -> None:
    made = scene(family, photo)
    assert made.name == family
    assert made.ambience in AMBIENCES
    times = [impact.time_s for impact in made.impacts]
    assert times
    assert times == sorted(times)
    for impact in made.impacts:
        assert impact.material in MATERIALS
        assert 0 <= impact.time_s < 3.0
        assert 0 < impact.speed <= 1
        assert -0.05 <= impact.x <= 1.05
        assert 0 <= impact.y <= 1
    for time in (0.0, times[0], 1.7, 3.0):
        shown = made.picture(time)
        assert shown.shape == (96, 160, 3)
        assert shown.dtype == np.uint8
        assert 8 < shown.mean() < 248
        assert shown.std() > 5
        assert made.speed(time) >= 0


@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_are_new_and_the_same_for_the_same_brief(family: str, photo: Path) -> None:
    first, again = scene(family, photo), scene(family, photo)
    assert first.impacts == again.impacts
    before = first.picture(0.9)
    first.picture(1.4)[:] = 0
    assert np.array_equal(first.picture(0.9), before)
    assert np.array_equal(again.picture(0.9), before)


@pytest.mark.parametrize("family", FAMILIES)
def test_style_and_size_never_move_an_impact(family: str, photo: Path) -> None:
    plain = [(i.time_s, i.speed) for i in scene(family, photo).impacts]
    assert [(i.time_s, i.speed) for i in scene(family, photo, style=2).impacts] == plain
    assert [(i.time_s, i.speed) for i in scene(family, photo, size=(240, 144)).impacts] == plain
    assert [(i.time_s, i.speed) for i in scene(family, photo, seed=4).impacts] != plain


@pytest.mark.parametrize("family", FAMILIES)
def test_something_visible_happens_where_and_when_an_impact_is(family: str, photo: Path) -> None:
    made = scene(family, photo, size=(320, 192))
    impact = max(made.impacts, key=lambda i: i.speed)
    x, y = int(impact.x * 320), int(impact.y * 192)
    where = (slice(max(0, y - 60), y + 60), slice(max(0, x - 60), max(x + 60, 60)))
    steps = [made.picture(max(0.0, impact.time_s + d))[where].astype(int) for d in (-0.06, -0.02, 0.02, 0.06)]
    changes = [np.abs(b - a).max() for a, b in pairwise(steps)]
    assert max(changes) > 25


def clip(family: str, *, seed: int = 1, duration_s: float = 2.0) -> Rendered:
    return render(Order(prompt("x", f"scene:{family}"), seed, duration_s, 160, 96, 24.0), Knobs())


@pytest.mark.parametrize("family", [f for f in FAMILIES if f != "still"])
def test_the_sound_of_the_first_impact_starts_at_its_time(family: str) -> None:
    """Judged on the samples alone: the first that stands out of the quiet before."""
    rendered = clip(family)
    assert rendered.samples is not None
    loud = np.abs(rendered.samples).max(axis=0)
    time = rendered.truth.impacts[0].time_s
    quiet = loud[: int((time - 0.005) * RATE_HZ)]
    onset = int(np.argmax(loud > 1.5 * quiet.max())) / RATE_HZ
    assert onset == pytest.approx(time, abs=0.001)


def test_the_ball_turns_where_the_truth_says() -> None:
    """The ball is found by its colour; it is lowest in the frame nearest to an impact."""
    order = Order(prompt("A red ball.", "scene:ball"), 5, 2.0, 320, 192, 60.0)
    rendered = render(order, Knobs())
    lowest = []
    for picture in rendered.frames:
        red, green, blue = np.moveaxis(picture.astype(int), 2, 0)
        rows = np.nonzero(((red - green > 90) & (red - blue > 90)).any(axis=1))[0]
        lowest.append(rows.max() if len(rows) else -1)
    heights = np.array(lowest)
    for impact in rendered.truth.impacts[:2]:
        around = range(round((impact.time_s - 0.12) * 60), round((impact.time_s + 0.12) * 60) + 1)
        at = max(around, key=lambda k: (heights[k], -abs(k / 60 - impact.time_s)))
        assert abs(at / 60 - impact.time_s) <= 1.5 / 60


def test_bounces_obey_free_fall() -> None:
    bounces = Bounces(start_s=0.2, drop_m=1.0, restitution=0.7)
    (first, speed), (second, slower), *_ = bounces.times_speeds
    assert first == pytest.approx(0.2 + 0.4515236, abs=1e-6)  # sqrt(2 / 9.81)
    assert speed == pytest.approx(4.4294469, abs=1e-6)  # sqrt(2 * 9.81)
    assert slower == pytest.approx(0.7 * speed)
    assert second - first == pytest.approx(2 * slower / 9.81)
    assert bounces.height_m((first + second) / 2) == pytest.approx(0.49)  # e^2 of the drop
    assert [bounces.height_m(t) for t in (first, second)] == pytest.approx([0, 0], abs=1e-9)


def test_a_first_frame_is_the_first_picture(photo: Path) -> None:
    """Fitted: the picture's middle, as wide and as high as the frame."""
    order = Order(prompt("A lake.", first_frame=str(photo)), 1, 2.0, 160, 90, 24.0)
    rendered = render(order, Knobs())
    frames = list(rendered.frames)
    assert rendered.truth.scene == "still"
    expected = np.asarray(Image.open(photo).convert("RGB"))[:, 20:180]
    assert np.abs(frames[0].astype(int) - expected).max() <= 3
    assert np.abs(frames[-1].astype(int) - expected).mean() > 3


def test_every_scene_tag_of_the_suites_has_a_family() -> None:
    prompts = [p for file in sorted(SUITES.glob("*.jsonl")) for p in load_suite(file)]
    named = {tag.removeprefix("scene:") for p in prompts for tag in p.tags if tag.startswith("scene:")}
    assert named
    assert named <= FAMILIES.keys() | TAGGED.keys()
    assert set(TAGGED.values()) <= FAMILIES.keys()


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("A basketball bounces.", "ball"),
        ("A blacksmith at the anvil.", "hammer"),
        ("舞台上有人打鼓。", "drum"),
        ("雨滴落在湖面上。", "drop"),
        ("Une porte claque.", "door"),
        ("Eine Glocke schwingt.", "bell"),
        ("She walks on the frozen river.", "ice"),
        ("ガラスが割れる。", "glass"),
    ],
)
def test_words_choose_where_no_tag_does(text: str, family: str) -> None:
    assert family_of(prompt(text), 1) == family
    assert family_of(prompt(text, "scene:cradle"), 1) == "cradle"


def test_a_prompt_without_a_hint_gets_a_family_by_its_seed() -> None:
    drawn = {family_of(prompt("Nothing in particular."), seed) for seed in range(60)}
    assert len(drawn) > 4
    assert "still" not in drawn


@pytest.mark.parametrize(
    ("text", "count", "colours"),
    [
        ("Three green balls and a red one.", 3, 2),
        ("A ball bounces five times.", None, 0),
        ("两个红色的球。", 2, 1),
        ("Zwei blaue Bälle.", 2, 1),
    ],
)
def test_numbers_and_colours_are_read(text: str, count: int | None, colours: int) -> None:
    brief = brief_of(prompt(text), 1, 2.0, 0)
    assert (brief.count, len(brief.colours)) == (count, colours)
