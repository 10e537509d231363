"""Pay is refused, always: never read, not even as a column that nobody asks for (metrics specification 2.13).

Here: by which names a column is one of pay, in the languages of HR systems.
Not here: reading tables, and which columns a query names (``tables``).
"""

import re
import unicodedata
from collections.abc import Iterable

from connectors.errors import StopScopeError

# Parts of a word: none of them stands in a word that means something else in a table of people.
_STEMS = re.compile(
    r"salar|salair|compensat|remunerat|remunerac|remuneraz|vergutung|verguetung|entlohnung|besoldung|gehalt|entgelt"
    r"|payroll|payband|paygrade|paylevel|basepay|bonus|stipend|sueldo|vencimento|wynagrodz|palkka|lohn"
    r"|зарплат|оклад|премия|給与|給料|年収|月給|賞与|薪资|薪水|薪酬|工资|薪資|연봉|급여|maas_|maaş"
)
# Whole words: inside longer ones they mean other things (payment, wagen, landlord).
_WORDS = frozenset(
    "pay pays wage wages paie solde loon mzda pensja equity stock rsu rsus ctc ote earnings income "
    "brutto brut gross commission commissions tantieme pramie praemie".split()
)
# A rate, a sum or a package of pay, and of what kind.
_KINDS = frozenset("annual base hourly daily monthly yearly day hour billing bill cost total fixed".split())
_SUMS = frozenset("rate comp package".split())


def is_pay(name: str, *, is_of_people: bool = True) -> bool:
    """Whether a column of this name holds pay: ``salary``, ``basePay``, ``Gehalt_EUR``, ``annual_rate``.

    In a table that is not of people (incidents, deployments) only a word that means nothing else does: a
    ``commission`` or an ``hourly_error_rate`` is nobody's there.
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    folded = unicodedata.normalize("NFKD", apart).casefold()
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    words = {word for word in re.split(r"[\W\d_]+", plain) if word}
    return (
        _STEMS.search(re.sub(r"[\W\d_]+", "", plain)) is not None
        or _STEMS.search(unicodedata.normalize("NFC", apart).casefold()) is not None
        or (is_of_people and bool(words & _WORDS))
        or (is_of_people and bool(words & _SUMS and words & _KINDS - _SUMS))
    )


def refuse_pay(names: Iterable[str], what: str, *, are_of_people: bool = True) -> None:
    """Raises StopScopeError where a column is one of pay."""
    pay = sorted({name for name in names if is_pay(name, is_of_people=are_of_people)})
    if pay:
        raise StopScopeError(
            f"{what} has a column of pay ({', '.join(pay)}). Pay is refused, always. "
            f"Nothing of it was read or written; take the column out. The last good one stays in use."
        )
