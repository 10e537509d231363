"""How right are suggestions by exact login, on a list that people have checked by hand?

Here: precision and recall of ``transforms.suggestions`` on accounts of two sources whose owners are known,
and how many wrong suggestions there are when the right person is not in the roster at all. Numbers only: no
account is printed.
Not here: addresses. No public list has them, and an address that is equal needs no measuring.

    python benchmarks/identity_suggestions.py                        # ../shared/data/identity
    python benchmarks/identity_suggestions.py --file pairs.csv --person GitHubAccount --account JiraName

The file is a CSV, perhaps gzip'd, of pairs: a login at one source, by which the roster knows the person, and
the account of the same person at the other source.
"""

import argparse
import csv
import gzip
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from transforms.identity import Identities
from transforms.suggestions import Handle, RosterPerson, suggestions

DEFAULT = Path("../shared/data/identity/lucene_jira_github_accounts.csv.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """``accounts`` to be found; of what was suggested how much is ``right``.

    ``wrong_without_owner``: suggestions for accounts whose owner had been taken out of the roster.
    """

    accounts: int
    people: int
    suggested: int
    right: int
    wrong_without_owner: int

    @property
    def precision(self) -> float:
        return self.right / self.suggested if self.suggested else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.accounts if self.accounts else 0.0


def measure(pairs: Iterable[tuple[str, str]]) -> Measured:
    """What is suggested from the logins of pairs (of the person, of the account elsewhere) alone."""
    owner = {account: person.casefold() for person, account in pairs}
    people = sorted(set(owner.values()))
    found = _suggested(owner, people)
    wrong = 0
    by_person: dict[str, list[str]] = {}
    for account, person in owner.items():
        by_person.setdefault(person, []).append(account)
    for person, accounts in by_person.items():
        wrong += len(_suggested(accounts, [other for other in people if other != person]))
    return Measured(
        accounts=len(owner),
        people=len(people),
        suggested=len(found),
        right=sum(owner[account] == person for account, person in found),
        wrong_without_owner=wrong,
    )


def _suggested(accounts: Iterable[str], people: Sequence[str]) -> list[tuple[str, str]]:
    handles = [
        Handle(account_id=f"jira:{account}", source="jira", kind="login", value=account)
        for account in accounts
    ]
    roster = [RosterPerson(person_id=person, logins=(("github", person),)) for person in people]
    return [
        (one.account_id.partition(":")[2], one.person_id)
        for one in suggestions(handles, roster, Identities())
    ]


def pairs_of(path: Path, person: str, account: str) -> list[tuple[str, str]]:
    """The pairs of a CSV file."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    rows = csv.DictReader(text.splitlines())
    return [(row[person].strip(), row[account].strip()) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--file", type=Path, default=DEFAULT)
    parser.add_argument("--person", default="GitHubAccount", help="column of the login the roster has")
    parser.add_argument("--account", default="JiraName", help="column of the account elsewhere")
    asked = parser.parse_args()
    found = measure(pairs_of(asked.file, asked.person, asked.account))
    print(f"accounts {found.accounts}, people {found.people}")
    print(f"suggested {found.suggested}, right {found.right}, wrong {found.suggested - found.right}")
    print(f"precision {found.precision:.1%}, recall {found.recall:.1%}")
    print(f"with the right person not in the roster: {found.wrong_without_owner} suggestions, all wrong")


if __name__ == "__main__":
    main()
