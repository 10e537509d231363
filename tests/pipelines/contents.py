"""What core holds, in one number that does not depend on the order of rows.

Here: the hash that tests compare two storages by.
Not here: the hash of a load (``warehouse.landing``).
"""

import hashlib
from pathlib import Path

from warehouse.connection import connect


def content_hash(path: Path, schema: str = "core") -> str:
    """An order-free hash over every row of every table of a schema; times are as they are stored."""
    with connect(path) as connection:
        names = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = $schema ORDER BY table_name",
            {"schema": schema},
        ).fetchall()
        total = 0
        for (name,) in names:
            rows = connection.execute(
                f"SELECT to_json(each)::VARCHAR FROM {schema}.{name} AS each"
            ).fetchall()
            for (row,) in rows:
                digest = hashlib.blake2b(f"{name} {row}".encode(), digest_size=16).digest()
                total += int.from_bytes(digest)
    assert names
    return f"{total % (1 << 128):032x}"
