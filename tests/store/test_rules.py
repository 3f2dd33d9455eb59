"""What the database enforces by itself, whoever writes to it: SQL that goes past the store."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from evalharness.records import Exclusion, Question


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def scene(request, tmp_path_factory, open_scene):
    """A study with one answered battle and one open one; every statement below is undone or refused."""
    with ExitStack() as stack:
        if request.param == "postgresql":
            url = stack.enter_context(request.getfixturevalue("new_postgres")())
        else:
            url = f"sqlite:///{tmp_path_factory.mktemp('rules')}/study.db"
        scene = stack.enter_context(open_scene(url))
        scene.arena()
        scene.store.commit_votes(scene.answers(scene.opened("one")))
        scene.store.exclude(Exclusion("one", Question.OVERALL, "why", "Ada", scene.later()))
        scene.opened("two", "a", "c")
        yield scene


@pytest.fixture(scope="module")
def outside(scene) -> Iterator[Engine]:
    """Another program on the same database."""
    engine = create_engine(scene.url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    yield engine
    engine.dispose()


@pytest.mark.parametrize("table", ["battles", "battle_questions", "votes", "exclusions"])
@pytest.mark.parametrize(
    "change", ["UPDATE {0} SET battle_id = battle_id", "DELETE FROM {0}", "TRUNCATE {0}"]
)
def test_votes_and_what_gives_them_meaning_are_append_only(scene, outside, table, change):
    if change.startswith("TRUNCATE") and outside.dialect.name == "sqlite":
        change = "DELETE FROM {0} WHERE 1 = 1"  # SQLite has no TRUNCATE
    statement = change.format(table + (" CASCADE" if change.startswith("TRUNCATE") else ""))
    if table == "battles":
        statement = statement.replace("battle_id", "id")
    before = (scene.store.votes(), scene.store.exclusions(), scene.store.battles())
    with pytest.raises(DBAPIError, match="append only"), outside.begin() as connection:
        connection.execute(text(statement))
    assert (scene.store.votes(), scene.store.exclusions(), scene.store.battles()) == before


VOTE = (
    "INSERT INTO votes (battle_id, question, voter_id, outcome, created_at, evidence)"
    " VALUES ('{battle}', '{question}', '{voter}', '{outcome}', '2026-01-01T00:00:00+00:00', '{{}}')"
)
GOOD = {"battle": "two", "question": "overall", "voter": "v", "outcome": "left"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": "leftt"},
        {"outcome": "LEFT"},
        {"voter": "w"},
        {"question": "motion"},
        {"battle": "three"},
        {"battle": "one"},
    ],
)
def test_a_vote_needs_a_known_label_its_voter_and_an_asked_question(outside, wrong):
    with outside.connect() as connection, connection.begin() as undone:
        connection.execute(text(VOTE.format(**GOOD)))
        undone.rollback()
    with pytest.raises(IntegrityError), outside.begin() as connection:
        connection.execute(text(VOTE.format(**GOOD | wrong)))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE jobs SET state = 'finished'",
        "UPDATE jobs SET state = 'failed'",
        "UPDATE jobs SET failure = 'unlucky', state = 'failed', message = 'm'",
        "UPDATE jobs SET attempts = -1",
        "UPDATE jobs SET prompt_id = 'ghost'",
        "UPDATE prompts SET task = 'video'",
        "UPDATE systems SET concurrency = 0",
        "UPDATE clips SET sha256 = 'unknown'",
        "UPDATE exhibits SET system = 'b'",
        "DELETE FROM systems",
        "DELETE FROM exhibits",
        "DELETE FROM voters",
        "INSERT INTO measurements VALUES ('sha-a-p-1', 'm', '1', 'value', NULL, '', NULL, '{}')",
        "INSERT INTO measurements VALUES ('sha-a-p-1', 'm', '1', 'skipped', NULL, '', 'why', '{}')",
        "INSERT INTO measurements VALUES ('sha-a-p-1', 'm', '1', 'unscorable', NULL, '', NULL, '{}')",
    ],
)
def test_labels_and_references_hold(outside, statement):
    with pytest.raises(IntegrityError), outside.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_measured_value_is_finite(outside, value):
    if outside.dialect.name == "sqlite":
        number = {"NaN": "0.0 * 9e999", "Infinity": "9e999", "-Infinity": "-9e999"}[value]
    else:
        number = f"CAST('{value}' AS double precision)"
    row = f"'sha-a-p-1', 'm', '1', 'value', {number}, '', NULL, '{{}}'"
    with pytest.raises(IntegrityError), outside.begin() as connection:
        connection.execute(text(f"INSERT INTO measurements VALUES ({row})"))


@pytest.mark.parametrize("probability", ["0", "-0.5", "1.01"])
def test_a_probability_lies_in_the_half_open_unit_interval(outside, probability):
    with pytest.raises(IntegrityError), outside.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO battles SELECT 'three', 'w', prompt_id, category, left_system, left_seed,"
                " left_exhibit, right_system, right_seed, right_exhibit, first_system, second_system,"
                f" {probability}, policy, created_at, purpose, expected, repeats"
                " FROM battles WHERE id = 'one'"
            )
        )


@pytest.mark.parametrize("pair", ["'b', 'a'", "'a', 'c'", "'a', 'a'"])
def test_a_pair_cannot_be_misnamed_to_be_shown_twice(outside, pair):
    with pytest.raises(IntegrityError), outside.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO battles SELECT 'three', voter_id, prompt_id, category, left_system, left_seed,"
                f" left_exhibit, right_system, right_seed, right_exhibit, {pair},"
                " probability, policy, created_at, purpose, expected, repeats FROM battles WHERE id = 'one'"
            )
        )
