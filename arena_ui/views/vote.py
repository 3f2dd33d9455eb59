"""Consent, then pairs, then thanks."""

from __future__ import annotations

import streamlit as st

from arena_ui.arena import Arena, current
from arena_ui.consent import consent
from arena_ui.exits import Exit, exit_of, way_out
from arena_ui.notice import notice
from arena_ui.player import player
from arena_ui.recruiting import Referral, Turned
from arena_ui.screening.screen import screening
from arena_ui.session import Visitor, visitor
from arena_ui.words import words
from evalharness.records import Voter
from evalharness.settings import Platform

__all__ = ["page"]

REFUSED = "refused"
"""In the session: this visitor does not want to take part."""


def page() -> None:
    """What this visitor does next. The player itself asks the routes for pairs, and shows its own thanks."""
    arena = current()
    settings, guest = arena.study.settings, visitor(arena)
    if guest.voter is not None and isinstance(guest.came, Referral):
        arena.booth.people.arrive(guest.voter, guest.came)
        st.query_params.clear()  # who came shall not stay in the address
    if arena.booth.is_empty:
        st.info(words(guest.language)["empty.nothing"], icon=":material/hourglass_empty:")
    elif guest.voter is None:
        _welcome(arena, guest)
    elif (exit_ := _exit(arena, guest.voter, done=guest.done)) is not None:
        details = arena.booth.people.details(guest.voter)
        notice(exit_, guest.language, way_out(exit_, settings.recruiting, details))
    elif not arena.booth.trials.is_through(guest.voter):
        screening(guest.language)
    else:
        player(settings.arena, guest.language)


def _welcome(arena: Arena, guest: Visitor) -> None:
    """To whoever does not vote: consent, or why there is none to give."""
    settings = arena.study.settings
    if guest.withdrew:
        notice("withdrawn", guest.language)
    elif isinstance(guest.came, Turned):
        notice(guest.came, guest.language)
    elif st.session_state.get(REFUSED):
        details = {} if guest.came is None else guest.came.details
        notice(Exit.NO_CONSENT, guest.language, way_out(Exit.NO_CONSENT, settings.recruiting, details))
    else:
        consent(
            settings,
            guest.language,
            arena.booth.languages,
            pairs=arena.booth.pairs_asked_for,
            known=guest.came is not None and arena.booth.people.known(guest.came) is not None,
            on_refused=lambda: st.session_state.update({REFUSED: True}),
        )


def _exit(arena: Arena, voter: Voter, *, done: bool) -> Exit | None:
    """By which exit the voter leaves now. An open study thanks in the player and sends nobody anywhere."""
    settings, people = arena.study.settings, arena.booth.people
    screened_out = people.is_screened_out(voter)
    if settings.recruiting.platform is Platform.OPEN and not screened_out:
        return None
    return exit_of(
        done=done,
        screened_out=screened_out,
        traps_failed=people.traps_failed(voter) if done else 0,
        traps_forgiven=settings.quality.traps_forgiven_in_pay,
    )
