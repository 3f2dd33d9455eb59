"""Picture alone: frozen, black."""
