"""Names to code: `name -> "module:attribute"`, imported on first use.

Built-in entries are given when the registry is made; other packages add theirs by an entry point of the
registry's group. A name that two want serves neither, an unknown name answers with the nearest ones.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any

from evalharness.errors import ConfigError, UnknownNameError, in_a_line

__all__ = ["ADAPTERS", "METRICS", "Registry"]


class Registry:
    """A lazy mapping of names to objects of one kind.

    >>> maths = Registry("function", group="", entries={"sqrt": "math:sqrt"})
    >>> maths.load("sqrt")(9.0)
    3.0
    """

    def __init__(self, kind: str, *, group: str, entries: Mapping[str, str]) -> None:
        self.kind = kind
        self.group = group
        self._entries = dict(entries)
        self._outside: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        self._outside_read = False

    def load(self, name: str) -> Any:
        """The object behind `name`.

        Raises UnknownNameError with the nearest known names, and ConfigError where packages fight over the
        name, or one from outside cannot be imported or lacks what it promised.
        """
        known = list(self)
        if name in self._problems:
            raise ConfigError(self._problems[name])
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise UnknownNameError(f"There is no {self.kind} '{name}': {hint}Known: {', '.join(known)}.")
        module, _, attribute = self._entries[name].partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
            if name in self._outside and not callable(found):
                raise TypeError(f"it names a {type(found).__name__}, and no function or class")
            return found
        except Exception as error:
            if name not in self._outside:
                raise
            # A package of somebody else's, with any fault that it may have.
            raise ConfigError(
                f"The {self.kind} '{name}' ({self._outside[name]}) cannot be used: {type(error).__name__}: "
                f"{in_a_line(error)}. Mend that package, or take it off this environment."
            ) from error

    def outside(self) -> Mapping[str, str]:
        """The names that other packages brought, each with where it comes from: `clay:clay of clay 1.0`."""
        self._read_outside()
        return self._outside

    def problems(self) -> Mapping[str, str]:
        """The names that nobody can use because packages fight over them, each with its sentence."""
        self._read_outside()
        return self._problems

    def __iter__(self) -> Iterator[str]:
        self._read_outside()
        return iter(sorted(self._entries))

    def _read_outside(self) -> None:
        if self._outside_read or not self.group:
            return
        self._outside_read = True
        for entry in entry_points(group=self.group):
            package = "" if entry.dist is None else f" of {entry.dist.name} {entry.dist.version}"
            told = f"{entry.value}{package}"
            if entry.name not in self._entries:
                self._entries[entry.name], self._outside[entry.name] = entry.value, told
                continue
            taken_by = self._outside.get(entry.name, self._entries[entry.name])
            # Told to whoever uses the name: nobody else's work stops for it.
            self._problems[entry.name] = (
                f"The {self.kind} name '{entry.name}' is taken by {taken_by}; {told} cannot use it too. "
                "Rename one of them."
            )


ADAPTERS = Registry(
    "adapter",
    group="evalharness.adapters",
    entries={
        "ark": "evalharness.adapters.ark:ArkAdapter",
        "command": "evalharness.adapters.command:CommandAdapter",
        "dashscope": "evalharness.adapters.dashscope:DashscopeAdapter",
        "diffusers": "evalharness.adapters.local:DiffusersAdapter",
        "fal": "evalharness.adapters.fal:FalAdapter",
        "folder": "evalharness.adapters.folder:FolderAdapter",
        "kling": "evalharness.adapters.kling:KlingAdapter",
        "magihuman": "evalharness.adapters.magihuman:MagiHumanAdapter",
        "minimax": "evalharness.adapters.minimax:MinimaxAdapter",
        "openrouter": "evalharness.adapters.openrouter:OpenrouterAdapter",
        "replicate": "evalharness.adapters.replicate:ReplicateAdapter",
        "synthetic": "evalharness.adapters.synthetic:SyntheticAdapter",
        "vertex": "evalharness.adapters.vertex:VertexAdapter",
    },
)

METRICS = Registry(
    "metric",
    group="evalharness.metrics",
    entries={
        "av_align": "metrics.sync.av_align:AVAlign",
        "container": "metrics.container:Container",
        "faces": "metrics.faces.seen:FacesSeen",
        "event_sync": "metrics.sync.events:EventSync",
        "syncnet": "metrics.sync.syncnet:SyncNet",
        "lip_sync": "metrics.lips.lag_metric:LipSync",
        "lip_accuracy": "metrics.lips.accuracy:LipAccuracy",
        "loudness": "metrics.audio.loudness:Loudness",
        "silence": "metrics.audio.levels:Silence",
        "clipping": "metrics.audio.levels:Clipping",
        "bandwidth": "metrics.audio.bands:Bandwidth",
        "audio_content": "metrics.audio.content:AudioContent",
        "music": "metrics.audio.music:Music",
        "clip_alignment": "metrics.alignment.clip:ClipAlignment",
        "clip_first_frame": "metrics.alignment.clip:ClipFirstFrame",
        "first_frame": "metrics.alignment.first_frame:FirstFrame",
        "prompt_objects": "metrics.alignment.objects:PromptObjects",
        "speech_accuracy": "metrics.speech.accuracy:SpeechAccuracy",
        "speech_quality": "metrics.speech.quality:SpeechQuality",
        "freeze": "metrics.visual.stillness:Freeze",
        "black": "metrics.visual.stillness:Black",
        "sharpness": "metrics.visual.sharpness:Sharpness",
        "text": "metrics.visual.text:Text",
        "watermark": "metrics.visual.watermark:Watermark",
        "consistency": "metrics.visual.consistency:Consistency",
        "identity": "metrics.visual.identity:Identity",
        "judder": "metrics.visual.judder:Judder",
        "flicker": "metrics.visual.flicker:Flicker",
        "motion": "metrics.visual.motion:Motion",
    },
)
