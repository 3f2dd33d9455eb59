"""Clips: what came in, what failed, and the blinding report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Person
from arena_ui.owner.services.clips import Intake, blinding, intake
from evalharness.errors import EvalHarnessError

if TYPE_CHECKING:
    from evalharness.blinding import AuditReport

__all__ = ["page"]


def page(office: Office, person: Person) -> None:
    """The page."""
    st.title("Clips")
    _intake(intake(office, person))
    st.header("Blinding report")
    if not st.toggle("Examine the exhibits", help="Decodes every exhibit: about a second each."):
        st.caption("What still differs between systems in what voters get, and how well they can be guessed.")
        return
    bar = st.progress(0.0, "Examining the exhibits")

    def show(done: int, of: int) -> None:
        bar.progress(done / of, f"{done} of {of} exhibits")

    try:
        report = blinding(office, person, show)
    except EvalHarnessError as error:
        bar.empty()
        st.error(str(error))
        return
    bar.empty()
    if isinstance(report, str):
        st.info(report, icon=":material/hourglass_empty:")
    else:
        _report(report)


def _intake(found: Intake) -> None:
    if not found.systems:
        st.info("There are no clips yet.", icon=":material/hourglass_empty:")
        return
    st.dataframe(
        {
            "System": [row.system for row in found.systems],
            "Clips": [row.clips for row in found.systems],
            "Exhibits": [row.exhibits for row in found.systems],
            "Not blinded yet": [row.without_exhibit for row in found.systems],
            "Waiting": [row.waiting for row in found.systems],
            "Failed": [row.failed for row in found.systems],
        },
        hide_index=True,
    )
    st.caption(
        f"{found.prompts} prompts. "
        + (
            f"{found.flawed} exhibits were spoiled on purpose, to see whether voters look."
            if found.flawed
            else ""
        )
    )
    if not found.failures:
        return
    with st.expander(f"What failed ({len(found.failures)})"):
        st.dataframe(
            {
                "System": [row.system for row in found.failures],
                "Prompt": [row.prompt_id for row in found.failures],
                "Seed": [row.seed for row in found.failures],
                "Failure": [row.kind for row in found.failures],
                "Attempts": [row.attempts for row in found.failures],
                "Message": [row.message for row in found.failures],
            },
            hide_index=True,
        )


def _report(report: AuditReport) -> None:
    if report.leaks:
        st.error(f"{len(report.leaks)} features tell systems apart.", icon=":material/visibility:")
    elif report.guesses:
        st.success(
            f"No leak found in {report.exhibits} exhibits of {report.prompts} prompts.",
            icon=":material/visibility_off:",
        )
    else:
        st.warning("Not proven: there is too little to try guessing on.", icon=":material/help:")
    if report.findings:
        st.dataframe(
            {
                "Verdict": ["leak" if each.leak else "differs" for each in report.findings],
                "Feature": [each.feature for each in report.findings],
                "Kind": [str(each.kind) for each in report.findings],
                "What differs": [each.sentence for each in report.findings],
            },
            hide_index=True,
        )
    if report.guesses:
        st.dataframe(
            {
                "Guessed from": list(report.guesses),
                "Result": [str(guess) for guess in report.guesses.values()],
            },
            hide_index=True,
        )
    for note in report.notes:
        st.caption(note)
