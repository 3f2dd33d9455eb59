"""What a gateway is told of one clip: its models' own field names and words, as the catalogue spells them."""

from __future__ import annotations

from typing import Any

from evalharness.adapters.remote.catalogue import Model
from evalharness.adapters.remote.exchange import Ask

__all__ = ["inputs"]


def inputs(model: Model, ask: Ask) -> dict[str, Any]:
    """The fields of a request for this clip, by name; JSON values."""
    spelling, seconds = model.spelling, int(ask.duration_s)
    fields: dict[str, Any] = {
        **spelling.fixed,
        "prompt": ask.prompt,
        "duration": spelling.duration.format(seconds) if spelling.duration else seconds,
    }
    if spelling.resolution:
        fields[spelling.resolution] = ask.resolution
    ratio = "{}" if ask.first_frame is None else spelling.ratio_with_frame
    if ratio:
        fields["aspect_ratio"] = ratio.format(ask.ratio)
    if spelling.audio and model.audio == "switchable":
        fields[spelling.audio] = ask.audio
    if ask.seed is not None:
        fields["seed"] = ask.seed
    if ask.negative_prompt is not None:
        fields["negative_prompt"] = ask.negative_prompt
    if ask.first_frame is not None:
        name = spelling.first_frame
        fields[name.removesuffix("[]")] = [ask.first_frame] if name.endswith("[]") else ask.first_frame
    if ask.references:
        fields[spelling.references] = list(ask.references)
    return fields
