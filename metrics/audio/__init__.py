"""Sound alone: level, silence, clipping."""
