"""Lips: when they move with the speech, and whether their shapes are the right ones."""
