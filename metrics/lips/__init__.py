"""Lips: when they move with the speech, and whether their shapes are the right ones."""

from metrics.lips.lag import LagReading, lag

__all__ = ["LagReading", "lag"]
