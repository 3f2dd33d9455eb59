"""What becomes of an error: the visitor gets a sentence and a reference, the log gets the rest without ids.

- `Faults`, an ASGI middleware: 503 while the database refuses, 500 for what nobody foresaw.
- `on_script_error`, for Streamlit: the page shows the reference in place of a traceback.
- `scrubbed_logs`: every record of this process loses voters' ids, tickets, tokens and full addresses as it
  is made, whichever library makes it.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arena_ui.addresses import network_of
from evalharness.errors import StoreError

__all__ = ["Faults", "on_script_error", "scrubbed", "scrubbed_logs"]

LOG = logging.getLogger(__name__)
RETRY_AFTER_S = 2
AWAY = "The database does not answer just now. Nothing is lost; the page tries again by itself."
FAILED = (
    "Something failed here, and it was noted as {reference}. Votes that were saved are safe; reload the page."
)
ID = re.compile(r"\b[0-9a-f]{12,}\b|(?<![\w.-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{32,}={0,2}")
ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:])"
)


def scrubbed(text: str) -> str:
    """`text` without ids and tokens, addresses cut to their networks; loopback stays."""
    return ADDRESS.sub(lambda found: _network(found[0]), ID.sub("…", text))


def _network(text: str) -> str:
    try:
        keep = len(text) < len("1.1.1.1") or ip_address(text).is_loopback
    except ValueError:
        keep = True
    return text if keep else network_of(text)


@contextmanager
def scrubbed_logs() -> Iterator[None]:
    """While this holds, log records are scrubbed when they are made: message and traceback."""
    make, formatter = logging.getLogRecordFactory(), logging.Formatter()

    def made(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        record.msg, record.args = scrubbed(record.getMessage()), None
        if record.exc_info and record.exc_info[0]:
            record.exc_text = scrubbed(formatter.formatException(record.exc_info))
        return record

    logging.setLogRecordFactory(made)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make)


def on_script_error(error: Exception) -> bool:
    """Show a reference in place of what went wrong on a page; Streamlit has logged the error just before."""
    import streamlit as st

    if isinstance(error, StoreError):
        st.warning(AWAY, icon=":material/hourglass_empty:")
    else:
        reference = secrets.token_hex(4)
        LOG.error("The page's error above (%s) is %s.", type(error).__name__, reference)
        st.error(FAILED.format(reference=reference), icon=":material/error:")
    return True


class Faults:
    """Answers for what the app could not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; of an error after the reply began, only the log learns."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = False

        async def watched(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            reply = _reply_to(error)
            if began:
                raise
            await reply(scope, receive, send)


def _reply_to(error: Exception) -> JSONResponse:
    if isinstance(error, StoreError):
        LOG.warning("503: %s", error)
        body, status = {"error": AWAY, "kind": "away", "retry_after_s": RETRY_AFTER_S}, 503
        headers = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
    else:
        reference = secrets.token_hex(4)
        LOG.error("%s: %s", reference, type(error).__name__, exc_info=error)
        body, status = (
            {"error": FAILED.format(reference=reference), "kind": "failed", "reference": reference},
            500,
        )
        headers = {"Cache-Control": "no-store"}
    return JSONResponse(body, status, headers)
