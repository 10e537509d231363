"""The metrics a database was built with, as packets and trend pages need them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from packets.published import read
from transforms.changes.build import quarter_minimum
from transforms.ladder import CaseWords

Heading = Literal["evidence", "context", "load"]
CountsAs = Literal[
    "numerator", "denominator", "finished", "unfinished", "counted", "pending", "excluded", "context"
]

FAMILIES: dict[str, str] = {
    "review_quality": "Review quality",
    "service_impact": "Service impact",
    "on_call": "On-call",
    "adoption_collaboration_goals": "Adoption, collaboration and goals",
}
HEADINGS: dict[Heading, str] = {
    "evidence": "",
    "context": "Outside your hands",
    "load": "Load carried, not merit",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of the catalogue."""

    metric_id: str
    definition_version: str
    family: str
    title: str
    question: str
    formula: str
    unit: str
    amount_unit: str
    direction: str
    statistic: str
    subjects: tuple[str, ...]
    clock: str
    n_min_month: int
    n_min_quarter: int
    maturity_days: int
    misreadings: tuple[str, ...]
    gaming: str
    min_effect: Mapping[str, Any]
    words: CaseWords
    outcomes: Mapping[str, Sequence[str]]
    details: Mapping[str, Mapping[str, Any]]
    confidential_whys: tuple[str, ...]
    source_gap: str
    sources: tuple[str, ...]

    @property
    def heading(self) -> Heading:
        """Under what a person's packet shows it."""
        roles = {
            part for subject in self.subjects if subject.startswith("person") for part in subject.split(":")
        }
        return "context" if "context" in roles else "load" if "load" in roles else "evidence"

    def describes(self, subject_kind: str) -> bool:
        """Whether it has cells for subjects of that kind; agreed goals are not among them."""
        return any(
            subject.split(":")[0] == subject_kind and "goal_only" not in subject for subject in self.subjects
        )

    @property
    def is_checked_as_a_goal(self) -> bool:
        """Whether a person has cases of it where they agreed on it; a goal itself is no such metric."""
        return self.statistic != "goal" and any(
            subject.startswith("person") and "goal_only" in subject for subject in self.subjects
        )

    def counts_as(self, outcome: str, why: str | None) -> CountsAs:
        """How a case enters the number, by the classes of the definition."""
        for role in ("pending", "excluded"):
            if outcome in self.outcomes.get(role, ()):
                return "pending" if role == "pending" else "excluded"
        if "numerator" in self.outcomes:
            return "numerator" if outcome in self.outcomes["numerator"] else "denominator"
        if "closed_whys" in self.outcomes:
            return "finished" if why in self.outcomes["closed_whys"] else "unfinished"
        return "counted"


def metrics(connection: duckdb.DuckDBPyConnection) -> list[Metric]:
    """All metrics: by family, in it the shares first, whose numbers are read most easily, then by id."""
    families = list(FAMILIES)
    found = [_metric(row) for row in read(connection, "SELECT * FROM catalog.metrics ORDER BY metric_id")]
    return sorted(
        found,
        key=lambda metric: (
            families.index(metric.family) if metric.family in families else len(families),
            metric.statistic != "share",
            metric.metric_id,
        ),
    )


def _metric(row: Mapping[str, Any]) -> Metric:
    words = json.loads(row["case_words"]) if row["case_words"] else {}
    known = CaseWords.__dataclass_fields__
    return Metric(
        **{
            name: row[name] or ""
            for name in (
                *("metric_id", "definition_version", "family", "title", "question", "formula"),
                *("unit", "amount_unit", "direction", "statistic", "clock", "gaming"),
            )
        },
        subjects=tuple(row["subjects"] or ()),
        n_min_month=row["n_min_month"] or 0,
        n_min_quarter=int(quarter_minimum(row["metric_id"], row["n_min_quarter"])),
        maturity_days=row["maturity_days"] or 0,
        misreadings=tuple(row["misreadings"] or ()),
        confidential_whys=tuple(row["confidential_whys"] or ()),
        source_gap=row["source_gap"] or "",
        sources=tuple(row["sources"] or ()),
        details=json.loads(row["details"] or "{}"),
        min_effect=json.loads(row["min_effect"] or "{}") or {},
        words=CaseWords(**{name: value for name, value in words.items() if name in known}),
        outcomes=json.loads(row["outcomes"]),
    )
