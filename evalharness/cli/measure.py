"""`evalharness measure`: clips x metrics -> measurements."""
