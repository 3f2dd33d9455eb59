"""evalharness: blind human votes and automatic measurements of generated video with sound, as ratings with honest error bars."""

__version__ = "0.1.0"
