"""Exports: all votes in one file, with what their columns mean."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

import streamlit as st

from arena_ui.owner.office import Office
from arena_ui.owner.roles import Action, Person
from arena_ui.owner.services.exports import exported
from evalharness.exports import Form, Options

__all__ = ["page"]

FORMS = {Form.CSV: "CSV", Form.JSONL: "JSON lines", Form.PARQUET: "Parquet"}


def page(office: Office, person: Person) -> None:
    """The page."""
    st.title("Exports")
    st.write(
        "Votes, battles, voters, decisions, prompts, systems and clips as tables, with a codebook and the "
        "hash of every file. Voters have names made for this export alone, moments are days, and masked "
        "systems go by their codenames."
    )
    forms = [form for form in FORMS if form is not Form.PARQUET or find_spec("pyarrow")]
    form = st.radio("Kind of file", forms, format_func=FORMS.__getitem__, horizontal=True)
    open_data_only = st.checkbox("Only voters who agreed that single answers are published")
    with_ids = person.may(Action.NAMES) and st.checkbox(
        "With ids as they are stored, whole moments and who decided: not for publishing"
    )
    options = Options((form,), with_ids=with_ids, open_data_only=open_data_only)
    st.download_button(
        "Download (ZIP)",
        partial(_file, office, person, options),
        file_name=f"{office.study.settings.name}-votes.zip",
        mime="application/zip",
        icon=":material/download:",
        on_click="ignore",
    )
    st.caption(
        "The file is made when you ask for it; of many votes that takes a moment. Each download is on record."
    )


def _file(office: Office, person: Person, options: Options) -> bytes:
    """Made when it is asked for, which may be long after the page was."""
    return exported(office, office.as_of_now(person), options)
