"""What nobody could look at while the sweep failed is looked at by the next one that does not.

Here: a thread that is resolved in silence on the last day of the thirty that its pull request is looked at,
and nights around that day. Not here: what a sweep finds otherwise (``test_incremental``).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, make_organization
from connectors.errors import StopScopeError
from connectors.github.transport import Answer, Operation
from pipelines.known import SWEPT_DAYS
from pipelines.nightly import Night
from tests.pipelines.test_incremental import contents, land, night_of
from warehouse.connection import connect

ORGANIZATION = make_organization(engineers=10, months=4)
DAY = timedelta(days=1)
OF_THE_ORGANISATION = FIRST_NIGHT_UTC
"""Its answers stay those of one night: nothing but the thread changes."""


class Resolving:
    """The organisation as of one night, at ``now_utc``; its thread is resolved without an update."""

    def __init__(self, now_utc: datetime, thread: str | None = None, *, sweeps: bool = True) -> None:
        self.transport = DemoTransport(ORGANIZATION, OF_THE_ORGANISATION)
        self.now_utc, self.thread, self.sweeps = now_utc, thread, sweeps
        self.swept: set[str] = set()

    def send(self, operations: Sequence[Operation]) -> Answer:
        for operation in operations:
            if operation.name == "ThreadStates":
                if not self.sweeps:
                    raise StopScopeError("GitHub answered 502.")
                self.swept |= set(operation.variables["ids"])
        answer = self.transport.send(operations)
        self._resolve(answer.data)
        return replace(answer, served_at_utc=self.now_utc)

    def _resolve(self, part: Any) -> None:
        if isinstance(part, dict) and self.thread is not None and part.get("id") == self.thread:
            part["isResolved"] = True
        below = part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ()
        for each in below:
            self._resolve(each)


def an_unresolved_thread(night: Night) -> tuple[str, str, datetime]:
    """A thread, its pull request's node, and when that was closed, a short while before the first night."""
    with connect(night.working_path) as connection:
        found = connection.execute(
            "SELECT replace(thread_id, 'github:thread/', ''), node_id, closed_at_utc "
            "FROM landing.github__review_threads JOIN landing.github__pull_requests USING (pull_request_id) "
            "WHERE NOT is_resolved AND closed_at_utc IS NOT NULL ORDER BY closed_at_utc DESC, 1"
        ).fetchall()
    thread, node_id, closed = found[0]
    return thread, node_id, closed.astimezone(UTC) if closed.tzinfo else closed.replace(tzinfo=UTC)


def is_resolved(night: Night, thread: str) -> bool:
    contents(night)
    with connect(night.working_path) as connection:
        ((told,),) = connection.execute(
            "SELECT is_resolved FROM core.review_threads WHERE thread_id = $thread",
            {"thread": f"github:thread/{thread}"},
        ).fetchall()
    return bool(told)


@pytest.mark.parametrize("failed", [0, 1, 3])
def test_a_sweep_makes_up_for_the_nights_it_failed(tmp_path: Path, failed: int) -> None:
    night = night_of(tmp_path)
    land(night, Resolving(FIRST_NIGHT_UTC))
    contents(night)
    thread, node_id, closed = an_unresolved_thread(night)
    assert FIRST_NIGHT_UTC - closed < SWEPT_DAYS * DAY
    last_seen = closed + SWEPT_DAYS * DAY - timedelta(hours=1)
    assert land(night, Resolving(last_seen)).is_complete
    for number in range(failed):
        manifest = land(night, Resolving(last_seen + (number + 1) * DAY, thread, sweeps=False))
        assert [scope.scope for scope in manifest.scopes if scope.gap] == ["github:sweep"]
    assert not is_resolved(night, thread)
    good = Resolving(last_seen + (failed + 1) * DAY, thread)
    assert land(night, good).is_complete
    assert node_id in good.swept
    assert is_resolved(night, thread)
    after = Resolving(last_seen + (failed + 2) * DAY, thread)
    land(night, after)
    assert after.swept
    assert node_id not in after.swept
