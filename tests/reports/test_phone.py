"""The report in a real browser: a phone's page stays in its place while the grid of metrics moves."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from evalharness.reports import MetricRow, Summary, render_html

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
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
    summary: Summary, tmp_path: Path, scheme: str
) -> None:
    if not Path(CHROMIUM).is_file():
        missing = f"There is no {CHROMIUM}: install Debian's 'chromium' to run the browser tests."
        if os.environ.get("EVALHARNESS_REQUIRE_SERVICES") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    name = "speech_accuracy.a_quantity_with_a_long_name"
    rows = [
        MetricRow(
            f"model-{n}", name, "1", "s", 0.5, 0.25, 9, {}, {}, 0, "text-to-video", None, "Failed.", True
        )
        for n in range(5)
    ]
    page_file = tmp_path / "report.html"
    page_file.write_text(render_html(replace(summary, metrics=tuple(rows))), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        window = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]  # one of two literals
        page = window.new_page()
        page.goto(page_file.as_uri())
        found = page.evaluate(PLACES)
        browser.close()
    assert found["page"] == 390
    assert found["moved"] > 100
    assert found["name"]["x"] == pytest.approx(found["grid"]["x"], abs=1)
    assert found["value"]["right"] < found["name"]["right"], "the first values went under the names"
    assert found["name"]["width"] < 390 / 2
