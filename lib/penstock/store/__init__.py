"""Storage: the only place that reads and writes anything."""
