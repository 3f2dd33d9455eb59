"""Progress: votes, voters, what is still needed, what was spent."""

from __future__ import annotations

import streamlit as st

from arena_ui.owner.identity import visitor
from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person
from arena_ui.owner.services.progress import Progress, progress
from arena_ui.plot import plot

__all__ = ["page"]

LIVE_S = 30.0


def page(office: Office, _person: Person) -> None:
    """The page, which keeps itself up to date."""
    st.title("Progress")
    _live(office)


@st.fragment(run_every=LIVE_S)
def _live(office: Office) -> None:
    from evalharness.reports.wording import flow_line

    person = visitor(office)  # they may have logged out since the page was made
    if person is None:
        st.rerun()
    now = progress(office, person)
    _figures(now)
    st.caption(flow_line(now.flow))
    _hours(now)
    _needs(now)
    _spend(now)


def _figures(now: Progress) -> None:
    from evalharness.reports import numbers

    sessions = now.sessions
    share = numbers.percent(sessions.finished / sessions.voted) if sessions.voted else "none yet"
    missing = [need.missing for need in now.needs if need.missing is not None]
    figures = (
        ("Votes counted", f"{now.flow.counted:,}"),
        ("Voters who voted", f"{sessions.voted:,} of {sessions.joined:,}"),
        ("Sessions finished", share),
        ("Pairs still needed", f"{sum(missing):,}" if missing else "no quota"),
        ("Spent on clips", "price unknown" if now.spent_usd is None else numbers.dollars(now.spent_usd)),
    )
    with st.container(horizontal=True):
        for label, value in figures:
            st.metric(label, value, width="content", border=True)


def _hours(now: Progress) -> None:
    from arena_ui.owner.drawing import hours_svg

    st.header("Votes by the hour")
    if not now.hours:
        st.info("Nobody has voted yet.", icon=":material/hourglass_empty:")
        return
    plot(
        wide=hours_svg(now.hours),
        narrow=hours_svg(now.hours, compact=True),
        says="Votes of each hour; the table below holds the same numbers.",
    )
    with st.expander("As a table"):
        st.dataframe(
            {
                "Hour (UTC)": [f"{hour:%Y-%m-%d %H:00}" for hour, _ in now.hours],
                "Votes": [votes for _, votes in now.hours],
            },
            hide_index=True,
        )


def _needs(now: Progress) -> None:
    from evalharness.reports.wording import title

    st.header("Pairs still needed")
    if not now.needs:
        st.info("There is nothing to compare yet: no exhibits.", icon=":material/hourglass_empty:")
        return
    st.dataframe(
        {
            "Category": [title(need.category) for need in now.needs],
            "Compared": [need.answered for need in now.needs],
            "Pairs of systems": [need.couples for need in now.needs],
            "Fewest on a pair": [need.fewest for need in now.needs],
            "Still needed": [
                "no quota" if need.missing is None else f"{need.missing:,}" for need in now.needs
            ],
        },
        hide_index=True,
    )
    st.caption(
        "Quotas are battles_per_pair, battles_per_prompt and battles_per_category in [pairing]: a category "
        "is done once the first of them is met. A pair that was shown and is not answered counts as needed."
    )


def _spend(now: Progress) -> None:
    from evalharness.reports import numbers

    st.header("Clips and what they cost")
    st.dataframe(
        {
            "System": [row.system for row in now.spend],
            "Clips": [row.done for row in now.spend],
            "Waiting": [row.waiting for row in now.spend],
            "Failed": [sum(row.failed.values()) for row in now.spend],
            "Spent": [numbers.dollars(row.total_cost_usd) for row in now.spend],
            "A clip": [numbers.dollars(row.mean_cost_usd) for row in now.spend],
            "Price unknown": [row.done - row.priced for row in now.spend],
            "Standing at the vendor": [now.standing.get(row.system, 0) for row in now.spend],
        },
        hide_index=True,
    )
    if now.unpriced:
        st.caption(f"Of {now.unpriced:,} clips nobody knows what they cost; they count in no sum.")
