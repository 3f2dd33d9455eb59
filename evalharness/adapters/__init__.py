"""Routes to systems: one file a route, all with the one verb of `base.Adapter`."""
