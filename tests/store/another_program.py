"""A second program on the same study, started by the tests of races and of kill -9.

    another_program.py open URL                       told to go, open the study, and close it
    another_program.py answer URL OUTCOME BATTLE...   told to go, answer these, from four threads each
    another_program.py vote URL NAME                  vote for ever, as ever new voters

Each acknowledged battle is one line on standard output, written after the store has returned.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

from evalharness.errors import AlreadyAnswered
from evalharness.records import Battle, Outcome, Vote, Voter
from evalharness.store import Store

THREADS = 4


def say(line: str) -> None:
    """Write a whole line at once, so that a kill cannot cut it."""
    os.write(1, f"{line}\n".encode())


def answer(store: Store, battle: Battle, outcome: Outcome) -> bool:
    """Whether this answer was the one that counts."""
    moment = datetime.now(UTC)
    try:
        store.commit_votes([Vote(battle.id, battle.voter_id, q, outcome, moment) for q in battle.questions])
    except AlreadyAnswered:
        return False
    return True


def answer_all(store: Store, outcome: Outcome, battle_ids: Sequence[str]) -> None:
    """Answer each battle from several threads at once; say which of the answers were accepted."""
    battles = [store.battle(battle_id) for battle_id in battle_ids]
    say("ready")
    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as pool:
        for battle in battles:
            for accepted in pool.map(lambda _, battle=battle: answer(store, battle, outcome), range(THREADS)):
                if accepted:
                    say(battle.id)


def vote_for_ever(store: Store, name: str) -> None:
    """Draw the stored battle "model" again and again for new voters, and answer it."""
    model = store.battle("model")
    say("ready")
    for number in count():
        voter = f"{name}-{number}"
        store.put_voter(Voter(voter, ("en",), datetime.now(UTC), "1", f"token {voter}"))
        battle = replace(model, id=f"battle-{voter}", voter_id=voter, created_at=datetime.now(UTC))
        store.open_battle(battle)
        answer(store, battle, Outcome.TIE)
        say(battle.id)


if __name__ == "__main__":
    act, url, *rest = sys.argv[1:]
    if act == "open":
        say("ready")
        sys.stdin.readline()
    with Store.open(url) as opened:
        if act == "answer":
            answer_all(opened, Outcome(rest[0]), rest[1:])
        elif act == "vote":
            vote_for_ever(opened, rest[0])
