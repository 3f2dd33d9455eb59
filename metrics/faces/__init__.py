"""Faces: found, followed through the clip, the one that speaks chosen."""

from metrics.faces.tracks import Faces, Track, faces

__all__ = ["Faces", "Track", "faces"]
