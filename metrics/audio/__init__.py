"""Sound alone: level, silence, clipping, bands, and what kind of sound it is."""
