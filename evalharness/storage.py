"""Where a study's clips and exhibits lie: in its folder, or on any filesystem that fsspec knows.

A file has one relative path wherever it lies (`clips/ab/<sha256>.mp4`, `exhibits/<id>.mp4`), and that is what
the database keeps. A remote storage has a cache on this machine under the same paths: what is made here is
there already, what was made elsewhere is fetched once and held against its hash.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from evalharness.errors import ConfigError, EvalHarnessError, MediaError, MissingExtraError, StorageError

__all__ = ["Folder", "Remote", "Storage", "sha256_of", "storage_at"]

CACHE = ".cache"
PARTIAL = ".partial"
S3 = ("s3", "s3a")
FETCHES = 4
"""Files fetched at the same time."""

Progress = Callable[[int, int], None]
"""Called with (done, all)."""


class Storage(Protocol):
    """What holds a study's files; light enough to travel to a worker, here or on another machine."""

    @property
    def root(self) -> Path:
        """The folder on this machine under which relative paths are looked up."""

    def put(self, file: Path, relative: str) -> None:
        """Move a whole file of this machine to its place, durably; to do it again changes nothing.

        Raises StorageError where the storage refuses: the file stays where it is.
        """

    def local(self, relative: str, sha256: str) -> Path:
        """Where the file lies on this machine, fetched if it has to be.

        Raises MediaError where it is gone or its bytes are not those of `sha256`, StorageError where the
        storage refuses.
        """

    def fetch(self, files: Iterable[tuple[str, str]], progress: Progress | None = None) -> None:
        """Bring files (relative path, SHA-256) to this machine; what is gone is passed over.

        `files` is not read where everything is here already. Raises what `local` raises.
        """

    def missing(self, relatives: Iterable[str]) -> list[str]:
        """Which of these files are gone. Raises StorageError."""

    def remove(self, relative: str) -> None:
        """Take a file away, if it is there. Raises StorageError."""

    def check(self) -> None:
        """Raises ConfigError, MissingExtraError or StorageError where files cannot be kept here."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The study's own folder."""

    root: Path

    def put(self, file: Path, relative: str) -> None:
        """See `Storage`."""
        with file.open("rb") as whole:
            os.fsync(whole.fileno())
        place = self.root / relative
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)
        directory = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def local(self, relative: str, sha256: str) -> Path:
        """See `Storage`; the file is here and is not looked at."""
        del sha256
        return self.root / relative

    def fetch(self, files: Iterable[tuple[str, str]], progress: Progress | None = None) -> None:
        """See `Storage`: everything is here."""

    def missing(self, relatives: Iterable[str]) -> list[str]:
        """See `Storage`."""
        return [relative for relative in relatives if not (self.root / relative).is_file()]

    def remove(self, relative: str) -> None:
        """See `Storage`."""
        (self.root / relative).unlink(missing_ok=True)

    def check(self) -> None:
        """See `Storage`; other commands say what is wrong with the study's folder."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A place that fsspec reaches by its URL: S3 and what speaks like it, or any other filesystem."""

    folder: Path
    """The study's folder, which holds the cache."""
    url: str
    endpoint: str = ""
    """Of a server that speaks S3's language; empty: Amazon's, or what AWS_ENDPOINT_URL says."""

    @property
    def root(self) -> Path:
        """The cache: in the study's folder or, on a worker that has none, in the user's."""
        if self.folder.is_dir():
            return self.folder / CACHE
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return caches / "evalharness" / hashlib.sha256(self.url.encode()).hexdigest()[:16]

    def put(self, file: Path, relative: str) -> None:
        """See `Storage`. The file is then in the cache too."""
        size = file.stat().st_size
        with self._asked(f"{relative} was to be stored"):
            # An object is stored whole or not at all. Found at its size, a run that was killed before it
            # could record it has put it there; elsewhere than in an object store, half a file is shorter.
            if self._size(relative) != size:
                self._files.put_file(str(file), self._key(relative))
                found = self._size(relative)
                if found != size:
                    raise StorageError(
                        f"{relative} was stored in {self.url} with {size} bytes, and {found or 0} are there. "
                        "Look at the storage, and give the command again."
                    )
            place = self.root / relative
            place.parent.mkdir(parents=True, exist_ok=True)
            file.replace(place)

    def local(self, relative: str, sha256: str) -> Path:
        """See `Storage`."""
        place = self.root / relative
        with self._asked(f"{relative} was to be fetched"):
            if not (place.is_file() and sha256_of(place) == sha256):
                self._download(relative, sha256, place)
        return place

    def _download(self, relative: str, sha256: str, place: Path) -> None:
        part = self.root / PARTIAL / secrets.token_hex(8)
        for folder in (part.parent, place.parent):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            try:
                self._files.get_file(self._key(relative), str(part))
            except FileNotFoundError:
                raise MediaError(
                    f"{relative} is recorded and is not in {self.url}. Put it back: any copy of it will do."
                ) from None
            found = sha256_of(part)
            if found != sha256:
                raise MediaError(
                    f"{relative} in {self.url} is damaged (SHA-256 {found[:12]}…, recorded {sha256[:12]}…). "
                    "Put a whole copy in its place; an exhibit 'blind' makes anew once it is deleted."
                )
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)

    def fetch(self, files: Iterable[tuple[str, str]], progress: Progress | None = None) -> None:
        """See `Storage`."""
        asked = list(files)
        # Where all of it was fetched before, the storage is not asked: the arena opens without it.
        gone = set(self.missing(relative for relative, _ in asked if not (self.root / relative).is_file()))
        wanted = [file for file in asked if file[0] not in gone]
        with ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch") as threads:
            try:
                for done, _ in enumerate(threads.map(lambda file: self.local(*file), wanted), start=1):
                    if progress is not None:
                        progress(done, len(wanted))
            except BaseException:  # Ctrl-C too: what has not begun is not waited for
                threads.shutdown(wait=True, cancel_futures=True)
                raise

    def missing(self, relatives: Iterable[str]) -> list[str]:
        """See `Storage`. Lists each of the top folders once: a question for each file would take hours."""
        there: dict[str, frozenset[str]] = {}
        gone = []
        for relative in relatives:
            top = PurePosixPath(relative).parts[0]
            if top not in there:
                there[top] = self._listed(top)
            if self._key(relative) not in there[top]:
                gone.append(relative)
        return gone

    def _listed(self, top: str) -> frozenset[str]:
        with self._asked("files were to be listed"):
            try:
                return frozenset(self._files.find(self._key(top)))
            except FileNotFoundError:
                return frozenset()  # nothing was ever put there

    def remove(self, relative: str) -> None:
        """See `Storage`."""
        with self._asked(f"{relative} was to be removed"):
            if self._size(relative) is not None:
                self._files.rm_file(self._key(relative))
        (self.root / relative).unlink(missing_ok=True)

    def check(self) -> None:
        """See `Storage`: writes, reads and removes a small file."""
        said = secrets.token_bytes(16)
        with self._asked("a small file was to be written, read and removed"):
            key = self._key(f".probe-{secrets.token_hex(8)}")
            self._files.pipe_file(key, said)
            found = self._files.cat_file(key)
            self._files.rm_file(key)
        if found != said:
            raise StorageError(
                f"{self.url} answers with other bytes than were written. Name another storage."
            )

    @property
    def _files(self) -> Any:
        return _opened(self.url, self.endpoint)[0]

    def _key(self, relative: str) -> str:
        return f"{_opened(self.url, self.endpoint)[1]}/{relative}"

    def _size(self, relative: str) -> int | None:
        """Bytes of a stored file; None where there is none."""
        try:
            return int(self._files.info(self._key(relative))["size"])
        except FileNotFoundError:
            return None

    @contextmanager
    def _asked(self, what: str) -> Iterator[None]:
        """Turn what the storage's library raises into a StorageError's sentence."""
        try:
            yield
        except EvalHarnessError:
            raise
        except Exception as error:  # each storage's library has exceptions of its own
            raise StorageError(f"{self.url}: {what}, and {_reason(error)}") from error


REASONS = {
    "NoCredentialsError": "no credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
    "AWS_PROFILE to the name of a profile.",
    "PartialCredentialsError": "half of the credentials is missing. Set both AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY.",
    "PermissionError": "that was refused: the credentials are wrong, or may not do it. Look at those in the "
    "environment, and whether their owner may list, read, write and delete there.",
    "FileNotFoundError": "there is no such bucket or folder. Make it, or mend url in [storage].",
    "ConnectionError": "nobody answers there. Look at the network, and at endpoint in [storage].",
    "HTTPClientError": "the connection broke. Look at the network, and give the command again.",
    "TimeoutError": "no answer came in time. Look at the network, and give the command again.",
}
"""What is wrong and what to do, by the name of an exception's class or of one it is made from: the libraries'
own classes are at hand only where the libraries are."""


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:  # of this machine: other storages name no file
        return f"{error.filename} cannot be used ({error.strerror})."
    for kind in type(error).__mro__:
        if kind.__name__ in REASONS:
            return REASONS[kind.__name__]
    said = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    return f"it failed with {type(error).__name__}{said}."


def storage_at(folder: Path, url: str = "", endpoint: str = "") -> Storage:
    """The storage of the study in `folder`: that folder, or what lies at an fsspec URL. Opens nothing yet."""
    return Remote(folder, url, endpoint) if url else Folder(folder)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_OPENING = threading.Lock()


def _opened(url: str, endpoint: str) -> tuple[Any, str]:
    """The fsspec filesystem of a URL, one for all threads of this process, and the path in it."""
    with _OPENING:
        return _open(url, endpoint)


@lru_cache
def _open(url: str, endpoint: str) -> tuple[Any, str]:
    scheme = url.partition("://")[0]
    options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
    if endpoint:
        options["endpoint_url"] = endpoint
    if scheme in ("file", "local"):
        options["auto_mkdir"] = True
    try:
        from fsspec.core import url_to_fs  # an extra, and a second of imports for S3

        files, path = url_to_fs(url, **options)
        if scheme in S3:
            files.connect()  # here, under the lock: two threads would each open a client
    except ImportError as error:
        extra = "pip install 'evalharness[s3]'" if scheme in S3 else str(error)
        raise MissingExtraError(
            f"Clips lie in {url}, and what reaches {scheme}:// is not installed. Do: {extra}"
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"study.toml: storage.url: found {url!r}; fsspec knows no such storage ({error}). Name one like "
            "s3://bucket/prefix."
        ) from error
    return files, str(path).rstrip("/")
