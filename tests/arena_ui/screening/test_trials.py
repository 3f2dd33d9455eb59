"""The trials over a real store and the arena's routes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from arena_ui.guard import Guard
from arena_ui.routes import COOKIE, build_routes
from arena_ui.screening import headphones, languages, training
from arena_ui.screening.routes import PROBE_BYTES
from arena_ui.tokens import Sealer
from evalharness.config import Study
from evalharness.errors import ConfigError
from evalharness.labels import ScreeningKind
from evalharness.records import Voter
from tests.arena_ui.hall import Hall
from tests.arena_ui.test_routes import ALLOWED, EVIDENCE, Visitor

DEVICE = {
    "kind": "device",
    "width": 1440,
    "height": 900,
    "ratio": 2,
    "refresh_hz": 60,
    "plays": True,
    "touch": False,
    "mbit_s": None,
}
SEALER = Sealer(b"k" * 32)


def screened(study: Study, **settings: object) -> Hall:
    with (study.folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write("\n[screening]\n")
    told = {name: str(value).lower() for name, value in settings.items()}
    return Hall.with_lines(study, "screening", **told)


@pytest.fixture
def hall_of(make_study: Callable[..., Study]) -> Iterator[Callable[..., Hall]]:
    """A hall with these settings in [screening]."""
    halls = []

    def make(**settings: object) -> Hall:
        halls.append(screened(make_study(prompts=6), **settings))
        return halls[-1]

    yield make
    for hall in halls:
        hall.store.close()


def joined(hall: Hall, *spoken: str) -> Visitor:
    routes = build_routes(hall.booth(), {"en": "v"})
    visitor = Visitor(Starlette(routes=routes, middleware=[Middleware(Guard)]))
    reply = visitor.post("/api/join", json={"consent": True, "languages": spoken}, headers=ALLOWED)
    assert reply.status_code == 201
    return visitor


def ask(visitor: Visitor, path: str, **body: object) -> dict[str, Any]:
    reply = visitor.post(path, json=body, headers=ALLOWED)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


def voter_of(hall: Hall) -> Voter:
    [voter] = hall.store.voters()
    return voter


def right_tones(hall: Hall, attempt: int) -> list[int]:
    secret = SEALER.secret("headphones", voter_of(hall).id, str(attempt))
    return [trial.quieter for trial in headphones.trials_of(secret)]


def right_words(hall: Hall, language: str) -> list[int]:
    secret = SEALER.secret("language", voter_of(hall).id, language)
    return [each.right for each in languages.sentences_of(language, secret)]


def test_the_plain_arena_asks_for_nothing(hall_of: Callable[..., Hall]) -> None:
    visitor = joined(hall_of(), "en")
    assert ask(visitor, "/api/step") == {"step": "voting"}
    assert len(ask(visitor, "/api/next")["pairs"]) == 2


def test_a_voter_goes_all_the_way(hall_of: Callable[..., Hall]) -> None:
    hall = hall_of(headphones=True, languages=True, training=2)
    visitor = joined(hall, "en", "de")
    assert ask(visitor, "/api/step")["step"] == "device"
    told = ask(visitor, "/api/screening", **DEVICE)
    assert (told["step"], told["unfit"], told["attempt"]) == ("headphones", None, 0)
    told = ask(visitor, "/api/screening", kind="headphones", attempt=0, answers=right_tones(hall, 0))
    assert (told["step"], told["language"]) == ("language", "en")
    answers = right_words(hall, "en")
    assert ask(visitor, "/api/screening", kind="language", language="en", answers=answers)["language"] == "de"
    wrong = [(each + 1) % 4 for each in right_words(hall, "de")]
    told = ask(visitor, "/api/screening", kind="language", language="de", answers=wrong)
    assert (told["step"], len(told["pairs"])) == ("training", 2)
    assert voter_of(hall).languages == ("en",), "who failed a language goes on without it"
    better = ask(visitor, "/api/practice", pair=0, answer="tie")["better"]
    told = ask(visitor, "/api/screening", kind="training", answers=[better, "tie"])
    assert told == {"step": "voting"}
    assert len(ask(visitor, "/api/next")["pairs"]) == 2
    kept = [(each.kind, each.passed) for each in hall.store.screenings()]
    assert kept == [
        (ScreeningKind.DEVICE, True),
        (ScreeningKind.HEADPHONES, True),
        (ScreeningKind.LANGUAGE, True),
        (ScreeningKind.LANGUAGE, False),
        (ScreeningKind.TRAINING, True),
    ]
    assert hall.store.screenings()[-1].details["share_right"] == 0.5


def test_no_pair_and_no_vote_before(hall_of: Callable[..., Hall]) -> None:
    hall = hall_of(training=1)
    visitor = joined(hall, "en")
    for path in ("/api/next", "/api/vote", "/api/fault"):
        body = {"ticket": "0" * 32, "answers": {"overall": "left"}, "evidence": EVIDENCE, "receipts": {}}
        reply = visitor.post(path, json=body, headers=ALLOWED)
        assert (reply.status_code, reply.json()["kind"]) == (403, "screening")
        assert reply.json()["error"].endswith(".")
    assert hall.store.battles() == ()


def test_an_answer_sent_twice_is_judged_once(hall_of: Callable[..., Hall]) -> None:
    hall = hall_of(device=False, headphones=True)
    visitor = joined(hall)
    wrong = [(each + 1) % 3 for each in right_tones(hall, 0)]
    for _ in range(3):
        told = ask(visitor, "/api/screening", kind="headphones", attempt=0, answers=wrong)
        assert (told["step"], told["attempt"]) == ("headphones", 1)
    assert ask(visitor, "/api/screening", **DEVICE)["step"] == "headphones", "another step's answers"
    assert len(hall.store.screenings()) == 1
    assert right_tones(hall, 0) != right_tones(hall, 1)
    wrong = [(each + 1) % 3 for each in right_tones(hall, 1)]
    told = ask(visitor, "/api/screening", kind="headphones", attempt=1, answers=wrong)
    assert told == {"step": "screened_out", "unfit": "headphones"}
    assert visitor.post("/api/next", json={}, headers=ALLOWED).json()["kind"] == "screening"


def test_a_device_that_will_not_do_ends_it(hall_of: Callable[..., Hall]) -> None:
    visitor = joined(hall_of(least_mbit_s=10))
    assert ask(visitor, "/api/step")["speed"] is True
    reply = visitor.post("/api/screening", json={**DEVICE, "width": 10**9}, headers=ALLOWED)
    assert (reply.status_code, reply.json()["kind"]) == (422, "malformed")
    told = ask(visitor, "/api/screening", **{**DEVICE, "mbit_s": 9.9})
    assert told == {"step": "screened_out", "unfit": "speed"}


def test_malformed_answers_are_a_sentence_and_no_trial(hall_of: Callable[..., Hall]) -> None:
    hall = hall_of(device=False, headphones=True, languages=True, training=1)
    visitor = joined(hall, "en")

    def refused(content: object) -> None:
        reply = visitor.post("/api/screening", json=content, headers=ALLOWED)
        assert (reply.status_code, reply.json()["kind"]) == (422, "malformed"), reply.text

    refused([])
    refused({"kind": "headphones", "attempt": 0, "answers": "000000"})
    ask(visitor, "/api/screening", kind="headphones", attempt=0, answers=right_tones(hall, 0))
    refused({"kind": "language", "language": "en", "answers": [0, 1]})
    ask(visitor, "/api/screening", kind="language", language="en", answers=right_words(hall, "en"))
    refused({"kind": "training", "answers": ["both"]})
    for pair, answer in ((1, "left"), (True, "left"), (0, "both"), (0, ["left"]), ("0", "left")):
        body = {"pair": pair, "answer": answer}
        assert visitor.post("/api/practice", json=body, headers=ALLOWED).status_code == 422
    assert len(hall.store.screenings()) == 2


def test_no_right_answer_reaches_the_browser(hall_of: Callable[..., Hall]) -> None:
    """Neither in what is shown nor by names: two voters, and two tries of one, have no name in common."""
    hall = hall_of(device=False, headphones=True, languages=True)
    first, second = joined(hall, "en"), joined(hall, "en")
    shown = [ask(visitor, "/api/step") for visitor in (first, second)]
    assert set(shown[0]) == {"step", "attempt", "volume", "sounds"}
    assert not set(shown[0]["sounds"]) & set(shown[1]["sounds"])
    sizes = {len(first.get(f"/clip/sound/{name}").content) for name in shown[0]["sounds"]}
    assert len(sizes) == 1
    assert second.get(f"/clip/sound/{shown[0]['sounds'][0]}").status_code == 404, "another voter's"
    again = ask(first, "/api/screening", kind="headphones", attempt=0, answers=[0, 0, 0, 0, 0, 0])
    if again["step"] == "headphones":
        assert not set(again["sounds"]) & set(shown[0]["sounds"])
        assert first.get(f"/clip/sound/{shown[0]['sounds'][0]}").status_code == 404, "the try before"
    voter = next(each for each in hall.store.voters() if each.languages)
    told = hall.booth().trials
    for attempt in range(2):
        secret = SEALER.secret("headphones", voter.id, str(attempt))
        answers = [trial.quieter for trial in headphones.trials_of(secret)]
        shown_next = told.take(voter, {"kind": "headphones", "attempt": attempt, "answers": answers})
    assert isinstance(shown_next, dict)
    assert set(shown_next) == {"step", "language", "sentences"}
    assert all(set(each) == {"text", "options"} for each in shown_next["sentences"])


def test_clips_and_sounds_are_a_voters_own(hall_of: Callable[..., Hall]) -> None:
    hall = hall_of(headphones=True, training=1)
    visitor, other = joined(hall), joined(hall)
    clip = f"/clip/practice/{ask(visitor, '/api/step')['clip']}"
    reply = visitor.get(clip)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "video/mp4")
    assert reply.headers["cache-control"] == "private, no-store"
    assert other.get(clip).status_code == 404
    visitor.cookies.delete(COOKIE)
    assert visitor.get(clip).status_code == 401
    assert visitor.get("/clip/sound/none").status_code == 401
    assert visitor.get("/api/probe").status_code == 401


def test_bytes_are_sent_for_measuring_only_while_they_are_needed(hall_of: Callable[..., Hall]) -> None:
    visitor = joined(hall_of(least_mbit_s=1))
    first, second = visitor.get("/api/probe"), visitor.get("/api/probe")
    assert (first.status_code, len(first.content)) == (200, PROBE_BYTES)
    assert first.content != second.content
    assert first.headers["cache-control"] == "private, no-store"
    ask(visitor, "/api/screening", **{**DEVICE, "mbit_s": 30})
    assert visitor.get("/api/probe").status_code == 403


def test_practice_has_the_flaw_where_it_is_told(hall_of: Callable[..., Hall]) -> None:
    hall = hall_of(device=False, training=2)
    visitor = joined(hall)
    pair = ask(visitor, "/api/step")["pairs"][1]
    told = ask(visitor, "/api/practice", pair=1, answer="left")
    assert told["flaw"] == "colour"
    whole = training.rehearsal(hall.study.folder / "training", None).read_bytes()
    worse = "left" if told["better"] == "right" else "right"
    assert visitor.get(f"/clip/practice/{pair[told['better']]}").content.startswith(whole)
    assert not visitor.get(f"/clip/practice/{pair[worse]}").content.startswith(whole)
    assert told["right"] is (told["better"] == "left")


def test_practice_clips_have_one_length_and_are_never_the_same_bytes(hall_of: Callable[..., Hall]) -> None:
    visitor = joined(hall_of(device=False, training=6))
    pairs = ask(visitor, "/api/step")["pairs"]
    links = [f"/clip/practice/{pair[side]}" for pair in pairs for side in ("left", "right")]
    sent = [visitor.get(link).content for link in (*links, links[0])]
    assert len({len(each) for each in sent}) == 1
    assert len(set(sent)) == len(sent)


def test_sides_of_practice_are_a_voters_own(hall_of: Callable[..., Hall]) -> None:
    hall = hall_of(device=False, training=6)

    def better() -> tuple[str, ...]:
        visitor = joined(hall)
        return tuple(ask(visitor, "/api/practice", pair=n, answer="left")["better"] for n in range(6))

    assert len({better() for _ in range(6)}) > 2


def test_silent_studies_try_no_ears(hall_of: Callable[..., Hall]) -> None:
    hall = hall_of(headphones=True)
    for number, exhibit in enumerate(hall.store.exhibits()):
        hall.store.put_exhibit(replace(exhibit, id=f"{number:016x}", silent=True))
    assert ask(joined(hall), "/api/step") == {"step": "voting"}


def test_who_has_sat_for_half_an_hour_rests(make_study: Callable[..., Study]) -> None:
    study = make_study(prompts=6, votes_per_voter=18, break_after_minutes=10, longest_session_minutes=30)
    hall = screened(study)
    visitor = joined(hall)
    rests = []
    for _ in range(9):
        told = ask(visitor, "/api/next")
        rests.append(told["rest"])
        if told["pairs"]:
            hall.answer(hall.store.battle(told["pairs"][0]["battle_id"]))
        hall.later(240)
    assert rests == ["none"] * 4 + ["offer", "none", "offer", "none", "over"]
    told = ask(visitor, "/api/next")
    assert (told["pairs"], told["rest"], told["finished"]) == ([], "over", False)
    assert 0 < told["back_in_s"] <= 900
    hall.later(told["back_in_s"] + 1)
    told = ask(visitor, "/api/next")
    assert (len(told["pairs"]), told["rest"]) == (2, "none")
    hall.store.close()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"device": False, "least_width": 100}, "need device = true"),
        ({"training": 7}, "training: found 7"),
        ({"least_refresh_hz": -1}, "least_refresh_hz: found -1"),
        ({"headfones": True}, "allowed here: device, headphones"),
    ],
)
def test_settings_that_cannot_be_are_a_sentence(
    make_study: Callable[..., Study], settings: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        screened(make_study(prompts=3), **settings)
