"""Who is not beaten in both, held against a loop over pairs; the plot holds every name."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from evalharness.records import Leaderboard, Question, Rating
from evalharness.reports import GenerationRow, Summary, render_html
from evalharness.reports.beside import Figures
from evalharness.reports.frontier import frontier_svg, frontiers


def board(ratings: list[float], like: Leaderboard) -> Leaderboard:
    row = like.ratings[0]
    rows: list[Rating] = [
        replace(row, system=f"s{n}", rating=rating, low=rating - 20, high=rating + 20)
        for n, rating in enumerate(ratings)
    ]
    return replace(like, ratings=tuple(rows))


def figures(costs: list[float | None]) -> list[Figures]:
    return [
        Figures(f"s{n}", "usable", None, None, cost, None, None, (), None, None)
        for n, cost in enumerate(costs)
    ]


@given(
    st.lists(
        st.tuples(st.integers(900, 906), st.one_of(st.none(), st.integers(1, 5))), min_size=1, max_size=8
    )
)
def test_whoever_is_beaten_is_beaten_by_somebody(rows: list[tuple[int, int | None]]) -> None:
    row = Rating("s", 0.0, 0.0, 0.0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0.5)
    like = Leaderboard("text-to-video", Question.OVERALL, (row,), 0, 0, 0, 0, {})
    found = frontiers(board([float(r) for r, _ in rows], like), figures([c and float(c) for _, c in rows]))
    known = [(n, r, c) for n, (r, c) in enumerate(rows) if c is not None]
    if len({c for _, _, c in known}) < 2:
        assert found == ()
        return
    (price,) = found
    for point, (n, rating, cost) in zip(price.points, known, strict=True):
        better = [
            other
            for other, r, c in known
            if other != n and r >= rating and c <= cost and (r, -c) != (rating, -cost)
        ]
        assert point.beaten == bool(better)
    assert set(price.unknown) == {f"s{n}" for n, (_, c) in enumerate(rows) if c is None}
    assert any(not point.beaten for point in price.points)


def test_the_page_has_plot_sentence_and_every_pair(summary: Summary) -> None:
    names = [row.system for row in summary.boards[0].ratings]
    made = tuple(
        GenerationRow(name, 4, 0, {}, 10.0 * (n + 1), 4, 0.1 * (n + 1), 0.4 * (n + 1), 4)
        for n, name in enumerate(names)
    )
    pairs = {
        "systems": sorted(names),
        "votes": [[0 if a == b else 7 for b in names] for a in names],
        "wins": [
            [None if a == b else {"value": 0.63, "low": 0.5, "high": 0.7} for b in names] for a in names
        ],
    }
    first = replace(summary.boards[0], recipe={**summary.boards[0].recipe, "pairs": pairs})
    page = render_html(replace(summary, generation=made, boards=(first,)))
    assert "Rating against price" in page
    assert "No other is both better and cheaper:" in page
    assert "Rating against latency" in page
    assert page.count(">63 %<br>") == len(names) * (len(names) - 1)


def test_the_plot_names_every_system(summary: Summary) -> None:
    rated = board([1000.0, 1100.0, 900.0], summary.boards[0])
    (price,) = frontiers(rated, figures([0.1, 2.0, None]))
    for compact in (False, True):
        svg = frontier_svg(price, compact=compact)
        assert ">s0<" in svg
        assert ">s1<" in svg
        assert ">s2<" not in svg, "its cost is not known"
    assert price.sentence == (
        "No other is both better and cheaper: s0 ($0.10, 1000), s1 ($2.00, 1100). Not on record for s2."
    )
