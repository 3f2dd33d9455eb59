"""Clips and exhibits in the study's folder, and anywhere else that fsspec reaches."""

from __future__ import annotations

import hashlib
import pickle
import secrets
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest
from fsspec.registry import _registry

from evalharness.config import StorageSettings, load_study
from evalharness.errors import ConfigError, MediaError, MissingExtraError, StorageError
from evalharness.storage import Remote, Storage, sha256_of, storage_at

ROOT = Path(__file__).parents[1]
BYTES = b"a clip that is no video" * 50
SHA256 = hashlib.sha256(BYTES).hexdigest()
CLIP = f"clips/{SHA256[:2]}/{SHA256}.mp4"


@pytest.fixture(params=["folder", "memory", "file"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Each kind of storage, empty."""
    url = {"folder": "", "memory": f"memory://{secrets.token_hex(8)}", "file": f"file://{tmp_path}/mount"}
    folder = tmp_path / "study"
    folder.mkdir()
    return storage_at(folder, url[request.param])


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A storage elsewhere, whose study lies on this machine."""
    return Remote(tmp_path, f"memory://{secrets.token_hex(8)}/below")


def put(storage: Storage, relative: str = CLIP, content: bytes = BYTES) -> None:
    file = storage.root / "made.mp4"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    storage.put(file, relative)
    assert not file.exists()


def stored(remote: Remote, relative: str = CLIP) -> str:
    """Where the file lies in fsspec's memory."""
    return f"{remote.url}/{relative}"


def test_what_was_put_is_there_and_can_be_taken_away(storage: Storage) -> None:
    storage.check()
    assert storage.missing([CLIP, "exhibits/none.mp4"]) == [CLIP, "exhibits/none.mp4"]
    put(storage)
    put(storage)  # again: nothing changes
    assert storage.missing([CLIP, "exhibits/none.mp4"]) == ["exhibits/none.mp4"]
    assert storage.local(CLIP, SHA256).read_bytes() == BYTES
    storage.remove(CLIP)
    storage.remove(CLIP)
    assert storage.missing([CLIP]) == [CLIP]
    assert not (storage.root / CLIP).exists()


def test_a_storage_travels_to_workers(storage: Storage) -> None:
    assert pickle.loads(pickle.dumps(storage)) == storage


def test_the_study_s_folder_needs_no_fsspec(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from evalharness.config import Study, StudySettings
study = Study(Path({str(tmp_path)!r}), StudySettings.model_validate(
    {{"name": "n", "systems": [{{"name": "s", "adapter": "folder"}}]}}))
made = study.folder / "made"
made.write_bytes(b"x")
study.storage.check()
study.storage.put(made, "clips/x.mp4")
assert study.path("clips/x.mp4").read_bytes() == b"x"
assert study.clips == study.folder / "clips" and study.exhibits == study.folder / "exhibits"
assert "fsspec" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_what_was_made_here_is_not_fetched(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    put(remote)
    fsspec.filesystem("memory").rm(stored(remote))
    assert remote.local(CLIP, SHA256).read_bytes() == BYTES


def test_a_damaged_copy_here_is_fetched_again(remote: Remote) -> None:
    put(remote)
    (remote.root / CLIP).write_bytes(BYTES[:-1])
    assert remote.local(CLIP, SHA256).read_bytes() == BYTES
    assert not any((remote.root / ".partial").iterdir())


def test_a_damaged_file_there_is_said_and_never_taken(remote: Remote) -> None:
    put(remote)
    (remote.root / CLIP).unlink()
    fsspec.filesystem("memory").pipe_file(stored(remote), BYTES[:-1] + b"!")
    with pytest.raises(MediaError, match=r"is damaged \(SHA-256 .*Put a whole copy in its place"):
        remote.local(CLIP, SHA256)
    assert not (remote.root / CLIP).exists()
    assert not any((remote.root / ".partial").iterdir())


def test_half_a_file_that_a_killed_run_left_there_is_replaced(remote: Remote) -> None:
    fsspec.filesystem("memory").pipe_file(stored(remote), BYTES[:100])
    put(remote)
    assert fsspec.filesystem("memory").cat_file(stored(remote)) == BYTES


def test_a_file_that_is_gone_is_said(remote: Remote) -> None:
    with pytest.raises(MediaError, match=r"is recorded and is not in memory://.* Put it back"):
        remote.local(CLIP, SHA256)


def test_many_are_fetched_and_the_lost_ones_passed_over(remote: Remote, tmp_path: Path) -> None:
    clips = {f"exhibits/{n}.mp4": secrets.token_bytes(100) for n in range(9)}
    for relative, content in clips.items():
        put(remote, relative, content)
    elsewhere = Remote(tmp_path / "second machine", remote.url)
    elsewhere.folder.mkdir()
    told: list[tuple[int, int]] = []
    wanted = [(relative, hashlib.sha256(content).hexdigest()) for relative, content in clips.items()]
    elsewhere.fetch([*wanted, ("exhibits/lost.mp4", SHA256)], lambda done, total: told.append((done, total)))
    assert told == [(n, 9) for n in range(1, 10)]
    assert all(sha256_of(elsewhere.root / relative) == sha256 for relative, sha256 in wanted)


def test_what_was_fetched_before_needs_no_storage(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    put(remote)
    monkeypatch.setattr(type(fsspec.filesystem("memory")), "find", None)
    remote.fetch([(CLIP, SHA256)])
    with pytest.raises(StorageError):
        remote.fetch([(CLIP, SHA256), ("exhibits/elsewhere.mp4", SHA256)])


def test_one_damaged_file_ends_the_fetching(remote: Remote, tmp_path: Path) -> None:
    put(remote)
    (remote.root / CLIP).unlink()
    with pytest.raises(MediaError, match="damaged"):
        remote.fetch([(CLIP, "0" * 64)])


def test_a_worker_without_the_study_has_its_cache_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    put(Remote(tmp_path, "memory://shared"))
    there = Remote(tmp_path / "not here", "memory://shared").local(CLIP, SHA256)
    assert there.read_bytes() == BYTES
    assert there.is_relative_to(tmp_path / "caches" / "evalharness")


def test_a_storage_that_takes_less_than_it_got_is_not_believed(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = type(fsspec.filesystem("memory"))
    whole = memory.put_file

    def half(self: object, local: str, *rest: object, **options: object) -> None:
        Path(local).write_bytes(BYTES[:10])
        whole(self, local, *rest, **options)

    monkeypatch.setattr(memory, "put_file", half)
    with pytest.raises(StorageError, match=f"with {len(BYTES)} bytes, and 10 are there"):
        put(remote)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError("no"), "the credentials are wrong, or may not do it"),
        (FileNotFoundError("no"), "there is no such bucket or folder"),
        (ConnectionResetError("no"), "nobody answers there"),
        (TimeoutError("no"), "no answer came in time"),
        (PermissionError(13, "Permission denied", "/mnt"), r"/mnt cannot be used \(Permission denied\)"),
        (OSError(28, "No space left on device"), r"failed with OSError \(No space left on device\)"),
        (RuntimeError("key AKIA-SECRET"), r"failed with RuntimeError\."),
    ],
)
def test_whatever_a_storage_raises_is_a_sentence_without_a_secret(
    remote: Remote, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "pipe_file", fail)
    with pytest.raises(StorageError, match=f"{remote.url}: .*{said}") as caught:
        remote.check()
    assert "SECRET" not in str(caught.value)


def test_what_reaches_a_storage_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(_registry, "s3", raising=False)
    with pytest.raises(
        MissingExtraError, match=r"s3:// is not installed\. Do: pip install 'evalharness\[s3\]'"
    ):
        storage_at(tmp_path, f"s3://{secrets.token_hex(8)}").check()


def test_an_unknown_kind_of_storage_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fsspec knows no such storage"):
        storage_at(tmp_path, "carrier-pigeon://loft").check()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('url = "s3://key:SECRET@bucket/clips"', "storage.url: the URL holds more than a place"),
        ('url = "s3://key:SEC/RET@bucket/clips"', "storage.url: the URL holds more than a place"),
        ('url = "s3:/key:SECRET@bucket/clips"', "storage.url: the URL holds more than a place"),
        ('url = "sftp://me:SECRET@host/clips"', "storage.url: the URL holds more than a place"),
        ('url = "s3://bucket/clips?token=SECRET"', "storage.url: the URL holds more than a place"),
        ('url = "s3://bucket"\nendpoint = "http://key:SECRET@host"', "storage.endpoint: the URL holds more"),
        ('url = "bucket/clips"', "give a URL, such as s3://bucket/prefix"),
        ('url = "file:///mnt"\nendpoint = "http://host"', "endpoint is for url = 's3://…' alone"),
        ('uri = "s3://bucket"', "allowed here: endpoint, url"),
    ],
)
def test_a_wrong_setting_is_said_and_a_secret_is_not(tmp_path: Path, lines: str, said: str) -> None:
    (tmp_path / "study.toml").write_text(
        f'name = "n"\n[storage]\n{lines}\n[[systems]]\nname = "s"\nadapter = "folder"\n', encoding="utf-8"
    )
    with pytest.raises(ConfigError) as caught:
        load_study(tmp_path)
    assert said in str(caught.value)
    assert "SEC" not in str(caught.value)


@pytest.mark.parametrize("url", ["sftp://me@host:22/clips", "abfs://container@account.example/clips"])
def test_a_url_may_name_a_user(url: str) -> None:
    assert StorageSettings(url=url).url == url
