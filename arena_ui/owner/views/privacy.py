"""Privacy: find a person, see what is kept of them, take it away."""

from __future__ import annotations

from functools import partial

import streamlit as st

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person
from arena_ui.owner.services.privacy import Found, copy_of, erase, find, forget_decided
from evalharness.errors import EvalHarnessError

__all__ = ["page"]

FOUND = "who was found"
SAID = "what was taken away just now"


def page(office: Office, person: Person) -> None:
    """The page."""
    st.title("Privacy")
    if said := st.session_state.pop(SAID, None):
        st.success(said, icon=":material/check:")
    _person(office, person)
    _everybody(office, person)


def _person(office: Office, person: Person) -> None:
    st.header("A person")
    with st.form("find"):
        query = st.text_input("Voter id, or what their platform calls them")
        sent = st.form_submit_button("Find", icon=":material/search:")
    if sent:
        st.session_state[FOUND] = find(office, person, query)
        if not st.session_state[FOUND]:
            st.info(
                "Nobody is kept under that. Of who was erased no platform's name is known; the voter's id is."
            )
    for each in st.session_state.get(FOUND, ()):
        _kept(office, person, each)


def _kept(office: Office, person: Person, found: Found) -> None:
    voter, came = found.voter, found.arrival
    rows = {
        "Voter": voter.id,
        "Consented": f"{voter.consented_at:%Y-%m-%d %H:%M} UTC, text {voter.consent_version}",
        "Languages": ", ".join(voter.languages) or "none kept",
        "Platform": came.platform if came else "not kept",
        "Name there": (came and came.person) or "not kept",
        "Pairs answered": str(found.answered),
        "Erased": f"{voter.erased_at:%Y-%m-%d %H:%M} UTC" if voter.erased_at else "no",
    }
    with st.container(border=True):
        st.table({"What": list(rows), "Kept": list(rows.values())}, hide_index=True)
        st.download_button(
            "All that is kept (JSON)",
            partial(_copy, office, person, voter.id),
            file_name=f"{office.study.settings.name}-{voter.id}.json",
            mime="application/json",
            icon=":material/download:",
            on_click="ignore",
            key=f"copy {voter.id}",
        )
        if voter.erased_at:
            return
        sure = st.checkbox("This cannot be undone, and they want it", key=f"sure {voter.id}")
        if st.button(
            "Erase this person", disabled=not sure, key=f"erase {voter.id}", icon=":material/delete:"
        ):
            try:
                erase(office, person, voter.id)
            except EvalHarnessError as error:
                st.error(str(error))
                return
            st.session_state.pop(FOUND)
            st.session_state[SAID] = (
                f"Nothing leads to the person behind {voter.id} any more. Their answers stay: nobody's."
            )
            st.rerun()


def _copy(office: Office, person: Person, voter_id: str) -> str:
    """Made when it is asked for, which may be long after the page was."""
    return copy_of(office, office.as_of_now(person), voter_id)


def _everybody(office: Office, person: Person) -> None:
    st.header("Everybody who is paid")
    st.write(
        "Once a platform has its lists, nobody needs its names for people any more: they are taken away of "
        "everybody on whose pay is decided. Whoever comes again is still known, by a keyed hash."
    )
    sure = st.checkbox("The platform has its lists")
    if st.button("Take the names away", disabled=not sure, icon=":material/person_off:"):
        gone = forget_decided(office, person)
        st.session_state[SAID] = f"Names of {gone} voters were taken away."
        st.rerun()
