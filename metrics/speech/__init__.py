"""Speech in a clip: where somebody speaks, what is said, how it sounds."""
