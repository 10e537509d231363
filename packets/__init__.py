"""Evidence packets, trend tables and their charts, read from a database of the published shape."""
