"""Google's application default credentials as headers, by Google's own library.

They are a service account's key file, what `gcloud auth application-default login` left, or those of the
machine in Google's cloud. Tokens last an hour; they are kept for the process, since adapters are made anew.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any

from evalharness.errors import GenerationError
from evalharness.records import FailureKind

__all__ = ["application_credentials", "headers_of"]

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
FILE = "GOOGLE_APPLICATION_CREDENTIALS"

METADATA_S = 1.5
"""How long a machine is waited for that tells programs in Google's cloud who they are: it answers at once."""

_RENEWING = Lock()


class _Metadata:
    """Asks that machine, and where it was silent once never again: Google's library would try three times."""

    def __init__(self) -> None:
        self._silent = False

    def __call__(self, *asked: Any, **options: Any) -> Any:
        """What it answers. Raises TimeoutError where it does not, which ends the library's search."""
        from google.auth.exceptions import TransportError
        from google.auth.transport.requests import Request

        if not self._silent:
            try:
                return Request()(*asked, **(options | {"timeout": METADATA_S}))
            except TransportError:
                self._silent = True
        raise TimeoutError("No metadata server answers.")


_METADATA = _Metadata()


def application_credentials(environment: Mapping[str, str]) -> Any:
    """The credentials that `environment` or the machine holds (google.auth.credentials.Credentials).

    Raises GenerationError of kind AUTH that says what is missing, never what was found.
    """
    try:
        import_module("google.auth.transport.requests")
    except ImportError:
        raise GenerationError(
            FailureKind.AUTH, "Vertex AI needs Google's library: pip install 'evalharness[vertex]'."
        ) from None
    with _RENEWING:
        return _found(environment.get(FILE, "").strip())


@cache
def _found(path: str) -> Any:
    from google.auth.exceptions import GoogleAuthError

    try:
        with warnings.catch_warnings():
            # The library warns of key files that come from strangers; this one is the user's own.
            warnings.simplefilter("ignore", DeprecationWarning)
            auth = import_module("google.auth")
            if path:
                return auth.load_credentials_from_file(path, scopes=SCOPES)[0]
            return auth.default(scopes=SCOPES, request=_METADATA)[0]
    except (GoogleAuthError, OSError, ValueError, KeyError, TypeError, AttributeError):
        problem = (
            "cannot be read as Google credentials"
            if path
            else "is not set, gcloud has left none, and this is no machine in Google's cloud"
        )
    raise GenerationError(
        FailureKind.AUTH,
        f"Vertex AI needs credentials: {FILE} {problem}. Let it name a service account's key file, or run "
        "'gcloud auth application-default login'.",
    )


def headers_of(credentials: Any) -> Mapping[str, str]:
    """The headers that authorise a call, with a token that is renewed minutes before it ends.

    Raises GenerationError: of kind AUTH where Google refuses a new token, of kind SERVER where it cannot be
    asked. As long as the old one holds, it serves.
    """
    from google.auth.credentials import TokenState
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.auth.transport.requests import Request

    with _RENEWING:
        if credentials.token_state is not TokenState.FRESH:
            try:
                credentials.refresh(Request())
            except GoogleAuthError as error:
                if not credentials.valid:
                    lost = isinstance(error, TransportError)
                    raise _refused(lost=lost) from None
        headers: dict[str, str] = {}
        credentials.apply(headers)
    return headers


def _refused(*, lost: bool) -> GenerationError:
    if lost:
        return GenerationError(
            FailureKind.SERVER, "Google could not be asked for an access token.", retry_safe=True
        )
    return GenerationError(
        FailureKind.AUTH,
        f"Google refused an access token for the credentials found: check {FILE}, or log in again with "
        "'gcloud auth application-default login'.",
    )
