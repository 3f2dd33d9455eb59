"""Routes on paper: whatever can be asked, calls as a vendor hears them, replies as a route reads them."""

from __future__ import annotations

import base64
import dataclasses
import io
from collections.abc import Iterator
from functools import cache
from urllib.parse import parse_qsl, urlsplit

from PIL import Image

from evalharness.adapters.remote.catalogue import catalogue
from evalharness.adapters.remote.exchange import Answer, Ask, Call
from evalharness.records import Task
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


@cache
def picture(width: int, height: int, *, mode: str = "RGB", kind: str = "PNG") -> str:
    """A black picture as a data URI."""
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def every_cell(vendor: str, like: Ask) -> Iterator[Ask]:
    """Whatever a catalogue can be asked for: each model, task, size and shape, shortest and longest."""
    for model in catalogue(vendor).models:
        for task, vendor_id in model.ids.items():
            for resolution in model.resolutions:
                for ratio in model.ratios:
                    width, height = model.pixels(resolution, ratio)
                    frame = picture(width // 2, height // 2) if task is Task.IMAGE_TO_VIDEO else None
                    shown = [picture(480, 480), picture(400 + model.references, 400)][: model.references]
                    for duration_s in (min(model.durations_s), max(model.durations_s)):
                        yield dataclasses.replace(
                            like,
                            model=vendor_id,
                            task=task,
                            resolution=resolution,
                            ratio=ratio,
                            width=width,
                            height=height,
                            duration_s=duration_s,
                            seed=None if model.seed == "none" else like.seed,
                            negative_prompt="blur" if model.negative_prompt else None,
                            first_frame=frame,
                            references=tuple(shown) if task is Task.REFERENCE_TO_VIDEO else (),
                        )
