"""Keys: read from the environment when a call is sent, never kept and never repeated in a message."""

from __future__ import annotations

from collections.abc import Mapping

from evalharness.errors import GenerationError
from evalharness.records import FailureKind

__all__ = ["bearer", "secret"]


def secret(environment: Mapping[str, str], variable: str, vendor: str) -> str:
    """What `variable` holds, without the blanks around it.

    Raises GenerationError of kind AUTH where it is not set, or could not stand in a header: the HTTP client
    would otherwise quote it in its own error.
    """
    value = environment.get(variable, "").strip()
    if not value:
        raise GenerationError(
            FailureKind.AUTH, f"{vendor} needs a key: set {variable} in the environment and try again."
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise GenerationError(
            FailureKind.AUTH,
            f"{variable} holds blanks or characters that no key of {vendor} has: copy the key again.",
        )
    return value


def bearer(environment: Mapping[str, str], variable: str, vendor: str) -> Mapping[str, str]:
    """The header of a bearer token. Raises GenerationError of kind AUTH as `secret` does."""
    return {"Authorization": f"Bearer {secret(environment, variable, vendor)}"}
