"""Opening a database, and what is said when it refuses."""

import sqlite3
import sys
import traceback
from contextlib import closing

import pytest
from sqlalchemy import text

from evalharness.errors import MissingExtraError, StoreError
from evalharness.store import Store

PASSWORD = "hunter2"


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path}/study.db"


def settings(store: Store, *names: str) -> list[object]:
    with store._database.reading("read the settings") as connection:
        return [connection.execute(text(f"PRAGMA {name}")).scalar() for name in names]


def test_sqlite_is_set_up_to_keep_votes(sqlite_url):
    with Store.open(sqlite_url) as store:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "recursive_triggers")
        full = 2
        assert settings(store, *names) == ["wal", full, 1, 30_000, 1]


def test_a_vote_cannot_be_replaced_through_our_connections(open_scene, sqlite_url):
    with open_scene(sqlite_url) as scene:
        scene.arena()
        scene.store.commit_votes(scene.answers(scene.opened("one")))
        before = scene.store.votes()
        with (
            pytest.raises(StoreError, match="append only"),
            scene.store._database.writing("cheat") as connection,
        ):
            connection.execute(text("INSERT OR REPLACE INTO votes SELECT * FROM votes"))
        assert scene.store.votes() == before


def test_what_is_stored_is_there_when_opened_again(open_scene, url):
    with open_scene(url) as scene:
        scene.arena()
        scene.store.commit_votes(scene.answers(scene.opened("one")))
        ballots = scene.store.ballots()
    with Store.open(url) as again:
        assert again.ballots() == ballots


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("study.db", "found no URL"),
        ("", "found no URL"),
        ("mysql://root:hunter2@host/study", "found mysql"),
        ("postgresql://someone:hunter2@host/study", "found postgresql"),
        ("postgresql+psycopg:/someone:hunter2@host", "found no URL"),
        ("sqlite://", "cannot live in memory"),
        ("sqlite:///:memory:", "cannot live in memory"),
    ],
)
def test_a_url_that_cannot_be_opened_is_explained_without_its_password(wrong, found):
    with pytest.raises(StoreError, match=found) as caught:
        Store.open(wrong)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "where", ["{user}:hunter2@127.0.0.1:1/study", "{user}@127.0.0.1:1/study?password=hunter2"]
)
def test_an_unreachable_server_is_named_without_its_password(where):
    with pytest.raises(
        StoreError, match="Could not read the version of the schema: connection failed"
    ) as caught:
        Store.open("postgresql+psycopg://" + where.format(user="ada"))
    assert "postgresql+psycopg://ada@127.0.0.1:1/study" in str(caught.value)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.postgres
def test_a_wrong_password_stays_secret(postgres_url):
    with pytest.raises(StoreError, match='role "ada" does not exist|authentication failed') as caught:
        Store.open(postgres_url.replace("evalharness@", f"ada:{PASSWORD}@"))
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.postgres
def test_a_connection_lost_midway_leaves_open_what_happened_and_the_store_usable(postgres_url):
    with Store.open(postgres_url) as store:
        with (
            pytest.raises(StoreError, match="It is not known whether anything was changed"),
            store._database.writing("lose the connection") as connection,
        ):
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert store.systems() == ()


def test_a_missing_driver_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'evalharness\[postgres\]'"):
        Store.open("postgresql+psycopg://127.0.0.1:1/study")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"unable to open database file.*nowhere/study\.db"):
        Store.open(f"sqlite:///{tmp_path}/nowhere/study.db")


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path):
    file = tmp_path / "study.db"
    file.write_text("dear diary\n" * 100)
    with pytest.raises(StoreError, match="file is not a database"):
        Store.open(f"sqlite:///{file}")
    assert file.read_text() == "dear diary\n" * 100


def test_a_lock_held_too_long_is_explained(open_scene, sqlite_url, tmp_path, monkeypatch):
    monkeypatch.setattr("evalharness.store.database.BUSY_TIMEOUT_S", 0.05)
    with open_scene(sqlite_url) as scene, closing(sqlite3.connect(tmp_path / "study.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program held the database's write lock too long"):
            scene.content()
        assert scene.store.systems() == ()  # readers do not wait for the writer
        other.rollback()
        scene.content()


def test_a_folder_named_with_odd_characters_works(tmp_path):
    folder = tmp_path / "50% off, #1 ünï?"
    folder.mkdir()
    file = str(folder / "study.db").replace("?", "%3F")
    with Store.open(f"sqlite:///{file}") as store:
        assert store.systems() == ()
