"""The report in a real browser: a phone's page stays in its place while the grid of metrics moves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from evalharness.reports import MetricRow, Summary, render_html

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PLACES = """() => {
  const grid = document.querySelector(".grid"), name = grid.querySelector("tr.failed th");
  const value = grid.querySelector("tr.failed td");
  grid.scrollLeft = 1e6;
  return {moved: grid.scrollLeft, page: document.documentElement.scrollWidth,
          name: name.getBoundingClientRect(), value: value.getBoundingClientRect(),
          grid: grid.getBoundingClientRect()};
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_stay_while_values_scroll_and_the_page_does_not(
    summary: Summary, tmp_path: Path, browser: Browser, scheme: Literal["light", "dark"]
) -> None:
    name = "speech_accuracy.a_quantity_with_a_long_name"
    rows = [
        MetricRow(
            f"model-{n}", name, "1", "s", 0.5, 0.25, 9, {}, {}, 0, "text-to-video", None, "Failed.", True
        )
        for n in range(5)
    ]
    page_file = tmp_path / "report.html"
    page_file.write_text(render_html(replace(summary, metrics=tuple(rows))), encoding="utf-8")
    page = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme).new_page()
    page.goto(page_file.as_uri())
    found = page.evaluate(PLACES)
    assert found["page"] == 390
    assert found["moved"] > 100
    assert found["name"]["x"] == pytest.approx(found["grid"]["x"], abs=1)
    assert found["value"]["right"] < found["name"]["right"], "the first values went under the names"
    assert found["name"]["width"] < 390 / 2
