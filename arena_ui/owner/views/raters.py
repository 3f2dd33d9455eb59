"""Raters: who did what, whom to pay, whose votes count."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from arena_ui.owner.services.raters import (
    Rater,
    apply_rules,
    decide,
    due,
    list_of,
    raters,
    session_length,
)
from evalharness.errors import EvalHarnessError
from evalharness.records import Decision, Ruling

__all__ = ["page"]

VERBS: Mapping[Decision, str] = {
    Decision.ACCEPTED: "Accept: pay",
    Decision.RETURNED: "Return: do not pay",
    Decision.USED: "Use: count the votes",
    Decision.EXCLUDED: "Exclude: do not count the votes",
}
WIDTHS = {"Pay": 150, "Votes": 150, "Why": 220, "Habits": 220, "Name there": 210}
"""Pixels of columns whose first rows do not tell how wide they are."""
SAID = "what was decided just now"


def page(office: Office, person: Person) -> None:
    """The page."""
    st.title("Raters")
    if said := st.session_state.pop(SAID, None):
        st.success(said, icon=":material/check:")
    rows = raters(office, person)
    if not rows:
        st.info("Nobody has joined yet.", icon=":material/hourglass_empty:")
        return
    st.dataframe(
        _table(rows, session_length(office), named=person.may(Action.NAMES)),
        hide_index=True,
        column_config={name: st.column_config.Column(width=pixels) for name, pixels in WIDTHS.items()},
    )
    st.caption(
        "Pay and votes are two matters. In brackets stands what the rules in [quality] say and is not on "
        "record; votes count unless their voter is excluded. Rules judge who finished, or left for good "
        "([quality] idle_hours); whether those who left are paid is for you to say. Habits are what is "
        "unusual among these voters: look at them, alone they mean little."
    )
    if person.may(Action.DECIDE):
        _rules(office, person)
        _decision(office, person, rows)
        _lists(office, person)


def _table(rows: tuple[Rater, ...], length: int, *, named: bool) -> dict[str, list[Any]]:
    did = [row.verdict.conduct if row.verdict else None for row in rows]
    table: dict[str, list[Any]] = {
        "Voter": [row.voter.id for row in rows],
        "Pay": [_decided(row, row.pay, "pay") for row in rows],
        "Votes": [_decided(row, row.count, "count") for row in rows],
        "Pairs": [f"{row.answered} of {length}" for row in rows],
        "Traps": [str(each.traps) if each else "none" for each in did],
        "Golds": [str(each.golds) if each else "none" for each in did],
        "Repeats": [str(each.repeats) if each else "none" for each in did],
        "Faults": [each.faults.hits if each else 0 for each in did],
        "Median s": [each.median_answer_s if each else None for each in did],
        "Why": [row.why for row in rows],
        "Habits": [" ".join(habit.sentence for habit in each.habits) if each else "" for each in did],
        "Joined (UTC)": [f"{row.voter.consented_at:%Y-%m-%d %H:%M}" for row in rows],
    }
    if named:
        table["Platform"] = [row.arrival.platform if row.arrival else "" for row in rows]
        table["Name there"] = [(row.arrival and row.arrival.person) or "" for row in rows]
    return table


def _decided(rater: Rater, holds: Ruling | None, matter: Any) -> str:
    if holds is not None:
        return f"{holds.decision} by {holds.author}"
    if rater.verdict is None:
        return ""
    said = rater.verdict.decision(matter)
    return str(said) if said is Decision.USED else f"({said})"


def _rules(office: Office, person: Person) -> None:
    waiting = len(due(office, person))
    st.header("What the rules say")
    if not waiting:
        st.caption("All of it is on record.")
        return
    st.write(f"{waiting} decisions of the rules are not on record. A person's decision stands in any case.")
    if st.button("Put them on record", icon=":material/gavel:"):
        st.session_state[SAID] = f"{apply_rules(office, person)} decisions were put on record."
        st.rerun()


def _decision(office: Office, person: Person, rows: tuple[Rater, ...]) -> None:
    st.header("Decide yourself")
    st.caption("The decision is kept with its reason and your name, and no rule overrules it.")
    with st.form("decision", clear_on_submit=False):
        voter = st.selectbox(
            "Voter", [row.voter.id for row in rows], index=None, placeholder="Choose a voter"
        )
        decision = st.selectbox("Decision", list(VERBS), format_func=VERBS.__getitem__)
        reason = st.text_input("Reason (name nobody in it)")
        sent = st.form_submit_button("Put it on record")
    if not sent:
        return
    if voter is None:
        st.error("Choose the voter on whom you decide.")
        return
    try:
        decide(office, person, voter, decision, reason)
    except EvalHarnessError as error:
        st.error(str(error))
        return
    st.session_state[SAID] = f"{voter} is {decision}, by {person.name}: {reason.strip()}"
    st.rerun()


def _list(office: Office, person: Person, decision: Decision) -> str:
    """Made when it is asked for, which may be long after the page was."""
    return list_of(office, office.as_of_now(person), decision)


def _lists(office: Office, person: Person) -> None:
    st.header("Lists for the platform")
    st.caption(
        "Decisions on record alone, with what the platform calls each person. Each download is on record."
    )
    with st.container(horizontal=True):
        for decision, name in ((Decision.ACCEPTED, "pay"), (Decision.RETURNED, "return")):
            st.download_button(
                f"{name.capitalize()} list (CSV)",
                partial(_list, office, person, decision),
                file_name=f"{office.study.settings.name}-{name}.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
