"""Blind human votes and automatic measurements of generated video, as ratings with honest error bars."""

__version__ = "0.1.0"
