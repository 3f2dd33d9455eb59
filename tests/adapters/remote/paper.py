"""Routes on paper: calls as a vendor hears them, replies as a route reads them, pictures to begin with."""

from __future__ import annotations

import base64
import io
from urllib.parse import parse_qsl, urlsplit

from PIL import Image

from evalharness.adapters.remote.exchange import Answer, Call
from tests.adapters.remote.dialect import Heard, Reply


def heard(call: Call) -> Heard:
    """The call as it reaches the vendor, without credentials."""
    url = urlsplit(call.url)
    headers = {name.lower(): value for name, value in call.headers.items()}
    return Heard(call.method, url.path, dict(parse_qsl(url.query)), headers, call.json)


def answer(reply: Reply) -> Answer:
    """The reply as it reaches the route."""
    headers = {name.lower(): value for name, value in reply.headers.items()}
    return Answer(reply.status, reply.body, str(reply.body), headers)


def picture(width: int, height: int, *, mode: str = "RGB", kind: str = "PNG") -> str:
    """A black picture as a data URI."""
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
