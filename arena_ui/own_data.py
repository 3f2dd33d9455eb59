"""All that is kept of one voter, as they may take it away. Pure; no system is named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evalharness.people import Arrival, Screening
from evalharness.records import Vote, Voter
from evalharness.store.showings import Shown

__all__ = ["own_data"]


def own_data(
    voter: Voter,
    arrival: Arrival | None,
    screenings: Iterable[Screening],
    shown: Iterable[tuple[Shown, Iterable[Vote]]],
    prompts: Mapping[str, str],
) -> dict[str, Any]:
    """JSON values; times in ISO 8601. `prompts` holds the words of prompts by id.

    A pair that waits for its answer stands there without what it was drawn for.
    """
    return {
        "consent": {
            "version": voter.consent_version,
            "at": voter.consented_at.isoformat(),
            "interface": voter.interface,
            "open_data": voter.open_data,
            "languages": list(voter.languages),
        },
        "arrival": None
        if arrival is None
        else {
            "platform": arrival.platform,
            "person": arrival.person,
            "details": dict(arrival.details),
            "at": arrival.arrived_at.isoformat(),
        },
        "screenings": [
            {
                "kind": each.kind,
                "passed": each.passed,
                "details": dict(each.details),
                "at": each.created_at.isoformat(),
            }
            for each in screenings
        ],
        "pairs": [_pair(each, votes, prompts) for each, votes in shown],
    }


def _pair(shown: Shown, votes: Iterable[Vote], prompts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "prompt": prompts.get(shown.battle.prompt_id, ""),
        "shown_at": shown.battle.created_at.isoformat(),
        "reported_as_faulty": shown.faulty,
        "answers": [
            {
                "question": vote.question,
                "answer": vote.outcome,
                "strength": vote.strength,
                "at": vote.created_at.isoformat(),
                "evidence": dict(vote.evidence),
            }
            for vote in votes
        ],
    }
