"""Media files: the only place in evalharness that knows containers and codecs (PyAV, no ffmpeg binary).

    probe(path) -> Streams          what a player would meet, by timestamps, whole file decoded
    read_frames(path)               pictures on the file's own clock
    read_sound(path, ...)           sound on the same clock, resampled, gaps filled
    write_video(path, frames, ...)  H.264 + AAC in MP4, the same bytes every time

Times are seconds on the container's presentation clock (edit lists, codec delay and start offsets
already applied); they may start off zero or below it. Everything wrong with a file is a MediaError.
"""

from evalharness.media.probing import probe
from evalharness.media.reading import Sound, TimedFrame, read_frames, read_sound
from evalharness.media.writing import write_video

__all__ = ["Sound", "TimedFrame", "probe", "read_frames", "read_sound", "write_video"]
