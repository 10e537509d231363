"""``evenhand.toml``: what may stand in it, and the errors when something else does.

Here: the shape of the file, where it is looked for, secrets by name.
Not here: the defaults of metrics (the catalogue).

pydantic checks it (Dagster brings it anyway); its messages are put into our words, because an operator
should read what was wanted, found and meant, and not a schema.
"""

import difflib
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from connectors.waiting import MAY_WAIT_SECONDS

NAME = "evenhand.toml"
VARIABLE = "EVENHAND_CONFIG"
_PASSWORD = re.compile(r"\b(password|passwd|pwd)\s*=|//[^/@\s]*:[^/@\s]+@", re.IGNORECASE)


class SettingsError(Exception):
    """evenhand.toml, or what it names, is not what it should be. Nothing was run."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Secret(_Section):
    """A secret by name: the environment variable that holds it."""

    env: str

    def read(self, environment: Mapping[str, str], *, source: str) -> str:
        """The secret's value. Raises SettingsError naming the variable, never a value."""
        value = environment.get(self.env, "").strip()
        if not value:
            raise SettingsError(
                f'No token for source "{source}".\n'
                f"  looked in: {self.env} ({'empty' if self.env in environment else 'unset'}), "
                f"named by {NAME} [sources.{source}] token"
            )
        if any(not character.isprintable() or character.isspace() for character in value):
            raise SettingsError(
                f'The token for source "{source}" has a space or a line break in it.\n'
                f"  looked in: {self.env}, named by {NAME} [sources.{source}] token"
            )
        return value


class Organization(_Section):
    """[organization]"""

    name: str
    reporting_timezone: str

    @field_validator("reporting_timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("should be an IANA zone such as Europe/Berlin") from None


class Storage(_Section):
    """[storage]"""

    path: Path = Path("var")


class GitHubApp(_Section):
    """[sources.github] app"""

    id: str = Field(min_length=1, coerce_numbers_to_str=True)
    installation: int
    private_key_file: Path


class Released(_Section):
    """[[sources.github.releases]]: releases or tags tell what reached production, in place of deployments."""

    repository: str
    by: Literal["releases", "tags"] = "releases"
    pattern: str = Field(default="*", min_length=1)
    service: str = ""

    @field_validator("repository")
    @classmethod
    def _full_name(cls, value: str) -> str:
        if value.count("/") != 1 or not all(value.split("/")):
            raise ValueError(f'should be owner/name, found "{value}"')
        return value

    @field_validator("pattern", "service", "repository")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if any(not character.isprintable() for character in value):
            raise ValueError("should be printable characters of one line")
        return value


class GitHub(_Section):
    """[sources.github]"""

    base_url: str = "https://api.github.com"
    token: Secret | None = None
    app: GitHubApp | None = None
    organizations: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    since: date | None = None
    deployment_environments: tuple[str, ...] = ("production",)
    releases: tuple[Released, ...] = ()

    @field_validator("repositories", "left_out")
    @classmethod
    def _full_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name.count("/") != 1 or not all(name.split("/")):
                raise ValueError(f'should be owner/name, found "{name}"')
        return value

    @model_validator(mode="after")
    def _one_credential(self) -> "GitHub":
        if (self.token is None) == (self.app is None):
            raise ValueError("one of token and app is needed, and not both")
        return self

    @model_validator(mode="after")
    def _one_kind_each(self) -> "GitHub":
        for name, told_by in self.released_by.items():
            if any(one.by != told_by for one in self.releases if one.repository.lower() == name):
                raise ValueError(
                    f"{name} is told by releases and by tags; one of them is needed, and not both"
                )
        return self

    @property
    def released_by(self) -> dict[str, str]:
        """By the name of a repository in small letters: releases or tags."""
        return {one.repository.lower(): one.by for one in self.releases}

    @property
    def since_utc(self) -> datetime | None:
        if self.since is None:
            return None
        return datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC)


class Convention(_Section):
    """[sources.jira.found_in_production], [...incident_followup], [...postmortem]: any one of these."""

    types: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    link_types: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    field: str | None = None
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _field_and_values(self) -> "Convention":
        if (self.field is None) != (not self.values):
            raise ValueError("field and values belong together: name the field, and what it must hold")
        return self


class Jira(_Section):
    """[sources.jira]"""

    kind: Literal["cloud", "datacenter"] = "cloud"
    base_url: str
    email: str | None = None
    token: Secret
    projects: tuple[str, ...] = ()
    since: date | None = None
    defect_types: tuple[str, ...] | None = None
    released_versions: bool = True
    found_in_production: Convention | None = None
    incident_followup: Convention | None = None
    postmortem: Convention | None = None

    @model_validator(mode="after")
    def _email_on_cloud(self) -> "Jira":
        if self.kind == "cloud" and self.email is None:
            raise ValueError("email is missing: on Cloud an API token goes with its account's e-mail")
        return self

    @property
    def since_utc(self) -> datetime | None:
        if self.since is None:
            return None
        return datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC)


class PagerDuty(_Section):
    """[sources.pagerduty]"""

    base_url: str = "https://api.pagerduty.com"
    token: Secret
    since: date | None = None

    @field_validator("base_url")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        if not value.startswith("https://"):
            raise ValueError("should begin with https://; PagerDuty is asked in no other way")
        return value

    @property
    def since_utc(self) -> datetime | None:
        return (
            None
            if self.since is None
            else datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC)
        )


class Query(_Section):
    """A table that lies elsewhere: a query, and the databases it reads, attached read-only by name."""

    sql: str
    attach: dict[str, str] = Field(default={}, repr=False)

    @field_validator("attach")
    @classmethod
    def _without_password(cls, value: dict[str, str]) -> dict[str, str]:
        for name, place in value.items():
            if _PASSWORD.search(place):
                raise ValueError(
                    f"{name}: a password is never written; its client reads it from its own file (~/.pgpass, "
                    "~/.my.cnf) or variable (PGPASSWORD)"
                )
        return value


class Incidents(_Section):
    """[sources.incidents]: any other tool. Each table is a file, a SELECT, or one with its databases."""

    incidents: str | Query | None = None
    deployments: str | Query | None = None
    log: str | Query | None = None
    shifts: str | Query | None = None


class Demo(_Section):
    """[sources.demo]: a made-up organisation, for trying things out."""

    engineers: int = Field(default=40, ge=5, le=2000)
    months: int = Field(default=14, ge=3, le=36)
    seed: int = 7


class Sources(_Section):
    """[sources]"""

    github: GitHub | None = None
    jira: Jira | None = None
    pagerduty: PagerDuty | None = None
    incidents: Incidents | None = None
    demo: Demo | None = None


class People(_Section):
    """[people]"""

    roster: Path | Query | None = None
    calendar: Path | None = None
    bots: tuple[str, ...] = ()


class Services(_Section):
    """[services]"""

    file: Path | None = None
    backstage: tuple[str, ...] = ()
    ack_target_minutes: dict[str, Annotated[float, Field(gt=0, le=1440)]] = Field(default_factory=dict)


class Annotations(_Section):
    """[annotations]"""

    file: Path | None = None


class Goals(_Section):
    """[goals]"""

    file: Path | None = None


class SurveyColumns(_Section):
    """[survey] columns: what the export calls them, where it calls them otherwise"""

    pull_request: str = "pull_request"
    reviewer: str = "reviewer"
    rater: str = "rater"
    rating: str = "rating"
    answered_at: str = "answered_at"


class Survey(_Section):
    """[survey]"""

    file: Path | None = None
    columns: SurveyColumns = SurveyColumns()


class Features(_Section):
    """[features]"""

    file: Path | None = None


class Packets(_Section):
    """[packets]"""

    persons: bool = True


class Run(_Section):
    """[run]"""

    may_wait_minutes: float = Field(default=MAY_WAIT_SECONDS / 60, ge=0)


class Settings(_Section):
    """The whole file. Paths count from its folder."""

    organization: Organization
    storage: Storage = Storage()
    sources: Sources = Sources()
    people: People = People()
    services: Services = Services()
    annotations: Annotations = Annotations()
    goals: Goals = Goals()
    survey: Survey = Survey()
    features: Features = Features()
    packets: Packets = Packets()
    run: Run = Run()
    folder: Path = Field(default=Path(), exclude=True)

    def path(self, value: Path) -> Path:
        """A path of the file, from the file's folder."""
        return (self.folder / value.expanduser()).resolve()

    @property
    def storage_path(self) -> Path:
        return self.path(self.storage.path)

    @property
    def configuration_hash(self) -> str:
        """SHA-256 of what can change a number: no path, no secret, no address."""
        decides = {
            "reporting_timezone": self.organization.reporting_timezone,
            "bots": sorted(login.lower() for login in self.people.bots),
            "persons": self.packets.persons,
            "github": None
            if self.sources.github is None
            else {
                "organizations": sorted(self.sources.github.organizations),
                "repositories": sorted(self.sources.github.repositories),
                "since": self.sources.github.since,
                "deployment_environments": sorted(self.sources.github.deployment_environments),
                "releases": [one.model_dump() for one in self.sources.github.releases],
            },
            "jira": None
            if self.sources.jira is None
            else self.sources.jira.model_dump(exclude={"base_url", "email", "token"}),
            "pagerduty": None if self.sources.pagerduty is None else {"since": self.sources.pagerduty.since},
            "incidents": self.sources.incidents is not None,
            "ack_target_minutes": self.services.ack_target_minutes,
            "demo": None if self.sources.demo is None else self.sources.demo.model_dump(),
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True, default=str).encode()).hexdigest()


LATER: Mapping[str, str] = {
    "packets.first_to_subject_days": "the right of reply",
    "packets.rubric": "the organisation's own rubric",
    "retention": "retention",
}
"""Keys of the file's full form that this version does not read yet: refused by name, not taken in silence."""


def find_settings_file(given: Path | None, environment: Mapping[str, str], working_folder: Path) -> Path:
    """The configuration file: given, then the variable's, the folder's, the user's. Raises SettingsError."""
    user_folder = Path(environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "~")) / ".config")
    looked = [given] if given is not None else []
    if not looked:
        named = environment.get(VARIABLE)
        looked = (
            [Path(named)] if named else [working_folder / NAME, user_folder.expanduser() / "evenhand" / NAME]
        )
    for path in looked:
        if path.is_file():
            return path
    places = "\n".join(f"  looked for: {path}" for path in looked)
    raise SettingsError(
        f"There is no configuration.\n{places}\n"
        f"`evenhand init` writes a commented one here; `evenhand demo` needs none."
    )


def load_settings(path: Path) -> Settings:
    """Read and check the file. Raises SettingsError with every problem, one a line."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingsError(f"{path} cannot be read: {problem}. Nothing was run.") from None
    except tomllib.TOMLDecodeError as problem:
        raise SettingsError(f"{path} is not TOML: {problem}. Nothing was run.") from None
    try:
        return Settings.model_validate({**document, "folder": path.resolve().parent})
    except ValidationError as problem:
        said = "\n".join(f"  {_in_words(error, document)}" for error in problem.errors())
        raise SettingsError(f"{path} cannot be used. Nothing was run.\n{said}") from None


def _in_words(error: Any, document: Mapping[str, Any]) -> str:
    kind, parts, message, *_ = (
        error.values()
    )  # by place: one of pydantic's key names reads like a shallow signal
    place = [str(part) for part in parts]
    dotted = ".".join(place)
    if kind == "extra_forbidden":
        if dotted in LATER:
            return f"{_shown(place)}: this version does not read it yet ({LATER[dotted]}). Leave it out."
        nearest = difflib.get_close_matches(place[-1], _known_keys(place[:-1]), n=1, cutoff=0.5)
        hint = f" Did you mean {nearest[0]}?" if nearest else f" Known: {', '.join(_known_keys(place[:-1]))}."
        return f"{_shown(place)}: unknown key.{hint}"
    if kind == "missing":
        return f"{_shown(place)}: missing."
    if place[-1] == "token" and isinstance(_value(document, place), str):
        return (
            f'{_shown(place)}: name the variable, {{ env = "GITHUB_TOKEN" }}; '
            f"a token itself is never written."
        )
    return f"{_shown(place)}: {message.removeprefix('Value error, ')}."


def _shown(place: list[str]) -> str:
    section, key = ".".join(place[:-1]), place[-1]
    return f"[{section}] {key}" if section else f"[{key}]"


def _value(document: Mapping[str, Any], place: list[str]) -> Any:
    value: Any = document
    for part in place:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _known_keys(place: list[str]) -> list[str]:
    """The keys of a section, by its path."""
    model: Any = Settings
    for part in place:
        annotation = model.model_fields[part].annotation
        options = [annotation, *getattr(annotation, "__args__", ())]
        found = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
        if not found:
            return []
        model = found[0]
    return [name for name in model.model_fields if name != "folder"]


def environment() -> Mapping[str, str]:
    """The process's environment: read here and nowhere else."""
    return os.environ
