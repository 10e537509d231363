"""What a text says did it: the pull requests behind "caused by", and the incidents that are named.

Here: reading a statement out of Markdown or plain text, and when not to.
Not here: whether what is named exists, was deployed or came first (``transforms/core``).

Only what is said outright counts. A denial, a doubt, a question, a quotation and anything in a code block or
a comment say nothing: whoever is blamed by a text should be able to find the sentence that does it.
"""

import re
from collections.abc import Iterator

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
_ONE = re.compile(_PULL.replace("{n}", ""), re.IGNORECASE)
_ANY = re.sub(r"\(\?P<\w+\{n\}>", "(?:", _PULL)
_SEVERAL = rf"[\[(<]*(?:{_ANY})(?:[\])>]*(?:\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*)[\[(<]*(?:{_ANY}))*"
_SAID = re.compile(
    r"(?P<before>[^\n]*?)"
    r"\b(?:(?:caused|introduced|broken|triggered)[ -](?:by|in)|regress(?:ion|ed)[ ](?:from|in|of|by|since)"
    r"|root[ ]cause(?:[ ](?:is|was))?)\b"
    r"[ \t]*:?[ \t]*(?:(?:the|our|my|a|change|changes|merge|of|in|pull[ ]requests?|PRs?)[ \t]+)*"
    rf"(?P<named>{_SEVERAL})(?P<after>[^\n]*)",
    re.IGNORECASE,
)
_TRAILER = re.compile(
    rf"^[ \t]*(?:[-*][ \t]+)?(?:fix(?:es|ed)?):?[ \t]+(?P<named>{_SEVERAL})"
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
    for sentence in sentences(spoken(text)):
        trailer = _TRAILER.match(sentence)
        named = trailer["named"] if trailer else " ".join(_said(sentence))
        for match in _ONE.finditer(named):
            if match["repository"]:
                name = f"{match['repository']}#{match['number']}"
            elif repository:
                name = f"{repository}#{match['own']}"
            else:
                continue
            found.setdefault(name.lower(), name)
    return tuple(found.values())


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
