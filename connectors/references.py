"""What a text says did it: the changes behind "caused by", and the incidents that are named.

Here: reading a statement out of Markdown or plain text, and when not to.
Not here: whether what is named exists, was deployed or came first (``transforms/core``).

Only what is said outright counts. A denial, a doubt, a question, a quotation and anything in a code block or
a comment say nothing: whoever is blamed by a text should be able to find the sentence that does it.
"""

import re
from collections.abc import Iterator
from typing import Literal

ChangeKind = Literal["commit", "version", "deployment"]

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_NO_SPEECH = (
    _FENCE,
    re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL),
    re.compile(r"\{(code|noformat|quote)(?::[^}]*)?\}.*?(?:\{\1\}|\Z)", re.DOTALL),  # Jira's wiki text
    re.compile(r"^[ \t]*>.*$", re.MULTILINE),
    re.compile(r"^bq\. .*$", re.MULTILINE),
    re.compile(r"^(?: {4}|\t).*$", re.MULTILINE),
    re.compile(r"~~.*?~~", re.DOTALL),
    re.compile(r"`[^`\n]*`"),
)
_PULL = (
    r"(?:https?://[\w.:-]+/|(?<![\w./-]))(?P<repository{n}>[\w.-]+/[\w.-]+)(?:/pull/|#)(?P<number{n}>\d+)(?![\w/])"
    r"|(?<![\w/&])(?:\#|GH-)(?P<own{n}>\d+)(?![\w/])"
)
COMMIT = r"(?<![\w./-])(?=[0-9a-f]*\d)(?=[0-9]*[a-f])[0-9a-f]{7,40}(?![\w-])"
"""A commit, long or short; of digits or letters alone it may be anything."""
VERSION = (
    r"(?<![\w./@+-])(?:[a-z][\w.-]*?[-/@_])?(?:v\d+(?:\.\d+){1,3}|\d+(?:\.\d+){2})"
    r"(?:[-+]\w(?:[\w.]*\w)?)?(?![\w/@-]|\.\d)"
)
"""A version's tag, with or without the name of what it is of: v1.2, 1.2.3, pay-v1.2.3-rc1."""
DEPLOYMENT = r"\bdeploy(?:ment)?s?[ #/:]+\d{3,}\b"
_ADDRESS = r"https?://[^\s<>\"')\]|]+"
_CHANGE = (
    rf"{_PULL}|(?P<address{{n}}>{_ADDRESS})|(?P<commit{{n}}>{COMMIT})|(?P<version{{n}}>{VERSION})"
    rf"|(?P<deployment{{n}}>{DEPLOYMENT})"
)


def _several(change: str) -> str:
    """One or several of these, with commas and "and" between."""
    one = re.sub(r"\(\?P<\w+\{n\}>", "(?:", change)
    return rf"[\[(<]*(?:{one})(?:[\])>]*(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*)[\[(<]*(?:{one}))*"


_ONE = re.compile(_CHANGE.replace("{n}", ""), re.IGNORECASE)
_SAID = re.compile(
    r"(?P<before>[^\n]*?)"
    r"\b(?:(?:caused|introduced|broken|triggered)[ -](?:by|in)|regress(?:ion|ed)[ ](?:from|in|of|by|since)"
    r"|root[ ]cause(?:[ ](?:is|was))?)\b"
    r"[ \t]*:?[ \t]*(?:(?:the|our|my|a|change|changes|merge|commit|release|version|tag|of|in"
    r"|pull[ ]requests?|PRs?)[ \t]+)*"
    rf"(?P<named>{_several(_CHANGE)})(?P<after>[^\n]*)",
    re.IGNORECASE,
)
_TRAILER = re.compile(
    rf"^[ \t]*(?:[-*][ \t]+)?(?:fix(?:es|ed)?):?[ \t]+(?P<named>{_several(_PULL)})"
    r"[\])>]*[ \t]*(?:\([^)\n]*\))?[.\s]*$",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^\n]*?(?:[.!?;](?=\s|$)|\n|$)")
_UNSURE = re.compile(
    r"\b(?:not|never|nor|no|neither|unlikely|hardly|unrelated|without|instead of|rather than|whether|if"
    r"|unclear|maybe|may|might|could|can|possibly|perhaps|probably|presumably|likely|suspect(?:ed|s)?|thought"
    r"|think|guess|seems?|looks?|assum\w+|would)\b|n['\N{RIGHT SINGLE QUOTATION MARK}]t\b",
    re.IGNORECASE,
)
_UNDONE = re.compile(
    r"^[\])>]*[ \t]*(?:not|never|being|missing|lacking|was[ ]ruled|\(?(?:no|wrong|ruled))\b", re.I
)
_DENIED = re.compile(
    r"(?:\b(?:not|never|hardly|unlikely|neither)\b|n['\N{RIGHT SINGLE QUOTATION MARK}]t\b)(?:\s+\w+){0,3}?\s+"
    r"(?:cause[ds]?|related|due|because|to blame|responsible|introduced|triggered|broken by|involved)\b"
    r"|\bunrelated\b|\brul(?:ed|ing|es?)[ ]out\b|\bred herring\b|\bnothing to do\b|\binnocent\b",
    re.IGNORECASE,
)
_RETURNED = re.compile(
    r"\b(?:(?:back|revert(?:ed|ing)?|return(?:ed|ing)?|downgrad(?:ed|e|ing)|pin(?:ned|ning)?)[ ](?:to|on)"
    r"|restor(?:ed|ing)|redeploy(?:ed|ing)|fix(?:ed)?[ ](?:is[ ]|was[ ])?(?:in|by|with)"
    r"|(?:last|known)[ ]good)[ :]+"
    r"(?:(?:the|old|previous|earlier|last|good|was|one|release|version|commit|tag|build|deploy(?:ment)?s?)"
    r"[ #:]+)*\S+",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
_COMMIT_ADDRESS = re.compile(r"/commits?/([0-9a-f]{7,40})$", re.IGNORECASE)
_DEPLOYMENT_ADDRESS = re.compile(r"/deployments?/(\d+)$", re.IGNORECASE)
_DEPLOYED = re.compile(r"(?:deploy|releases?/|rollout|/actions/runs/\d|/tree/)\S*\d", re.IGNORECASE)
INCIDENT_ADDRESS = r"https?://[\w.:-]+/incidents/\w(?:[\w-]*\w)?"
_INCIDENT = re.compile(INCIDENT_ADDRESS, re.IGNORECASE)


def spoken(text: str) -> str:
    """The text without code, comments, quotations and what is struck out."""
    text = text.replace("\r\n", "\n")
    for pattern in _NO_SPEECH:
        text = pattern.sub("\n" if pattern is _FENCE else " ", text)
    return text


def sentences(text: str) -> Iterator[str]:
    """Its sentences and lines, each with the mark that ends it."""
    for match in _SENTENCE.finditer(text):
        if match[0].strip():
            yield match[0].strip()


def causes_in(text: str, repository: str | None = None) -> tuple[str, ...]:
    """The pull requests that the text says are at fault, as ``owner/name#12``, each once.

    ``Caused by #12``, ``regression from acme/api#12``, and a line of its own that says ``Fixes #12``: an
    issue of that number is no pull request and names nobody. A bare number is of ``repository``, and nothing
    without.
    """
    found: dict[str, str] = {}
    for match in _at_fault(text):
        if match["repository"]:
            name = f"{match['repository']}#{match['number']}"
        elif match["own"] and repository:
            name = f"{repository}#{match['own']}"
        else:
            continue
        found.setdefault(name.lower(), name)
    return tuple(found.values())


def other_causes_in(text: str) -> tuple[tuple[ChangeKind, str], ...]:
    """What else the text says is at fault, each once: commits, versions, deployments by number or address."""
    found: dict[tuple[ChangeKind, str], None] = {}
    for match in _at_fault(text):
        if match["address"]:
            named = named_by_address(match["address"])
        elif match["commit"]:
            named = ("commit", match["commit"].lower())
        elif match["version"]:
            named = ("version", match["version"])
        elif match["deployment"]:
            named = ("deployment", _NUMBER.findall(match["deployment"])[-1])
        else:
            continue
        if named is not None:
            found.setdefault(named)
    return tuple(found)


def named_by_address(address: str) -> tuple[ChangeKind, str] | None:
    """The commit or deployment that an address is of; None for any other, which is then not kept either."""
    plain = address.rstrip(".,;:!?").partition("#")[0].partition("?")[0].rstrip("/")
    commit = _COMMIT_ADDRESS.search(plain)
    if commit:
        return "commit", commit[1].lower()
    number = _DEPLOYMENT_ADDRESS.search(plain)
    if number:
        return "deployment", number[1]
    return ("deployment", plain) if _DEPLOYED.search(plain) else None


def is_version(name: str) -> bool:
    return re.fullmatch(VERSION, name, re.IGNORECASE) is not None


def without_returns(text: str) -> str:
    """The text less what it says was gone back to, or was good: "rolled back to v1.2.2" blames v1.2.3."""
    return _RETURNED.sub(" ", text)


def _at_fault(text: str) -> Iterator[re.Match[str]]:
    for sentence in sentences(spoken(text)):
        trailer = _TRAILER.match(sentence)
        yield from _ONE.finditer(trailer["named"] if trailer else " ".join(_said(sentence)))


def _said(sentence: str) -> Iterator[str]:
    """What a sentence says outright, statement by statement: "caused by #1 and introduced in #2" names both.

    A doubt or denial holds for everything that follows it in the sentence, a question for all of it.
    """
    place = 0
    while not sentence.endswith("?") and (said := _SAID.match(sentence, place)):
        if _UNSURE.search(sentence[: said.end("before")]) or _UNDONE.search(said["after"]):
            return
        yield said["named"]
        place = said.end("named")


def incidents_in(text: str) -> tuple[str, ...]:
    """The addresses of incidents that the text names, in small letters, each once."""
    return tuple(dict.fromkeys(match[0].lower() for match in _INCIDENT.finditer(spoken(text))))


def without_denials(text: str) -> str:
    """The text less the sentences that say that something was not it."""
    return "\n".join(sentence for sentence in sentences(text) if not _DENIED.search(sentence))
