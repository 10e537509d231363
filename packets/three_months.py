"""Three months pooled in place of one, for on-call figures of teams (metrics specification 1.4).

Here: which withheld months may be told with the quarter that ends with them, and the words for it. Rotas are
small, so one month alone often has fewer than five people. Once a quarter, never rolling, and in no trend.
Not here: whether the quarter itself may be shown (periods decided it, by the same group rule).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from packets.catalogue import Metric
from packets.published import read
from packets.words import counted, interval_text, value_text
from transforms.ladder import month_name, months_of

POOLED = frozenset(
    {
        "oc_ack_within_target",
        "oc_ack_time",
        "oc_incidents_per_shift",
        "oc_sleep_nights",
        "oc_offhours_share",
    }
)
SMALL_GROUP = "small_group"
Key = tuple[str, str, str]
"""Metric, team, month."""


def three_month_texts(
    connection: duckdb.DuckDBPyConnection, months: Sequence[Mapping[str, Any]], known: Mapping[str, Metric]
) -> dict[Key, str]:
    """What is told beside a withheld month, by metric, team and month.

    Predicate: the month is its quarter's last and has fewer than five people; the quarter has five, nobody
    more than half, and its minimum. (Beside two shown months the quarter itself is withheld.)
    """
    small = {
        (row["metric_id"], row["subject_id"], row["period"])
        for row in months
        if row["subject_kind"] == "team" and row["withheld_reason"] == SMALL_GROUP
    }
    quarters = read(
        connection,
        """SELECT metric_id, subject_id, period, value, ci_low, ci_high, n_contributors
           FROM trends.periods
           WHERE grain = 'quarter' AND subject_kind = 'team' AND disclosed AND status = 'ok'
             AND state = 'final' AND list_contains(CAST($pooled AS VARCHAR[]), metric_id)
           ORDER BY metric_id, subject_id, period""",
        {"pooled": sorted(POOLED)},
    )
    told = {}
    for row in quarters:
        last = months_of(row["period"])[-1]
        key = (row["metric_id"], row["subject_id"], last)
        if key in small:
            unit = known[row["metric_id"]].unit
            told[key] = (
                f"three months to {month_name(last)}: {value_text(row['value'], unit)} "
                f"(95% interval {interval_text(row['ci_low'], row['ci_high'], unit)}; "
                f"{counted(row['n_contributors'], 'person', 'people')})"
            )
    return told
