"""The history of the schema: every way to today's tables ends in the same tables."""

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, create_engine, inspect, text

from evalharness.errors import StoreError
from evalharness.records import Prompt, Purpose, Task
from evalharness.store import Store, migrate, schema
from evalharness.store.migrations.constraints import replace_check

GOLDEN = Path(__file__).parent.parent / "golden" / "store"
VERSIONS = Path(migrate.__file__).parent / "migrations" / "versions"


@pytest.fixture
def engine(url):
    engine = create_engine(url)
    yield engine
    engine.dispose()


def tables(engine: Engine) -> dict[str, object]:
    """All a database says of its tables, in a form that can be compared."""
    found = inspect(engine)
    return {
        name: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"])
                for column in found.get_columns(name)
            ],
            "primary key": found.get_pk_constraint(name)["constrained_columns"],
            "foreign keys": sorted(
                (str(key["name"]), key["constrained_columns"], key["referred_table"], key["referred_columns"])
                for key in found.get_foreign_keys(name)
            ),
            "unique": sorted(
                (str(key["name"]), key["column_names"]) for key in found.get_unique_constraints(name)
            ),
            "checks": sorted(
                (str(rule["name"]), rule["sqltext"]) for rule in found.get_check_constraints(name)
            ),
            "indexes": sorted(
                (str(index["name"]), index["column_names"]) for index in found.get_indexes(name)
            ),
        }
        for name in found.get_table_names()
        if name != migrate.VERSION_TABLE
    }


def test_migrating_makes_the_tables_of_the_schema(url, engine):
    Store.open(url).close()
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": migrate.VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, schema.METADATA) == []


def test_migrating_makes_the_checks_and_keys_of_the_schema(url, engine):
    """Alembic's comparison sees no CHECK: so make the tables from the schema too, and compare all."""
    Store.open(url).close()
    migrated = tables(engine)
    with engine.begin() as connection:
        for table in [*reversed(schema.METADATA.sorted_tables), text(migrate.VERSION_TABLE)]:
            cascade = "" if engine.dialect.name == "sqlite" else " CASCADE"
            connection.execute(text(f"DROP TABLE {table}{cascade}"))
        schema.METADATA.create_all(connection)
    assert migrated == tables(engine)
    assert sum(len(table["checks"]) for table in migrated.values()) == 28


def test_opening_again_changes_nothing(url, engine):
    Store.open(url).close()
    before = tables(engine)
    Store.open(url).close()
    assert tables(engine) == before


def test_many_may_open_a_new_database_at_once(url):
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: Store.open(url), range(8)))
    for store in stores:
        assert store.systems() == ()
        store.close()


def test_many_new_databases_may_be_opened_at_once(tmp_path):
    urls = [f"sqlite:///{tmp_path}/{number}.db" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(Store.open, urls))
    for store in stores:
        assert store.systems() == ()
        store.close()


def test_a_database_of_a_newer_program_is_left_alone(url, engine):
    Store.open(url).close()
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {migrate.VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"has schema 9999, which this evalharness does not know.*newer"):
        Store.open(url)


def test_a_database_of_someone_else_is_left_alone(url, engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE votes (party text)"))
    with pytest.raises(StoreError, match=r"not a study: it has tables named votes but no schema_version"):
        Store.open(url)
    assert inspect(engine).get_table_names() == ["votes"]


def test_a_migration_that_fails_leaves_nothing_behind(url, engine, monkeypatch):
    """DDL is inside the transaction on both back ends: the next open starts from where this one did."""

    def fail(*_: object, **__: object) -> None:
        raise StoreError("the power went")

    monkeypatch.setattr(Operations, "execute", fail)  # the triggers, after all tables
    with pytest.raises(StoreError, match="the power went"):
        Store.open(url)
    assert inspect(engine).get_table_names() == []
    monkeypatch.undo()
    Store.open(url).close()


def test_every_version_has_a_golden_database():
    versions = {re.match(r"v(\d+)_", file.name)[1] for file in VERSIONS.glob("v*.py")}
    assert {file.stem for file in GOLDEN.glob("*.sql")} == versions


@pytest.mark.parametrize("version", sorted(file.stem for file in GOLDEN.glob("*.sql")))
def test_an_old_database_is_brought_up_to_date_with_all_it_holds(version, tmp_path):
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.executescript((GOLDEN / f"{version}.sql").read_text(encoding="utf-8"))
    with Store.open(f"sqlite:///{tmp_path}/study.db") as store:
        assert dict(store.progress()) == {
            "jobs_pending": 1,
            "jobs_running": 1,
            "jobs_done": 3,
            "jobs_failed": 1,
            "systems": 2,
            "prompts": 2,
            "clips": 3,
            "exhibits": 3,
            "measurements": 3,
            "voters": 2,
            "battles": 2,
            "votes": 2,
            "exclusions": 1,
        }
        assert [(ballot.left, ballot.right, ballot.outcome) for ballot in store.ballots()] == [
            ("harbour", "lighthouse", "both_bad")
        ]
        everything = (store.jobs(), store.clips(), store.exhibits(), store.measurements(), store.battles())
        assert "氷が割れる" in repr(store.prompts())
        assert all(everything)
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            connection.execute("DELETE FROM votes")


def test_a_migrated_database_takes_reference_pictures_and_no_other_task(tmp_path):
    """SQLite reads the edited text of a table again, in this connection and in others."""
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.executescript((GOLDEN / "0002.sql").read_text(encoding="utf-8"))
    prompt = Prompt(
        "hat", Task.REFERENCE_TO_VIDEO, "[Image 1] on [Image 2].", "en", "CC0-1.0", references=("/a", "/b")
    )
    with Store.open(f"sqlite:///{tmp_path}/study.db") as store:
        store.put_prompts([prompt])
        assert prompt in store.prompts()
        assert all(known.references == () for known in store.prompts() if known.id != "hat")
    with (
        closing(sqlite3.connect(tmp_path / "study.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="ck_prompts_task"),
    ):
        connection.execute("UPDATE prompts SET task = 'words_to_video'")


def test_a_purchase_of_an_older_version_goes_on_through_the_new_stages(tmp_path):
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.executescript((GOLDEN / "0003.sql").read_text(encoding="utf-8"))
    with Store.open(f"sqlite:///{tmp_path}/study.db") as store:
        (key,) = (row.key for row in store.purchases() if row.open)
        store.submit_purchase(key, "task-9", None)
        for further in (store.run_purchase, store.receive_purchase):
            further(key)
            with pytest.raises(StoreError, match="stands already"):
                store.intend_purchase(key, {})
    with (
        closing(sqlite3.connect(tmp_path / "study.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="ck_purchases_task"),
    ):
        connection.execute("UPDATE purchases SET task_id = NULL WHERE stage = 'downloaded'")


def test_a_check_that_is_not_there_is_not_replaced_in_silence(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path}/study.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER, CONSTRAINT c CHECK (n > 0))"))
        with (
            Operations.context(MigrationContext.configure(connection)),
            pytest.raises(RuntimeError, match=r"The table t has no CHECK \(n > 1\)"),
        ):
            replace_check("t", "c", "n > 1", "n > 2")
    engine.dispose()


def test_a_migrated_database_lets_a_pair_be_shown_again_on_purpose_and_not_otherwise(tmp_path):
    """SQLite's index of a constraint is made anew: it allows and refuses what the schema says."""
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.executescript((GOLDEN / "0005.sql").read_text(encoding="utf-8"))
    with Store.open(f"sqlite:///{tmp_path}/study.db") as store:
        answered = store.battle("answered")
        store.open_battle(replace(answered, id="again", purpose=Purpose.REPEAT, repeats="answered"))
        for name in ("twice", "thrice"):
            with pytest.raises(StoreError, match="was shown these two systems on this prompt before"):
                store.open_battle(replace(answered, id=name, purpose=Purpose.REPEAT, repeats="answered"))
        with pytest.raises(StoreError, match="was shown these two systems on this prompt before"):
            store.open_battle(replace(answered, id="other"))
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
