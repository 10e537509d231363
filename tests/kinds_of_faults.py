"""The kinds of faults that the emulator has, by what mends them.

Here: one list for every test that tries all of them. Not here: at which request, and what follows.
"""

OF_HTTP = {
    *("500", "502", "503", "429", "403_secondary", "slow"),
    *("truncate", "short_body", "reset", "drop", "html_200"),
}
OF_GRAPHQL = {
    "graphql_partial",
    "graphql_timeout",
    "graphql_502",
    "graphql_rate_limited",
    "graphql_resource_limits",
}
PASSING = OF_HTTP | OF_GRAPHQL | {"expire_cursors"}
"""Kinds that asking again mends: a few of them leave nothing missing."""

STAYING = {"401", "expire_tokens"}
"""Kinds that only an operator mends."""
