"""Open models that make picture and sound together, run on this machine by diffusers. Light to import."""

from evalharness.adapters.local.adapter import DiffusersAdapter

__all__ = ["DiffusersAdapter"]
