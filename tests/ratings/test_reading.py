"""Files of votes: every layout gives the same tally, and what is not said is refused, never guessed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalharness.errors import RatingError
from evalharness.ratings import davidson, tally_frame
from evalharness.ratings.reading import read_votes
from evalharness.ratings.tally import NOT_RECORDED

ROWS = [
    ("b", "a", "left", "ann", "p1"),
    ("a", "b", "right", "bob", "p1"),
    ("a", "c", "tie", "ann", "p2"),
    ("c", "a", "both_bad", "cid", "p2"),
    ("b", "a", "left", "cid", "p3"),
]
FRAME = pd.DataFrame(ROWS, columns=["left", "right", "outcome", "voter", "prompt"])
KNOWN = tally_frame(FRAME).sha256()
REAL = Path(__file__).parents[3] / "shared" / "data" / "votes"


def real(name: str) -> Path:
    if not (REAL / name).exists():
        pytest.skip(f"The real votes are not beside the project ({name}).")
    return REAL / name


def written(tmp_path: Path, text: str, name: str = "votes.csv") -> Path:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["v.csv", "v.tsv", "v.csv.gz", "v.parquet", "v.jsonl", "v.json"])
def test_every_form_of_file_gives_the_same_tally(tmp_path, name):
    file = tmp_path / name
    match file.suffix:
        case ".parquet":
            FRAME.to_parquet(file)
        case ".jsonl" | ".json":
            FRAME.to_json(file, orient="records", lines=file.suffix == ".jsonl")
        case _:
            FRAME.to_csv(file, index=False, sep="\t" if file.suffix == ".tsv" else ",")
    assert read_votes(file).sha256() == KNOWN


def test_pieces_of_a_long_file_share_their_codes(tmp_path, monkeypatch):
    monkeypatch.setattr("evalharness.ratings.reading._ROWS", 2)
    FRAME.to_csv(tmp_path / "v.csv", index=False)
    FRAME.to_parquet(tmp_path / "v.parquet")
    for name in ("v.csv", "v.parquet"):
        assert read_votes(tmp_path / name).sha256() == KNOWN
    broken = FRAME.assign(outcome=["left", "right", "tie", "draw", "draw"])
    broken.to_csv(tmp_path / "w.csv", index=False)
    with pytest.raises(RatingError, match=r"^w\.csv: Row 4 has the outcome 'draw' \(2 such rows\)"):
        read_votes(tmp_path / "w.csv")


def test_labels_are_translated_and_the_four_words_keep_their_meaning(tmp_path):
    text = "model_a,model_b,winner,judge,q\nb,a,model_a,ann,p1\na,b,model_b,bob,p1\na,c,tie,ann,p2\n"
    text += "c,a,tie (bothbad),cid,p2\nb,a,model_a,cid,p3\n"
    votes = read_votes(
        written(tmp_path, text),
        left="model_a",
        right="model_b",
        outcome="winner",
        voter="judge",
        prompt="q",
        outcomes={"model_a": "left", "model_b": "right", "tie (bothbad)": "both_bad"},
    )
    assert votes.sha256() == KNOWN


def test_the_worked_example_of_the_methods(tmp_path):
    file = written(tmp_path, "left,right,outcome,voter,prompt\nx,y,1,v,p\ny,x,2,v,p\n")
    votes = read_votes(file, outcomes={"1": "left", "2": "right"})
    assert votes.systems == ("x", "y")
    assert votes.counts[0, 0, 1] == 1  # x on the left beat y
    assert votes.counts[1, 1, 0] == 1  # x on the right beat y
    assert votes.votes == 2


def test_a_winner_by_name_is_a_side(tmp_path):
    text = (
        "x,y,won,voter,prompt\nb,a,b,ann,p1\na,b,b,bob,p1\na,c,,ann,p2\nc,a,both_bad,cid,p2\nb,a,b,cid,p3\n"
    )
    columns = {"left": "x", "right": "y", "outcome": "won", "winner_named": True}
    votes = read_votes(written(tmp_path, text), outcomes={"": "tie"}, **columns)
    assert votes.sha256() == KNOWN
    with pytest.raises(RatingError, match=r"Row 3 has the outcome '' .* or the name of one of the row's two"):
        read_votes(written(tmp_path, text), **columns)
    stranger = text + "a,b,c,ann,p9\n"
    with pytest.raises(RatingError, match=r"Row 6 has the outcome 'c' \(1 such rows\)"):
        read_votes(written(tmp_path, stranger), outcomes={"": "tie"}, **columns)
    muddled = text.replace("c,", "tie,")
    with pytest.raises(RatingError, match="tie is the name of a system and an outcome too"):
        read_votes(written(tmp_path, muddled), outcomes={"": "tie"}, **columns)


def test_winner_and_loser_columns_need_no_outcome_and_know_no_sides(tmp_path):
    file = written(tmp_path, "winner,loser,voter,prompt\na,b,ann,p\nb,c,bob,p\n")
    votes = read_votes(file, left="winner", right="loser", outcome=None)
    assert votes.outcome.tolist() == [0, 0]
    assert not votes.sides_known
    assert "no order effect" in votes.caveats[0]


def test_missing_voters_are_said_and_never_invented(tmp_path):
    file = tmp_path / "v.csv"
    FRAME.drop(columns=["voter", "prompt"]).to_csv(file, index=False)
    with pytest.raises(RatingError, match=r"has no column voter, prompt; .* say so: voter=None, prompt=None"):
        read_votes(file)
    votes = read_votes(file, voter=None, prompt=None, sides=False)
    assert (votes.voters, votes.prompts) == (NOT_RECORDED, NOT_RECORDED)
    assert len(votes.caveats) == 3
    assert np.array_equal(votes.counts, tally_frame(FRAME).counts)
    assert tally_frame(FRAME).caveats == ()


def test_rows_left_out_on_request_are_counted_and_leave_no_name_behind(tmp_path):
    text = FRAME.to_csv(index=False) + "ghost,a,unsure,nobody,p4\n"
    with pytest.raises(RatingError, match=r"Row 6 has the outcome 'unsure'.*'skip' leaves such rows out"):
        read_votes(written(tmp_path, text))
    votes = read_votes(written(tmp_path, text), outcomes={"unsure": "skip"})
    assert (votes.sha256(), votes.left_out) == (KNOWN, 1)
    with pytest.raises(RatingError, match="Row 6 has the outcome 'skip'"):
        read_votes(written(tmp_path, text.replace("unsure", "skip")))


def test_a_row_may_stand_for_several_votes(tmp_path):
    summed = FRAME.assign(n=[2, 0, 1, 3, 1])
    summed.to_csv(tmp_path / "v.csv", index=False)
    repeated = FRAME.loc[np.repeat(FRAME.index, summed["n"])]
    assert read_votes(tmp_path / "v.csv", count="n").sha256() == tally_frame(repeated).sha256()
    for wrong in ("-1", "1.5", "many", ""):
        summed.astype({"n": str}).replace({"n": {"3": wrong}}).to_csv(tmp_path / "w.csv", index=False)
        with pytest.raises(RatingError, match=r"w\.csv: Row 4 stands for .* votes \(1 such rows\)"):
            read_votes(tmp_path / "w.csv", count="n")


@pytest.mark.parametrize(
    "times",
    [
        [3, 10, 2, 2.5, 1],
        ["2026-01-03", "2026-01-10T12:00:00Z", "2026-01-02", "2026-01-02T22:00:00-01:00", "2026-01-01"],
    ],
)
def test_votes_come_in_order_of_their_time(tmp_path, times):
    FRAME.assign(at=times).to_csv(tmp_path / "v.csv", index=False)
    votes = read_votes(tmp_path / "v.csv", time="at")
    assert votes.outcome.tolist() == [0, 2, 3, 0, 1]
    assert [votes.voters[code] for code in votes.voter] == ["cid", "ann", "cid", "ann", "bob"]


def test_a_time_that_is_none_is_refused(tmp_path):
    FRAME.assign(at=[1, 2, "soon", 4, 5]).to_csv(tmp_path / "v.csv", index=False)
    with pytest.raises(RatingError, match=r"Row 1 has the time '1'|Row 3 has the time 'soon'"):
        read_votes(tmp_path / "v.csv", time="at")


def test_names_are_kept_as_they_are_spelled(tmp_path):
    text = '\ufeffleft,right,outcome,voter,prompt\nNA,1.0,left,007,None\n1.0,"x, y",tie,7,null\n'
    votes = read_votes(written(tmp_path, text))
    assert votes.systems == ("1.0", "NA", "x, y")
    assert votes.voters == ("007", "7")
    assert votes.prompts == ("None", "null")


def test_whole_numbers_in_parquet_stay_whole_beside_an_unused_gap(tmp_path):
    frame = FRAME.assign(voter=pd.array([1, 2, 1, None, 3], dtype="Int64"))
    frame.to_parquet(tmp_path / "v.parquet")
    with pytest.raises(RatingError, match=r"v\.parquet: Row 4 names no voter \(1 such rows\)"):
        read_votes(tmp_path / "v.parquet")
    frame.assign(outcome=["left", "right", "tie", "unsure", "left"]).to_parquet(tmp_path / "v.parquet")
    frame.loc[3, "voter"] = 4
    frame.to_parquet(tmp_path / "v.parquet")
    assert read_votes(tmp_path / "v.parquet").voters == ("1", "2", "3", "4")


def test_empty_and_blank_cells_are_refused_with_their_row(tmp_path):
    for blank in ("", "  "):
        text = f"left,right,outcome,voter,prompt\na,b,left,v,p\na,{blank},left,v,p\n"
        with pytest.raises(RatingError, match=r"votes\.csv: Row 2 names no system \(1 such rows\)"):
            read_votes(written(tmp_path, text))


def test_what_cannot_be_read_says_why(tmp_path):
    with pytest.raises(RatingError, match=r"votes\.xlsx: its name does not tell how it is written"):
        read_votes(written(tmp_path, "", "votes.xlsx"))
    with pytest.raises(RatingError, match=r"votes\.csv: cannot be read as csv: No columns"):
        read_votes(written(tmp_path, ""))
    with pytest.raises(RatingError, match=r"v\.parquet: cannot be read as parquet"):
        read_votes(written(tmp_path, "no parquet at all", "v.parquet"))
    (tmp_path / "latin.csv").write_bytes(
        "left,right,outcome,voter,prompt\na,b,left,René,p\n".encode("latin-1")
    )
    with pytest.raises(RatingError, match=r"latin\.csv: cannot be read as csv: .*Save it again in UTF-8"):
        read_votes(tmp_path / "latin.csv")
    with pytest.raises(RatingError, match=r"A label cannot mean 'lft'; a meaning is one of left, right"):
        read_votes(written(tmp_path, FRAME.to_csv(index=False)), outcomes={"x": "lft"})
    with pytest.raises(FileNotFoundError):
        read_votes(tmp_path / "nowhere.csv")


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from("def"),
            st.sampled_from(["left", "right", "tie", "both_bad"]),
            st.sampled_from(["u", "v", "w"]),
            st.sampled_from(["p", "q"]),
        ),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=40, deadline=None)
def test_a_naive_reading_of_the_rows_agrees(rows, tmp_path_factory):
    columns = ("left", "right", "outcome", "voter", "prompt")
    file = tmp_path_factory.mktemp("votes") / "v.jsonl"
    file.write_text("".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows))
    votes = read_votes(file)
    labels = ("left", "right", "tie", "both_bad")
    decoded = [
        (
            votes.systems[votes.left[i]],
            votes.systems[votes.right[i]],
            labels[votes.outcome[i]],
            votes.voters[votes.voter[i]],
            votes.prompts[votes.prompt[i]],
        )
        for i in range(votes.votes)
    ]
    assert decoded == rows
    assert list(votes.systems) == sorted({name for row in rows for name in row[:2]})


def test_real_crowd_votes_are_read_as_the_table_is(crowd):
    votes = read_votes(real("llmfao_crowd.csv"), outcome="winner", voter="worker")
    assert votes.sha256() == crowd.sha256()
    assert votes.caveats == ()


def test_real_video_votes_without_screen_positions():
    votes = read_votes(
        real("hdrvdc_bright.csv"),
        left="condition_1",
        right="condition_2",
        outcome="selection",
        outcomes={"1": "left", "0": "right"},
        voter="observer",
        prompt="scene",
        sides=False,
    )
    assert (votes.votes, len(votes.systems), len(votes.voters), len(votes.prompts)) == (12898, 18, 30, 16)
    assert not votes.sides_known
    assert davidson(votes, order_effect=False).order_effect is None


def test_a_real_file_that_names_no_systems_is_refused():
    with pytest.raises(RatingError, match=r"no column left, right; it has idx, prompt, human_vote"):
        read_votes(real("genaibench_video_generation.csv"), outcome="human_vote", voter=None)
