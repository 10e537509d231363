"""Words of the made-up organisation: names, titles and sentences of pull requests and reviews.

Here: word lists and how they are put together. Nobody here exists; likeness is chance.
Not here: who says what when (``lifecycle``).
"""

import re
from collections.abc import Sequence
from random import Random

FIRST_NAMES = tuple(
    """Ana Bela Ciro Dunja Emre Farida Goran Hanneke Ivo Jelena Kofi Leila Mateo Nadia Oskar Paloma Quirin
    Rahel Sanjay Tomoko Uri Vesna Wanja Xenia Yusuf Zoë Aino Bartosz Chidi Deepa Eskil Fleur Gita Hamza Ines
    Joost Kirsi Łukasz Mirela Nikhil Oluchi Petra Rafael Søren Tariq Ulla Vikram Wiebke Yara Zeno Amara Bruno
    Catarina Dov Eleni Femi Gesa Hiroki Ilse Jamal Kavya Lior Meera Noor""".split()
)
LAST_NAMES = tuple(
    """Kovac Abrandal Okonde Lindvar Moravek Teixal Brunkhof Yildan Castrel Demirov Eriksund Falkenau Ghoshal
    Haltmann Ibarrel Jankovar Kimathal Lorentzky Mbekira Nakatomo Oyeland Petrakos Quintal Rossenau Sandoval
    Takemori Ulvestrom Varghesan Wachtel Ximenar Yamashiro Zielkow Almqvist Bergamin Chowdari Dragovan
    Eisenhart Ferreiro Gunnarvik Hoekstrand Iyengaro Jurikov Köslin Lampridis Marchesan Nowakov Obradin
    Pellegrav""".split()
)
TEAM_NAMES = tuple(
    """payments identity storefront platform data search logistics mobile messaging growth catalogue support
    fraud pricing partners reporting""".split()
)
SERVICE_NAMES = tuple(
    """checkout invoices sign-in storefront-web job-runner event-store product-search parcel-tracking
    mobile-api mail-sender coupons product-catalogue help-desk risk-checks price-lists partner-api
    report-builder address-book stock-levels refund-desk""".split()
)
FEATURE_NAMES = (
    "split payments",
    "passkeys",
    "saved baskets",
    "scheduled exports",
    "live stock",
    "parcel photos",
    "offline mode",
    "quiet notifications",
    "shared wish lists",
    "size advice",
    "order chat",
    "address check",
    "price alerts",
    "partner portal",
    "own reports",
    "gift cards",
)
_ASCII = str.maketrans({"ë": "e", "Ł": "L", "ø": "o", "ö": "o"})

_ACTIONS = tuple(
    """Retry Cache Validate Log Limit Simplify Move Rename Batch Trace Test Document Guard Split
    Restore""".split()
)
_OBJECTS = (
    "payment capture",
    "invoice numbers",
    "session tokens",
    "address look-ups",
    "the export job",
    "stock updates",
    "webhook deliveries",
    "search suggestions",
    "parcel events",
    "price rounding",
    "refund messages",
    "queue settings",
    "feature switches",
    "the health check",
    "currency codes",
    "opening hours",
)
_CONDITIONS = (
    "on gateway timeouts",
    "for partner orders",
    "before the nightly run",
    "in the staging set-up",
    "when a cart is empty",
    "for orders without an address",
    "after a cancelled order",
    "per region",
    "behind a switch",
    "for large customers",
)
_REASONS = (
    "Customers saw an error page when the other side was slow to answer.",
    "We do this by hand today and it is easy to forget.",
    "Follows what we agreed in the planning session.",
    "The old behaviour surprised the support colleagues.",
    "First of two steps; the second one switches it on.",
    "Keeps the nightly job inside its window.",
)
LIBRARIES = ("webclient", "queuekit", "formreader", "jsonlane", "timegrid", "mailframe")

APPROVALS = (
    "",
    "",
    "LGTM",
    "Looks good to me, thank you.",
    "Tried it on staging, works as described.",
    "Thanks, this reads well.",
)
REQUESTS_FOR_CHANGE = (
    "Two things below before this goes in.",
    "Please see the remark on the time-out.",
    "The idea is right, one case is missing.",
    "Could you add a test for the empty case?",
)
OBSERVATIONS = ("", "", "Some questions below.", "First pass, I will look at the rest after the change.")
ASKING_REMARKS = (
    "issue: this also retries when the card is refused.",
    "question: what happens if the gateway answers twice?",
    "question: is the order of these two rows guaranteed?",
    "todo: add the new field to the export as well.",
    "Could we keep the old field until the next release?",
    "This waits for ever when the queue is empty.",
    "suggestion: keep the list sorted here and drop the sort below.",
    "Same line as in the other handler.\n```suggestion\n    return amount.quantize(CENT)\n```",
    "```suggestion\n    timeout_seconds = settings.gateway_timeout_seconds\n```",
    "I think the second branch can never be reached, the caller checks for it.",
)
LIGHT_REMARKS = (
    "nit: name this after what it holds.",
    "nit the comma here is not needed",
    "nitpick (non-blocking): the two imports could be one.",
    "thought: this might be worth a helper of its own later.",
    "praise: neat way to keep the order stable.",
    "note: the same constant lives in the job runner.",
)
REPLIES_CHANGED = ("Done.", "Good point, changed.", "Fixed, with a test.", "Changed as proposed.")
REPLIES_MOVED = ("Moved to {}.", "Tracked in {}.")
REPLIES_DECLINED = (
    "I would keep it, the caller relies on it.",
    "It answers with a conflict then, see the test below.",
    "That is on purpose: the export needs both.",
    "The order comes from the query, so it is stable.",
)
FOLLOW_UPS = ("Makes sense, thanks.", "What about the second caller?", "Ah, I see. And after a restart?")


def login_of(name: str) -> str:
    """The name as a login: ``Zoë Kovac`` gives ``zoe-kovac``."""
    return name.translate(_ASCII).lower().replace(" ", "-")


def numbered(names: Sequence[str], count: int) -> tuple[str, ...]:
    """``count`` different names: the list, then the list again with 2 behind each, and so on."""
    return tuple(
        names[index % len(names)] + (f"-{index // len(names) + 1}" if index >= len(names) else "")
        for index in range(count)
    )


def title(rnd: Random) -> str:
    return f"{rnd.choice(_ACTIONS)} {rnd.choice(_OBJECTS)} {rnd.choice(_CONDITIONS)}"


def body(rnd: Random, *, ticket: str) -> str:
    reason = rnd.choice(_REASONS)
    return f"{reason}\n\nTicket: {ticket}" if rnd.random() < 0.6 else reason


def branch_of(prefix: str, text: str) -> str:
    """A head branch as people name them: the first words of the title after a prefix."""
    words: Sequence[str] = re.findall(r"[a-z]+", text.lower())
    return f"{prefix}/{'-'.join(words[:5])}"
