"""An attacker at the voting page: a study whose systems have habits, all that two voters are sent, and what
can be learnt from it without looking at pictures.

The clips differ in everything that a file can differ in (size, rate, length, coding, tags, loudness); they
are blinded as every study's are. What is learnt must not come from what is shown and heard: that cannot be
hidden.
"""

from __future__ import annotations

import base64
import io
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
from scipy.stats import kruskal

from evalharness.blinding.guessing import Guess, columns, guess
from evalharness.config import Study, load_study
from evalharness.exhibition import blind_study
from evalharness.media import probe, write_video
from evalharness.media.boxes import walk_boxes
from evalharness.records import Clip, JobKey, Prompt, System, Task
from evalharness.scaffold import write_study
from evalharness.store import Store
from tests.arena_ui.crowd import EVIDENCE

__all__ = ["SYSTEMS", "Delivery", "Intake", "checks", "disguises", "guessed", "sit", "study_of_habits"]

SYSTEMS = (
    System("glacier-xl", "folder", model="glacier-xl-2026", codename="mellow-otter"),
    System("ember-nine", "folder", model="ember/nine"),
    System("quartz-turbo", "folder", model="quartz-turbo-v3"),
)
HABITS = {  # frames a second, width, height, seconds, noise of the picture, level of the sound
    "glacier-xl": (24, 160, 96, 1.0, 60.0, 0.3),
    "ember-nine": (12, 128, 96, 0.7, 2.0, 0.05),
    "quartz-turbo": (30, 192, 108, 0.8, 20.0, 0.0),
}
PROMPTS = 8
FORTUITOUS = 1e-4
"""Chance at which delivery times of equal systems would look different."""
LONG_WORD = 6
"""Shorter words occur in coded pictures by accident; there they are not looked for."""


def study_of_habits(folder: Path) -> Study:
    """Three systems with habits on eight prompts, blinded."""
    write_study(folder, SYSTEMS, name="harbour")
    file = folder / "study.toml"
    small = "[blinding]\nwidth = 128\nheight = 96\nfps = 12.0\n"
    asked = "[arena]\nwatch_share = 0.0\nvotes_per_voter = 24\nvotes_per_minute = 0\n"
    text = file.read_text(encoding="utf-8").replace("[blinding]", small, 1).replace("[arena]\n", asked, 1)
    text = text.replace('questions = ["overall", "av_sync", "lip_accuracy"]', 'questions = ["overall"]')
    file.write_text(text, encoding="utf-8")
    study = load_study(folder)
    study.clips.mkdir()
    with Store.open(study.database_url) as store:
        store.put_systems(study.systems)
        prompts = [
            Prompt(f"suite-secret-{n}", Task.TEXT_TO_VIDEO, f"A lantern sways, take {n}.", "en", "CC0-1.0")
            for n in range(PROMPTS)
        ]
        store.put_prompts(prompts)
        for number, prompt in enumerate(prompts):
            for system in SYSTEMS:
                key = JobKey(system.name, prompt.id, 1)
                store.add_jobs([key])
                store.start_job(key)
                store.finish_job(key, _clip(study, key, np.random.default_rng([number, len(system.name)])))
        assert blind_study(study, store, processes=1).made == PROMPTS * len(SYSTEMS)
    return study


def _clip(study: Study, key: JobKey, rng: np.random.Generator) -> Clip:
    rate, width, height, seconds, noise, level = HABITS[key.system]
    count = round(rate * seconds)
    frames = np.clip(110 + rng.normal(0, noise, (count, height, width, 3)), 0, 255).astype(np.uint8)
    for index in range(count):
        frames[index, :, (index * 4) % (width - 20) :][:, :20] = 230
    sound = (level * rng.normal(0, 1, round(seconds * 48_000))).clip(-1, 1).astype(np.float32)
    draft = study.clips / "draft.mp4"
    write_video(draft, frames, float(rate), sound if level else None, preset="ultrafast")
    digest = sha256(draft.read_bytes()).hexdigest()
    path = draft.rename(study.clips / f"{digest}.mp4")
    size = path.stat().st_size
    return Clip(digest, key, f"clips/{path.name}", size, probe(path), datetime.now(UTC), "folder", "1")


@dataclass(frozen=True)
class Delivery:
    """One clip as it came."""

    system: str
    prompt: str
    battle: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    first_byte_s: float

    @property
    def own_headers(self) -> tuple[tuple[str, str], ...]:
        """Without the receipt, which is of this battle and side alone."""
        return tuple((name, value) for name, value in self.headers if name != "x-receipt")


@dataclass
class Intake:
    """Everything one voter was sent over a whole session."""

    deliveries: list[Delivery] = field(default_factory=list)
    others: list[tuple[str, bytes]] = field(default_factory=list)
    """Where it stood, and what: replies of the routes with their headers."""

    @property
    def everything(self) -> Iterator[tuple[str, bytes]]:
        """All of it."""
        yield from self.others
        for each in self.deliveries:
            yield "url", each.url.encode()
            yield "header", repr(each.headers).encode()
            yield "body", each.body


async def sit(app: Any, store: Store) -> Intake:
    """One voter's whole session over the routes of `app`."""
    intake, origin = Intake(), "http://arena.test"
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url=origin, headers={"Origin": origin, "X-Arena": "1"}
    ) as client:

        async def post(path: str, body: dict[str, Any]) -> Any:
            reply = await client.post(path, json=body)
            assert reply.status_code in (200, 201), reply.text
            intake.others.append(("header", repr(reply.headers.multi_items()).encode()))
            intake.others.append(("reply", reply.content))
            return reply.json()

        await post("/api/join", {"consent": True, "languages": []})
        pairs = (await post("/api/next", {}))["pairs"]
        while pairs:
            pair = pairs[0]
            battle, receipts = store.battle(pair["battle_id"]), {}
            for side, key in (("left", battle.left), ("right", battle.right)):
                began = time.perf_counter()
                reply = await client.get(f"/clip/{pair[side]}")
                took = time.perf_counter() - began
                headers = tuple(reply.headers.multi_items())
                receipts[side] = reply.headers["x-receipt"]
                intake.deliveries.append(
                    Delivery(
                        key.system, battle.prompt_id, battle.id, str(reply.url), headers, reply.content, took
                    )
                )
            answers = dict.fromkeys(pair["questions"], "left")
            vote = {"ticket": battle.id, "answers": answers, "evidence": EVIDENCE, "receipts": receipts}
            pairs = (await post("/api/vote", vote))["pairs"]
    return intake


# --- what an attacker looks for ------------------------------------------------------------------------


def words_found(intakes: Iterable[Intake], words: Iterable[str]) -> list[str]:
    """Where a secret word stands, plain or in a disguise."""
    wanted = [(word, disguise) for word in sorted(words) for disguise in disguises(word)]
    return sorted(
        {
            f"{where}: {word}"
            for intake in intakes
            for where, content in intake.everything
            for lowered in (content.lower(),)
            for word, disguise in wanted
            if (where != "body" or len(word) >= LONG_WORD) and (disguise in content or disguise in lowered)
        }
    )


@lru_cache
def disguises(word: str) -> tuple[bytes, ...]:
    """A word as it may stand in bytes: plain, UTF-16, hexadecimal, base64 at any offset, percent, escaped."""
    plain = word.encode()
    coded = {word.lower().encode(), word.encode("utf-16-le"), plain.hex().encode()}
    coded.add("".join(f"%{byte:02x}" for byte in plain).encode())
    coded.add("".join(f"\\u{ord(letter):04x}" for letter in word).encode())
    if len(plain) >= LONG_WORD:
        for offset in range(3):  # whole groups of three bytes, whatever stands before and after
            inside = plain[(3 - offset) % 3 :]
            whole = inside[: len(inside) // 3 * 3]
            coded |= {base64.b64encode(whole), base64.urlsafe_b64encode(whole)} if len(whole) >= 6 else set()
    return tuple(sorted(coded))


def links(one: Intake, other: Intake) -> list[str]:
    """What two voters have in common for a clip that is not in common for all clips."""
    return [
        f"{what}: {value!r}"[:120]
        for what, of in {
            "url": lambda each: [each.url],
            "token": lambda each: [part for part in re.split(r"[^\w-]+", each.url) if len(part) > 20],
            "header": lambda each: each.headers,
            "hash": lambda each: [sha256(each.body).hexdigest()],
            "last bytes": lambda each: [each.body[-64:]],
        }.items()
        for value in sorted(_common(of, one, other))
    ]


def _common(of: Any, one: Intake, other: Intake) -> set[Any]:
    mine, theirs = ([set(of(each)) for each in intake.deliveries] for intake in (one, other))
    everywhere = set.intersection(*mine, *theirs)
    # A length is the prompt's: all clips of a prompt have it, whichever system made them.
    lengths = {("content-length", str(len(each.body))) for each in one.deliveries}
    return (set.union(*mine) & set.union(*theirs)) - everywhere - lengths


def sides(intake: Intake) -> list[str]:
    """Where the two clips of a battle were sent differently."""
    by_battle: dict[str, list[Delivery]] = {}
    for each in intake.deliveries:
        by_battle.setdefault(each.battle, []).append(each)
    return [
        f"{battle}: {left.own_headers} against {right.own_headers}"
        for battle, (left, right) in by_battle.items()
        if (left.own_headers, len(left.url)) != (right.own_headers, len(right.url))
    ]


def guessed(intakes: Iterable[Intake]) -> Guess:
    """How often the system is guessed from technical features of what was sent."""
    deliveries = [each for intake in intakes for each in intake.deliveries]
    features = [_features(each) for each in deliveries]
    names = sorted({name for row in features for name in row})
    table = np.column_stack([columns([row.get(name, "none") for row in features]) for name in names])
    systems, prompts = [each.system for each in deliveries], [each.prompt for each in deliveries]
    found = guess(systems, prompts, table, seed=1)
    assert found is not None
    return found


def _features(sent: Delivery) -> dict[str, str | float]:
    boxes = list(walk_boxes(sent.body))
    index = b"".join(sent.body[box.offset : box.offset + box.size] for name, box in boxes if name == "moov")
    with av.open(io.BytesIO(sent.body)) as container:
        streams = [
            (each.type, each.codec_context.name, each.time_base, each.duration, each.frames, each.metadata)
            for each in container.streams
        ]
        packets = [packet.size for packet in container.demux(video=0)]
        tags = str(sorted(container.metadata.items()))
    return {
        "url length": float(len(sent.url)),
        "header names": " ".join(name for name, _ in sent.own_headers),
        **{f"header {name}": value for name, value in sent.own_headers},
        "length": float(len(sent.body)),
        "boxes": " ".join(f"{name}:{box.size}" for name, box in boxes),
        "index": sha256(index).hexdigest(),
        "streams": repr(streams),
        "tags": tags,
        "packets": repr(packets),
        "tail": sent.body[-8:].hex() if sent.body[-8:].isascii() else "",
    }


def habits(one: Intake, other: Intake) -> list[str]:
    """The guess, where it is better than chance."""
    found = guessed((one, other))
    return [str(found)] if found.tells or not found.low <= found.chance <= found.high else []


def timing(one: Intake, other: Intake) -> list[str]:
    """Whether one system's clips take longer to come (Kruskal and Wallis 1952)."""
    by_system: dict[str, list[float]] = {}
    for each in (*one.deliveries, *other.deliveries):
        by_system.setdefault(each.system, []).append(each.first_byte_s)
    p = float(kruskal(*by_system.values()).pvalue)
    return [f"p = {p:.1e}"] if p < FORTUITOUS else []


def checks(one: Intake, other: Intake, words: Iterable[str]) -> dict[str, list[str]]:
    """Every check with what it found."""
    return {
        "words": words_found((one, other), words),
        "links": links(one, other),
        "sides": [*sides(one), *sides(other)],
        "habits": habits(one, other),
        "timing": timing(one, other),
    }
