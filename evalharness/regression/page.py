"""A comparison, or a history with its trends, as one HTML file: no network, no script; light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from evalharness.regression.contact import worst_prompts
from evalharness.regression.history import History
from evalharness.regression.terminal import change_words, shown_checks, tolerance_words
from evalharness.regression.trend import trend_names, trend_svg
from evalharness.regression.verdict import Comparison

__all__ = ["Sheets", "render_page"]

Sheets = Mapping[tuple[str, str, str], str]
"""(baseline, candidate, prompt) -> contact sheet as a data address."""


def render_page(
    comparisons: tuple[Comparison, ...],
    sheets: Sheets,
    moment: datetime,
    version: str,
    history: History | None = None,
) -> str:
    """The page as text; `comparisons` newest last, all of one study."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("evalharness.regression"), PackageLoader("evalharness.reports")]),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        change_words=change_words,
        tolerance_words=tolerance_words,
        shown_checks=shown_checks,
        worst_prompts=worst_prompts,
    )
    trends = []
    if history is not None:
        # Vega escapes every text that it draws.
        trends = [(name, Markup(trend_svg(history, name))) for name in trend_names(history)]  # noqa: S704
    return environment.get_template("regression.html.j2").render(
        study=comparisons[-1].study,
        comparisons=tuple(reversed(comparisons)),
        history=history,
        trends=trends,
        sheets=sheets,
        moment=moment,
        version=version,
    )
