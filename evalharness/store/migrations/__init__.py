"""The history of the schema, one file a version; old versions are never edited."""
