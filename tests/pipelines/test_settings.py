"""evenhand.toml: what is refused, in which words, and that nothing runs then."""

from pathlib import Path

import pytest

from pipelines import sources
from pipelines.settings import Secret, SettingsError, find_settings_file, load_settings

GOOD = """
[organization]
name = "Acme"
reporting_timezone = "Europe/Berlin"

[sources.github]
token = { env = "GITHUB_TOKEN" }
organizations = ["acme"]
since = 2024-01-01
"""


def refused(folder: Path, text: str) -> str:
    path = folder / "evenhand.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    return str(caught.value)


def test_a_good_file_is_read_and_paths_count_from_it(tmp_path: Path) -> None:
    path = tmp_path / "evenhand.toml"
    path.write_text(GOOD)
    settings = load_settings(path)
    assert settings.storage_path == tmp_path / "var"
    assert settings.sources.github is not None
    assert settings.sources.github.base_url == "https://api.github.com"
    assert str(settings.sources.github.since_utc) == "2024-01-01 00:00:00+00:00"


@pytest.mark.parametrize(
    ("added", "wanted"),
    [
        ("[people]\nbot = []\n", "[people] bot: unknown key. Did you mean bots?"),
        ("[peopel]\n", "[peopel]: unknown key. Did you mean people?"),
        ("[packets]\npersons = 3\n", "[packets] persons: "),
        (
            "[retention]\nperson_months = 25\n",
            "[retention]: this version does not read it yet (retention). Leave it out.",
        ),
        ("[storage]\npath = 1\n", "[storage] path: "),
    ],
)
def test_an_unknown_or_wrong_key_is_refused_with_the_nearest(tmp_path: Path, added: str, wanted: str) -> None:
    message = refused(tmp_path, GOOD + added)
    assert wanted in message
    assert message.startswith(f"{tmp_path / 'evenhand.toml'} cannot be used. Nothing was run.")


APP = 'app = { id = 12, installation = 77, private_key_file = "key.pem" }'


def test_an_app_may_stand_in_the_place_of_the_token(tmp_path: Path) -> None:
    path = tmp_path / "evenhand.toml"
    path.write_text(GOOD.replace('token = { env = "GITHUB_TOKEN" }', APP))
    settings = load_settings(path)
    assert settings.sources.github is not None
    assert settings.sources.github.app is not None
    assert settings.sources.github.app.id == "12"
    with pytest.raises(SettingsError, match=r"private key cannot be read: .*key\.pem \(FileNotFoundError\)"):
        sources.github(sources.Asking(settings=settings))


@pytest.mark.parametrize("credentials", ["", 'token = { env = "GITHUB_TOKEN" }\n' + APP])
def test_one_credential_is_wanted_and_not_both(tmp_path: Path, credentials: str) -> None:
    message = refused(tmp_path, GOOD.replace('token = { env = "GITHUB_TOKEN" }', credentials))
    assert "[sources] github: one of token and app is needed, and not both." in message


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, '[organization]\nnmae = "Acme"\n')
    assert "[organization] name: missing." in message
    assert "[organization] reporting_timezone: missing." in message
    assert "[organization] nmae: unknown key. Did you mean name?" in message


def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD.replace("Europe/Berlin", "Europe/Berln"))
    assert "[organization] reporting_timezone: should be an IANA zone such as Europe/Berlin." in message


def test_a_repository_without_its_owner_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD.replace('organizations = ["acme"]', 'repositories = ["api"]'))
    assert '[sources.github] repositories: should be owner/name, found "api".' in message


def test_a_token_written_into_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    message = refused(tmp_path, GOOD.replace('{ env = "GITHUB_TOKEN" }', '"ghp_planted"'))
    assert '[sources.github] token: name the variable, { env = "GITHUB_TOKEN" }' in message
    assert "ghp_planted" not in message


def test_a_file_that_is_not_toml_says_where(tmp_path: Path) -> None:
    assert "is not TOML" in refused(tmp_path, "[organization\n")


def test_an_unset_variable_is_named_and_its_source(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Secret(env="GITHUB_TOKEN").read({}, source="github")
    assert str(caught.value) == (
        'No token for source "github".\n'
        "  looked in: GITHUB_TOKEN (unset), named by evenhand.toml [sources.github] token"
    )


def test_the_file_is_looked_for_here_then_by_the_variable_then_at_home(tmp_path: Path) -> None:
    home = tmp_path / "home" / ".config" / "evenhand"
    home.mkdir(parents=True)
    (home / "evenhand.toml").write_text(GOOD)
    here = tmp_path / "here"
    here.mkdir()
    known = {"HOME": str(tmp_path / "home")}
    assert find_settings_file(None, known, here) == home / "evenhand.toml"
    (here / "evenhand.toml").write_text(GOOD)
    assert find_settings_file(None, known, here) == here / "evenhand.toml"
    other = tmp_path / "other.toml"
    other.write_text(GOOD)
    assert find_settings_file(other, known, here) == other
    with pytest.raises(SettingsError, match="There is no configuration"):
        find_settings_file(tmp_path / "none.toml", known, here)


def test_the_hash_knows_what_can_change_a_number_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "evenhand.toml"

    def hashed(text: str) -> str:
        path.write_text(text)
        return load_settings(path).configuration_hash

    base = hashed(GOOD)
    assert hashed(GOOD + '[storage]\npath = "elsewhere"\n') == base
    assert hashed(GOOD.replace("GITHUB_TOKEN", "OTHER_TOKEN")) == base
    assert hashed(GOOD.replace("Europe/Berlin", "UTC")) != base
    assert hashed(GOOD + '[people]\nbots = ["acme-bot"]\n') != base
    assert hashed(GOOD + "[packets]\npersons = false\n") != base


RELEASES = """
[[sources.github.releases]]
repository = "acme/sdk"
by = "tags"
pattern = "v*"
"""


def test_releases_are_told_by_repository(tmp_path: Path) -> None:
    (tmp_path / "evenhand.toml").write_text(GOOD + RELEASES)
    github = load_settings(tmp_path / "evenhand.toml").sources.github
    assert github is not None
    assert github.released_by == {"acme/sdk": "tags"}
    two = RELEASES.replace('"tags"', '"releases"').replace("acme/sdk", "Acme/SDK")
    for added, told in (
        (RELEASES + two, "acme/sdk is told by releases and by tags; one of them is needed, and not both."),
        (RELEASES.replace("acme/sdk", "sdk"), 'should be owner/name, found "sdk"'),
        (RELEASES.replace("v*", "v\\t*"), "should be printable characters of one line"),
    ):
        assert told in refused(tmp_path, GOOD + added)


ATTACHED = '[sources.incidents]\nincidents = { sql = "FROM hr.tickets", attach = { hr = "%s" } }\n'


@pytest.mark.parametrize(
    "place",
    [
        "postgres:host=hr.acme.example password=plantedForHr99",
        "mysql:host=hr.acme.example Passwd = plantedForHr99",
        "postgres://reader:plantedForHr99@hr.acme.example/hr",
    ],
)
def test_a_password_of_an_attached_database_is_refused_and_not_repeated(tmp_path: Path, place: str) -> None:
    said = refused(tmp_path, GOOD + ATTACHED % place)
    assert "attach: hr: a password is never written; its client reads it from its own file" in said
    assert "plantedForHr99" not in said


@pytest.mark.parametrize(
    "place", ["postgres:host=hr.acme.example user=reader", "postgres://reader@hr:5432/hr"]
)
def test_what_is_attached_is_not_shown(tmp_path: Path, place: str) -> None:
    (tmp_path / "evenhand.toml").write_text(GOOD + ATTACHED % place)
    assert place not in repr(load_settings(tmp_path / "evenhand.toml"))
