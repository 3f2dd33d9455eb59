"""Joining by a link, coming back, and leaving, over a real store."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from arena_ui.exits import Exit, exit_of
from arena_ui.guard import Guard
from arena_ui.people import BY_VOTER
from arena_ui.recruiting import Referral
from arena_ui.routes import COOKIE, build_routes
from arena_ui.tokens import Sealer
from evalharness.config import Study
from evalharness.errors import StoreError
from evalharness.records import Decision, Outcome, Purpose
from evalharness.settings import Platform
from tests.arena_ui.hall import Hall
from tests.arena_ui.test_recruiting import PERSON, PROLIFIC
from tests.arena_ui.test_routes import ALLOWED, EVIDENCE, Visitor

RECRUITING = """
[recruiting]
platform = "prolific"
codes = {completed = "DONE4711", screened_out = "S1", failed_checks = "F1", no_consent = "N1"}
"""
CONSENT = {"consent": True, "languages": ["en"]}


@pytest.fixture
def hall(make_study: Callable[..., Study]) -> Iterator[Hall]:
    """A study whose voters Prolific sends, with a trap."""
    study = make_study(prompts=4, votes_per_voter=4)
    with (study.folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(RECRUITING)
    hall = Hall.with_lines(study, "checks", traps=2, first_after=1)
    yield hall
    hall.store.close()


def browser(hall: Hall) -> Visitor:
    routes = build_routes(hall.booth(), {"en": "v-en", "zh": "v-zh"})
    return Visitor(Starlette(routes=routes, middleware=[Middleware(Guard)]))


def post(browser: Visitor, path: str, body: object) -> Any:
    return browser.post(path, json=body, headers=ALLOWED)


def joined(hall: Hall, query: str = PROLIFIC, **body: object) -> Visitor:
    visitor = browser(hall)
    reply = post(visitor, "/api/join", {**CONSENT, "query": query, **body})
    assert reply.status_code == 201, reply.text
    return visitor


def pairs(visitor: Visitor) -> list[str]:
    return [pair["battle_id"] for pair in post(visitor, "/api/next", {}).json()["pairs"]]


def test_what_was_agreed_to_is_kept_and_the_person_apart_from_it(hall: Hall) -> None:
    visitor = joined(hall, interface="zh", open_data=True)
    [voter], [arrival] = hall.store.voters(), hall.store.arrivals()
    assert (voter.consent_version, voter.interface, voter.open_data) == ("v-zh", "zh", True)
    assert (arrival.voter_id, arrival.platform, arrival.person) == (voter.id, "prolific", PERSON)
    assert arrival.person_key == Sealer(b"k" * 32).person_key("prolific", PERSON)
    assert arrival.details == {"study": "st1", "session": "se1"}
    cookie = visitor.cookies[COOKIE]
    assert PERSON not in cookie
    assert PERSON not in arrival.person_key
    assert PERSON not in post(visitor, "/api/next", {}).text


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({}, 403, "link"),
        ({**CONSENT, "query": "?STUDY_ID=st1"}, 403, "link"),
        ({**CONSENT, "query": 7}, 403, "link"),
        ({"languages": ["en"], "query": PROLIFIC}, 422, "consent"),
        ({**CONSENT, "languages": ["tlh"], "query": PROLIFIC}, 422, "languages"),
        ({**CONSENT, "interface": "fr", "query": PROLIFIC}, 422, "interface"),
        ({**CONSENT, "interface": ["zh"], "query": PROLIFIC}, 422, "interface"),
        ({**CONSENT, "open_data": "yes", "query": PROLIFIC}, 422, "open_data"),
    ],
)
def test_nobody_joins_without_a_link_and_consent(hall: Hall, body: object, status: int, kind: str) -> None:
    reply = post(browser(hall), "/api/join", body)
    assert (reply.status_code, reply.json()["kind"]) == (status, kind)
    assert reply.json()["error"].endswith(".")
    assert hall.store.voters() == ()


def test_who_comes_again_elsewhere_goes_on_at_the_open_pair(hall: Hall) -> None:
    first = joined(hall)
    open_pairs = pairs(first)
    second = browser(hall)
    again = PROLIFIC.replace("se1", "se2")
    reply = post(second, "/api/join", {"query": again})  # nobody asks twice
    assert (reply.status_code, len(hall.store.voters())) == (200, 1)
    assert hall.store.arrivals()[0].details["session"] == "se2", "that is where they go afterwards"
    assert pairs(second) == open_pairs
    assert post(first, "/api/next", {}).status_code == 401, "the old browser's cookie has ended"
    same = post(second, "/api/join", {"query": PROLIFIC})
    assert "set-cookie" not in same.headers
    post(second, "/api/join", {**CONSENT, "query": "?PROLIFIC_PID=somebodyelse"})
    assert len(hall.store.voters()) == 2, "another person in the same browser is another voter"
    assert not set(pairs(second)) & set(open_pairs)


def test_two_clicks_at_once_make_one_person(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    people = hall.booth().people
    came = Referral(Platform.PROLIFIC, PERSON, {})
    first, before = people.join(["en"], "v", referral=came)
    again, secret = people.join(["en"], "v", referral=came)
    assert again.id == first.id
    assert people.voter(before) is None
    assert people.voter(secret) is not None
    monkeypatch.setattr(hall.store, "voter_by_person", lambda _: None)
    with pytest.raises(StoreError):  # something else than a second click
        people.join(["en"], "v", referral=came)


def test_a_code_opens_the_session_anywhere(hall: Hall) -> None:
    first = joined(hall)
    open_pairs = pairs(first)
    code = hall.booth().people.return_code(hall.store.voters()[0])
    second = browser(hall)
    assert post(second, "/api/return", {"code": f" {code.lower()} "}).status_code == 200
    assert pairs(second) == open_pairs
    assert post(first, "/api/next", {}).status_code == 401
    for wrong in (None, 7, "", "AAAA-BBBB", code[:-1] + "7", "é" * 24, "A" * 4000):
        reply = post(browser(hall), "/api/return", {"code": wrong})
        assert (reply.status_code, reply.json()["kind"]) == (404, "code"), wrong
        assert "set-cookie" not in reply.headers


def vote(hall: Hall, visitor: Visitor, outcome: str = "left") -> None:
    pair = post(visitor, "/api/next", {}).json()["pairs"][0]
    hall.later(5)
    receipts = {side: visitor.get(f"/clip/{pair[side]}").headers["x-receipt"] for side in ("left", "right")}
    body = {
        "ticket": pair["battle_id"],
        "answers": dict.fromkeys(pair["questions"], outcome),
        "evidence": EVIDENCE,
        "receipts": receipts,
    }
    assert post(visitor, "/api/vote", body).status_code == 200


def test_ones_own_data_name_no_system(hall: Hall, secrets_of: Callable[[Study], set[str]]) -> None:
    visitor = joined(hall)
    vote(hall, visitor)
    reply = visitor.get("/api/mine")
    told = reply.json()
    assert told["arrival"]["person"] == PERSON
    assert {each["answer"] for each in told["pairs"][0]["answers"]} == {"left"}
    assert told["pairs"][1]["answers"] == []
    assert told["consent"]["version"] == "v-en"
    names = {word for word in secrets_of(hall.study) if word.encode() in reply.content}
    assert names == set()
    assert re.search("attachment", reply.headers["content-disposition"])
    assert browser(hall).get("/api/mine").status_code == 401


def test_who_withdraws_is_out_of_all_results_and_out_of_the_session(hall: Hall) -> None:
    visitor = joined(hall)
    for _ in range(3):
        vote(hall, visitor)
    before = visitor.cookies[COOKIE]
    assert len(hall.store.ballots()) > 0
    assert post(visitor, "/api/withdraw", {}).status_code == 200
    assert hall.store.ballots() == ()
    [ruling] = hall.store.rulings()
    assert (ruling.decision, ruling.author) == (Decision.EXCLUDED, BY_VOTER)
    for path in ("/api/next", "/api/vote"):
        assert post(visitor, path, {}).status_code == 401
    assert visitor.get("/api/mine").status_code == 200, "their own data stay open to them"
    again = browser(hall)
    assert post(again, "/api/join", {**CONSENT, "query": PROLIFIC}).status_code == 200
    assert post(again, "/api/next", {}).status_code == 401, "by the link they are who withdrew"
    visitor.cookies.set(COOKIE, before)
    assert visitor.get("/api/mine").status_code == 401
    assert post(again, "/api/withdraw", {}).status_code == 200
    assert len(hall.store.rulings()) == 1


def test_who_withdraws_while_a_code_is_used_elsewhere_is_out_there_too(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = joined(hall), browser(hall)
    voter = hall.store.voters()[0]
    code = hall.booth().people.return_code(voter)
    change, withdrawn = hall.store.change_voter, []

    def late(*args: Any, **changes: Any) -> Any:
        if not withdrawn:  # between the question whether they withdrew and the new secret
            withdrawn.append(True)
            assert post(first, "/api/withdraw", {}).status_code == 200
        return change(*args, **changes)

    monkeypatch.setattr(hall.store, "change_voter", late)
    assert post(second, "/api/return", {"code": code}).status_code == 200
    assert withdrawn
    assert post(second, "/api/next", {}).status_code == 401


def test_an_erased_voters_cookie_and_code_are_nobodys(hall: Hall) -> None:
    visitor = joined(hall)
    vote(hall, visitor)
    old = visitor.cookies[COOKIE]
    [voter] = hall.store.voters()
    code = hall.booth().people.return_code(voter)
    reply = post(visitor, "/api/erase", {})
    assert reply.status_code == 200
    assert "max-age=0" in reply.headers["set-cookie"].lower()
    assert (hall.store.arrivals(), hall.store.ballots()) == ((), ())
    assert hall.store.voter(voter.id).erased_at == hall.now
    for secret in (old, visitor.cookies.get(COOKIE, "")):
        stranger = browser(hall)
        stranger.cookies.set(COOKIE, secret)
        assert stranger.get("/api/mine").status_code == 401
        assert post(stranger, "/api/next", {}).status_code == 401
        assert post(stranger, "/api/erase", {}).status_code == 401
    assert post(browser(hall), "/api/return", {"code": code}).status_code == 404
    assert PERSON.encode() not in json.dumps([str(each) for each in hall.store.voters()]).encode()


@pytest.mark.parametrize(
    ("obeyed", "exit_"), [(2, Exit.COMPLETED), (1, Exit.COMPLETED), (0, Exit.FAILED_CHECKS)]
)
def test_failed_traps_lead_to_another_exit(hall: Hall, obeyed: int, exit_: Exit) -> None:
    booth = hall.booth()
    voter, _ = booth.people.join(["en"], "v")
    left = obeyed
    while open_pairs := booth.round(voter).pairs:
        hall.later(5)
        battle = hall.store.battle(open_pairs[0].battle_id)
        obeys = battle.purpose is Purpose.TRAP and left > 0
        left -= obeys
        wrong = Outcome.LEFT if battle.expected is not Outcome.LEFT else Outcome.RIGHT
        hall.answer(battle, battle.expected if obeys and battle.expected else wrong)
    failed = booth.people.traps_failed(voter)
    assert failed == 2 - obeyed
    assert exit_of(done=True, screened_out=False, traps_failed=failed, traps_forgiven=1) is exit_


def test_in_a_frame_the_cookie_is_sent_over_tls_alone(hall: Hall) -> None:
    file = hall.study.folder / "study.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(f'{text}embedded_in = ["https://worker.example.org"]\n', encoding="utf-8")
    framed = Hall.with_lines(hall.study, "arena")
    plain = joined(framed).ask("POST", "/api/withdraw", json={}, headers=ALLOWED)
    assert "samesite=lax" in plain.headers["set-cookie"].lower()
    visitor = joined(framed, "?PROLIFIC_PID=other")
    over_tls = visitor.ask(
        "POST",
        "https://arena.test/api/withdraw",
        json={},
        headers={**ALLOWED, "Origin": "https://arena.test"},
    )
    cookie = over_tls.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("samesite=none", "; secure", "; partitioned", "httponly"))
    framed.store.close()
