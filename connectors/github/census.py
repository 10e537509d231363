"""Whether stored pull requests are still there: asked one by one, and believed only when said of each.

Here: the question, and what each answer means.
Not here: which pull requests are asked about, and what follows (``pipelines.ledger``).

GitHub says NOT_FOUND both of what was deleted and of what the token may no longer see, and an answer may
come with holes. So *deleted* is only what GitHub says NOT_FOUND of by its place in the answer, while other
pull requests of the same repository are there. Everything else is not known, which is a gap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.errors import StopScopeError
from connectors.github.transport import Answer, Operation, Send, error_kinds

ASKED_A_REQUEST = 2_000
IDS_AN_OPERATION = 100


@dataclass(slots=True, kw_only=True)
class Places:
    """Of the node ids asked about: ``there`` with the id of the repository they are in, and ``gone``.

    ``untold``: the others, with what GitHub said in place of an answer.
    """

    there: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    untold: dict[str, str] = field(default_factory=dict)


def places_of(send: Send, ids: Sequence[str]) -> Places:
    """Where these pull requests are now. Raises StopSourceError; a refused request is ``untold``."""
    found = Places()
    for start in range(0, len(ids), ASKED_A_REQUEST):
        asked = ids[start : start + ASKED_A_REQUEST]
        parts = [asked[at : at + IDS_AN_OPERATION] for at in range(0, len(asked), IDS_AN_OPERATION)]
        operations = [Operation(name="PullRequestPlaces", variables={"ids": list(part)}) for part in parts]
        try:
            answer = send(operations)
        except StopScopeError as reason:
            found.untold |= dict.fromkeys(asked, str(reason))
            continue
        for place, part in enumerate(parts):
            _take(found, part, answer, place)
    return found


def said_of(answer: Answer, operation: int) -> Mapping[int, str]:
    """What GitHub said of single places in the list of ``nodes`` of one operation: its word, by place."""
    said: dict[int, str] = {}
    for error in answer.errors:
        path = error.get("path")
        if error.get("operation") != operation or not isinstance(path, list):
            continue
        if len(path) == 2 and isinstance(path[1], int) and not isinstance(path[1], bool):
            said[path[1]] = " ".join(sorted({said.get(path[1], ""), *error_kinds([error])} - {""}))
    return said


def _take(found: Places, ids: Sequence[str], answer: Answer, operation: int) -> None:
    nodes = (answer.data[operation] or {}).get("nodes")
    listed = nodes if isinstance(nodes, list) and len(nodes) == len(ids) else []
    said = said_of(answer, operation)
    for place, node_id in enumerate(ids):
        node = listed[place] if listed else None
        repository = node.get("repository") if isinstance(node, dict) else None
        if isinstance(repository, dict) and isinstance(repository.get("databaseId"), int):
            found.there[node_id] = f"github:{repository['databaseId']}"
        elif listed and node is None and said.get(place) == "NOT_FOUND":
            found.gone.add(node_id)
        else:
            found.untold[node_id] = said.get(place) or "no answer"
