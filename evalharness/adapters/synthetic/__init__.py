"""Synthetic systems: rendered scenes and speaking heads whose flaws are known. Light to import."""

from evalharness.adapters.synthetic.adapter import SyntheticAdapter

__all__ = ["SyntheticAdapter"]
