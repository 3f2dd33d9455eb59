"""Whether a clip shows what it was asked to show."""
