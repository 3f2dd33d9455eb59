"""What an interrupted command says it leaves behind."""

from __future__ import annotations

import pytest

from evalharness.cli.options import progress_bar


@pytest.mark.parametrize(
    ("steps", "keeps", "said"),
    [
        ([(0, 12), (3, 12)], True, "3 of 12 are finished and kept"),
        ([(0, 12)], True, "Nothing was finished yet, so nothing is kept."),
        ([], True, "Nothing was finished yet, so nothing is kept."),
        ([(0, 12), (3, 12)], False, "Nothing is kept of this run."),
    ],
)
def test_an_interrupted_bar_counts_what_is_kept(
    capsys: pytest.CaptureFixture[str], steps: list[tuple[int, int]], keeps: bool, said: str
) -> None:
    def work() -> None:
        with progress_bar("measure", keeps=keeps) as show:
            for step in steps:
                show(*step)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert said in " ".join(capsys.readouterr().err.split())
