"""The families of joint audio-video pipelines in diffusers: how each is called, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalharness.adapters.base import GenerationRequest
from evalharness.records import Task

__all__ = ["FAMILIES", "Cell", "Family"]


@dataclass(frozen=True, slots=True)
class Cell:
    """The clip that a family can make."""

    frames: int
    fps: float
    width: int
    height: int

    @property
    def duration_s(self) -> float:
        """How long its pictures are shown."""
        return self.frames / self.fps


@dataclass(frozen=True, slots=True)
class Family:
    """One family of pipelines."""

    pipelines: Mapping[Task, str]
    """Class names in diffusers. Those of one family are made of the same parts."""
    stride: int
    """It makes a multiple of this many frames, and one more."""
    side: int
    """Width and height are multiples of this."""
    fps_argument: str
    pictures: str
    """Attribute of a result that holds the pictures."""
    sound: str
    rate: str
    """Where a loaded pipeline keeps the rate of its sound: a path of attributes."""
    batched: bool
    """Whether pictures and sound come as a batch of one."""
    fps: float | None = None
    """Its only frame rate; None: the one asked for."""
    always: Mapping[str, bool] = field(default_factory=dict)
    """Arguments of every call: sound is made, and the prompt is left as it is."""

    def nearest(self, request: GenerationRequest) -> Cell:
        """What it can make that is nearest to what is asked for."""
        fps = self.fps or request.fps
        strides = max(1, round((request.duration_s * fps - 1) / self.stride))
        width, height = (
            max(1, round(side / self.side)) * self.side for side in (request.width, request.height)
        )
        return Cell(strides * self.stride + 1, fps, width, height)


FAMILIES = {
    "ltx2": Family(
        pipelines={Task.TEXT_TO_VIDEO: "LTX2Pipeline", Task.IMAGE_TO_VIDEO: "LTX2ImageToVideoPipeline"},
        stride=8,
        side=32,
        fps_argument="frame_rate",
        pictures="frames",
        sound="audio",
        rate="vocoder.config.output_sampling_rate",
        batched=True,
        always={"enable_prompt_enhancement": False},
    ),
    "kandinsky6": Family(
        pipelines=dict.fromkeys(Task, "Kandinsky6TI2VAPipeline"),
        stride=4,
        side=16,
        fps_argument="frame_rate",
        pictures="frames",
        sound="audio",
        rate="audio_sample_rate",
        batched=True,
        fps=24.0,
        always={"expand_prompts": False, "sample_audio": True},
    ),
    "cosmos3": Family(
        pipelines=dict.fromkeys(Task, "Cosmos3OmniPipeline"),
        stride=4,
        side=16,
        fps_argument="fps",
        pictures="video",
        sound="sound",
        rate="sound_tokenizer.config.sampling_rate",
        batched=False,
        always={"enable_sound": True},
    ),
}
"""Only the first was run, with random weights on a processor; the others are written from diffusers 0.42."""
