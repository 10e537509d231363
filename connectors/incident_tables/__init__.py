"""Incidents from a table: a CSV, JSON or Parquet file, or a SELECT that DuckDB can answer."""
