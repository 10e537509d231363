"""Core: what the sources said, conformed and cut at the as-of, and the work that metrics share."""
