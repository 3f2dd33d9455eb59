"""Ratings, measurements and job facts as reports: terminal, Markdown, CSV, JSON and one HTML file.

    summary       the record that every rendering reads
    tables        stored records -> the report's rows
    delivery      what each system's clips are, by their probes
    leaderboard   terminal, Markdown and CSV
    interchange   JSON that loads back into the same records
    measurements  every measurement of every clip, as CSV
    metric_grid   metrics of a category as one table, grouped by what voters are asked
    gate_plots    what a metric shows on known damage, drawn
    beside        what stands beside a rating: status, speed, price, reliability
    forest, html, pdf   the plot, and the report as one HTML file and as pages to print
    wording, numbers   how things are called and how numbers are written, the same everywhere

Data arrives as arguments; nothing is opened here.
"""

from evalharness.reports.agreement import Agreement, AgreementRow, CombinedRow, PeopleRow, Spread
from evalharness.reports.delivery import DeliveryRow, delivery_table
from evalharness.reports.forest import forest_svg
from evalharness.reports.html import render_html
from evalharness.reports.interchange import from_json, render_json, to_json
from evalharness.reports.leaderboard import render_csv, render_markdown, render_terminal
from evalharness.reports.measurements import render_measurements
from evalharness.reports.pdf import render_pdf
from evalharness.reports.summary import (
    CategoryProgress,
    GenerationRow,
    HabitRow,
    Meaning,
    MetricRow,
    Profile,
    Refusal,
    Summary,
    VoteFlow,
)
from evalharness.reports.tables import generation_table, metric_table, vote_flow

__all__ = [
    "Agreement",
    "AgreementRow",
    "CategoryProgress",
    "CombinedRow",
    "DeliveryRow",
    "GenerationRow",
    "HabitRow",
    "Meaning",
    "MetricRow",
    "PeopleRow",
    "Profile",
    "Refusal",
    "Spread",
    "Summary",
    "VoteFlow",
    "delivery_table",
    "forest_svg",
    "from_json",
    "generation_table",
    "metric_table",
    "render_csv",
    "render_html",
    "render_json",
    "render_markdown",
    "render_measurements",
    "render_pdf",
    "render_terminal",
    "to_json",
    "vote_flow",
]
