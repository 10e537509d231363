"""One bad thing between good neighbours.

Here: the good pull request beside it, the good repository behind it, and that both came.
Not here: the bad things.
"""

from typing import Any

from connectors.github.transport import Json
from tests.connectors.came import WhatCame
from tests.connectors.github.builders import (
    TOASTER,
    ServedPages,
    comment,
    connection,
    page_of,
    pull_request,
    read,
    request,
    review,
    thread,
)

ONE, TWO = "github:501/pull/1", "github:501/pull/2"
SECRET = "orla@acme.example"
ALONE = "Left out alone; everything else on the page was kept."
CHILDREN = "Left out with its children; everything else on the page was kept."
COMMENTS = "Left out with its comments; everything else on the page was kept."


def unread_words(count: int) -> str:
    """The gap of a repository whose pull requests could not all be read; without it nobody would again."""
    return (
        f"acme/kettle: {count} of its pull requests could not be read whole "
        "(ops.rejected_records says which). "
        "Everything else was kept; the next run reads back as far as this one did."
    )


def whole(number: int = 1, /, **changed: Any) -> Json:
    """A pull request with one of everything below it."""
    below = {
        "reviews": connection(review(number)),
        "reviewThreads": connection(thread(number, comment(number))),
        "timelineItems": connection(request(number)),
    }
    return pull_request(number, **{**below, **changed})


def with_neighbours(bad: Any) -> WhatCame:
    """A bad pull request before a good one, and a good repository after theirs."""
    pages = {
        ("acme/kettle", None): page_of(bad, whole(2)),
        ("acme/toaster", None): page_of(whole(3), repository=TOASTER),
    }
    return read(ServedPages(pages=pages), "acme/kettle", "acme/toaster")


def assert_neighbours_came(found: WhatCame, *, unread: int = 0) -> None:
    """``unread``: how many pull requests the repository's gap is about, where there is one."""
    assert [(gap.scope, gap.message) for gap in found.gaps] == (
        [("github:501", unread_words(unread))] if unread else []
    )
    assert TWO in found.keys("pull_requests")
    assert {"github:review/2", "github:review/3"} <= set(found.keys("reviews"))
    assert "github:502/pull/3" in found.keys("pull_requests")
