"""The nightly job: what Dagster sees, what a gap and a bad record do, what keeps a database unpublished."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from connectors.contract import Page
from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, configuration_files, make_organization
from connectors.github.client import GitHubSource
from connectors.github.records import RECORD_TYPES
from connectors.github.transport import Answer, Operation
from pipelines import nightly
from pipelines.definitions import JOB, build_definitions
from pipelines.job import run_nightly
from pipelines.nightly import Night, NightError
from pipelines.settings import Settings, load_settings
from pipelines.sources import Registered
from warehouse.connection import connect, connect_reading


def night_of(folder: Path, **sections: Any) -> Night:
    document: dict[str, Any] = {
        "organization": {"name": "Acme", "reporting_timezone": "America/Los_Angeles"},
        "sources": {"demo": {"engineers": 6, "months": 3}},
        "folder": folder,
        **sections,
    }
    return Night(settings=Settings.model_validate(document), environment={})


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return build_definitions(night_of(tmp_path_factory.mktemp("definitions")))


def test_definitions_load_and_a_night_has_few_steps(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)
    job = definitions.resolve_job_def(JOB)
    assert 5 <= len(job.all_node_defs) <= 60
    assert job.executor_def is dg.in_process_executor
    assert [hook.name for hook in job.hook_defs] == ["say_what_to_do"]


def test_the_schedule_is_two_o_clock_in_the_reporting_zone(definitions: dg.Definitions) -> None:
    schedule = definitions.resolve_schedule_def("nightly_at_two")
    assert schedule.cron_schedule == "0 2 * * *"
    assert schedule.execution_timezone == "America/Los_Angeles"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_every_asset_has_an_owner_a_description_and_a_unit(definitions: dg.Definitions) -> None:
    specs = list(definitions.resolve_all_asset_specs())
    assert len(specs) > 30
    assert {spec.key.path[0] for spec in specs} == {
        "landing", "core", "facts", "trends", "ops", "catalog", "published"
    }  # fmt: skip
    for spec in specs:
        assert list(spec.owners) == ["team:platform-enablement"], spec.key
        assert spec.description, spec.key
        if spec.key.path[0] != "published":
            assert "Unit: " in spec.description, spec.key


def test_every_step_that_can_be_tried_again_is(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def(JOB)
    without = [node.name for node in job.nodes if node.definition.retry_policy is None]
    assert without == ["ops__checks"]  # judging the same tables again gives the same verdict


class Broken:
    """The made-up organisation, with one operation answered otherwise."""

    def __init__(self, change: Any) -> None:
        self.transport = DemoTransport(make_organization(engineers=6, months=3), FIRST_NIGHT_UTC)
        self.change = change

    def send(self, operations: Sequence[Operation]) -> Answer:
        answer = self.transport.send(operations)
        return self.change(operations, answer)


def staffed(folder: Path) -> Night:
    """A night of the made-up organisation with its own roster, calendar and services."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in configuration_files(make_organization(engineers=6, months=3)).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Night(settings=load_settings(folder / "evenhand.toml"), environment={})


def staffed_again(folder: Path) -> Night:
    """Another night of the same folder, with its files as they are now."""
    return Night(settings=load_settings(folder / "evenhand.toml"), environment={})


def land_changed(night: Night, change: Any) -> Any:
    source = GitHubSource(transport=Broken(change), organizations=("acme",))
    manifest = nightly._land(night, Registered(source=source, record_types=RECORD_TYPES))
    nightly.land(night, "organization")
    return manifest


def build(night: Night) -> None:
    nightly.build_core(night)
    nightly.build_facts(night)
    nightly.build_trends(night)


def first_page_only_broken(operations: Sequence[Operation], answer: Answer) -> Answer:
    """The second page of one repository has no list."""
    if operations[0].name == "PullRequests" and operations[0].variables["after"] is not None:
        data = answer.data[0]
        assert data is not None
        data["repository"]["pullRequests"] = {"pageInfo": {"hasNextPage": True, "endCursor": "x"}}
    return answer


def test_a_malformed_page_ends_its_repository_with_a_gap_and_the_rest_stays(tmp_path: Path) -> None:
    night = staffed(tmp_path)
    manifest = land_changed(night, first_page_only_broken)
    assert manifest.gaps
    assert "a list of pull requests was wanted, found none" in manifest.gaps[0]
    assert "The pages before it are kept; the rest is missing." in manifest.gaps[0]
    assert "Not written because only half read: " in manifest.gaps[0]
    build(night)
    with connect(night.working_path) as connection:
        pulls = connection.execute("SELECT count(*) FROM core.pull_requests").fetchall()
        assert pulls[0][0] >= 40, "the first page, but for those whose nested lists go on"
        statuses = connection.execute(
            "SELECT status, count(*) > 0 FROM ops.completeness WHERE status = 'incomplete' GROUP BY status"
        ).fetchall()
        assert statuses == [("incomplete", True)]
        holes = connection.execute("SELECT DISTINCT hole, completeness FROM trends.periods").fetchall()
        assert ("source_gap", "incomplete") in holes
        found = connection.execute(
            "SELECT DISTINCT metric_id FROM trends.periods "
            "WHERE delta IS NOT NULL AND completeness = 'incomplete'"
        ).fetchall()
        assert found == []


def unknown_review_state(operations: Sequence[Operation], answer: Answer) -> Answer:
    """One review of one pull request has a state that nobody knows."""
    if operations[0].name == "PullRequests" and operations[0].variables["after"] is None:
        data = answer.data[0]
        assert data is not None
        listed = data["repository"]["pullRequests"]["nodes"]
        reviewed = [node for node in listed if node["reviews"]["nodes"]]
        if reviewed:
            reviewed[0]["reviews"]["nodes"][0]["state"] = "STAMPED"
    return answer


def test_an_unknown_word_is_quarantined_counted_and_makes_its_month_incomplete(tmp_path: Path) -> None:
    whole, night = night_of(tmp_path / "whole"), night_of(tmp_path / "changed")
    land_changed(whole, lambda _, answer: answer)
    manifest = land_changed(night, unknown_review_state)
    assert manifest.is_complete
    assert manifest.rows["rejected_records"] >= 1
    build(whole)
    build(night)
    with connect(whole.working_path) as connection:
        before = connection.execute("SELECT count(*) FROM core.reviews").fetchall()[0][0]
    with connect(night.working_path) as connection:
        after = connection.execute("SELECT count(*) FROM core.reviews").fetchall()[0][0]
        rejected = connection.execute(
            "SELECT stream, field, problem, message, is_lost FROM ops.rejected_records"
        ).fetchall()
        reasons = connection.execute(
            "SELECT DISTINCT reason FROM ops.completeness WHERE status = 'incomplete'"
        ).fetchall()
    assert after == before - len(rejected)
    assert set(rejected) == {
        (
            "reviews",
            "state",
            "unknown_value",
            "state is STAMPED; known: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED, PENDING. "
            "Left out alone; everything else on the page was kept.",
            True,
        )
    }
    assert reasons == [("records of this month were rejected (ops.rejected_records)",)]


# ------------------------------------------------------------------------------ whole runs, each made once


@pytest.fixture(scope="module")
def without_roster(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The folder of a run of an organisation with nobody in its roster, and what it said."""
    night, said = night_of(tmp_path_factory.mktemp("without")), list[str]()
    night.say = said.append
    assert run_nightly(night) is False  # nobody is in the roster, so nobody is claimed
    return night.settings.folder, said


@pytest.fixture(scope="module")
def with_roster(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """The folder of a run of an organisation with all its files, and the checks that did not pass."""
    night = staffed(tmp_path_factory.mktemp("with"))
    run_nightly(night)
    return night.settings.folder, {verdict.check.name for verdict in night.verdicts if not verdict.passed}


def copied(run: Path, folder: Path) -> Path:
    """The folder of a run, for a test that changes something in it."""
    shutil.copytree(run, folder, symlinks=True, dirs_exist_ok=True)
    return folder


def test_a_run_with_a_warning_publishes_and_says_so(without_roster: tuple[Path, list[str]]) -> None:
    folder, said = without_roster
    assert any(text.startswith("checks: WARNING core.accounts") for text in said)
    assert (night_of(folder).published_folder / "evenhand.duckdb").exists()


def test_a_failed_blocking_check_publishes_nothing_and_leaves_the_last(
    tmp_path: Path, without_roster: tuple[Path, list[str]]
) -> None:
    night = night_of(copied(without_roster[0], tmp_path))
    before = (night.published_folder / "current").readlink()
    build(night)
    with connect(night.working_path) as connection:
        connection.execute(
            "INSERT INTO core.reviews (review_id, pr_id, state) VALUES ('x', 'nowhere', 'APPROVED')"
        )
    job = build_definitions(night).resolve_job_def(JOB)
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(["ops", "checks"]), dg.AssetKey(["published", "evenhand"])],
        )
    night.close()
    failed = [e.check_name for e in result.get_asset_check_evaluations() if not e.passed]
    assert not result.success
    assert "core_reviews__pr_id_is_known" in failed
    assert (night.published_folder / "current").readlink() == before


def test_a_source_that_cannot_start_fails_without_waiting_and_says_what_to_do(tmp_path: Path) -> None:
    section = {"github": {"token": {"env": "NOT_SET"}, "organizations": ["acme"]}}
    night = night_of(tmp_path, sources=section)
    with pytest.raises(NightError) as caught:
        run_nightly(night)
    assert str(caught.value) == (
        'land_github failed: No token for source "github".\n'
        "  looked in: NOT_SET (unset), named by evenhand.toml [sources.github] token\n"
        "Nothing was published.\n"
        "Mend that and run it again; landed files stay."
    )


def test_a_file_that_cannot_be_read_leaves_the_last_good_one_in_use_and_is_a_warning_of_its_own(
    tmp_path: Path, with_roster: tuple[Path, set[str]]
) -> None:
    folder, good = with_roster
    night = staffed_again(copied(folder, tmp_path))
    people = "SELECT DISTINCT person_id FROM core.roster ORDER BY person_id"
    with connect_reading(night.published_folder / "evenhand.duckdb") as connection:
        before = connection.execute(people).fetchall()
    (tmp_path / "people.csv").write_text("person;name\n")
    said: list[str] = []
    night.say = said.append
    assert run_nightly(night) is False
    assert any(
        "the columns person,name,email" in text and "the last good one stays in use" in text for text in said
    )
    bad = {verdict.check.name for verdict in night.verdicts if not verdict.passed}
    assert bad - good == {"loads_have_no_gap"}
    with connect_reading(night.published_folder / "evenhand.duckdb") as connection:
        assert connection.execute(people).fetchall() == before
    assert len(before) > 5


def test_with_persons_off_no_case_names_anybody_and_team_cells_stay(
    tmp_path: Path, with_roster: tuple[Path, set[str]]
) -> None:
    cells = (
        "SELECT * FROM trends.periods WHERE subject_kind <> 'person' "
        "AND metric_id = 'rq_response_24h' ORDER BY ALL"
    )
    staffed(tmp_path)
    config = tmp_path / "evenhand.toml"
    config.write_text(config.read_text() + "\n[packets]\npersons = false\n")
    run_nightly(staffed_again(tmp_path))
    found = []
    for folder in (with_roster[0], tmp_path):
        night = staffed_again(folder)
        with connect_reading(night.published_folder / "evenhand.duckdb") as connection:
            found.append(connection.execute(cells).fetchall())
            names = [name for (name,) in connection.execute("SELECT person_id FROM core.people").fetchall()]
            cases = connection.execute("SELECT case_id, contributor_id FROM facts.rq_response_24h").fetchall()
    assert found[0] == found[1]
    assert len(cases) > 50
    assert {contributor for _, contributor in cases} == {None}
    assert not [case for case, _ in cases if any(name in case for name in names)]


def test_publishing_the_same_again_never_removes_what_is_current(
    tmp_path: Path, with_roster: tuple[Path, set[str]]
) -> None:
    night = staffed_again(copied(with_roster[0], tmp_path))
    before = (night.published_folder / "current").resolve()
    nightly.publish_database(night)
    assert (night.published_folder / "current").resolve() != before
    assert before.exists()


def test_pages_carry_the_server_s_time_and_nothing_of_this_machine(tmp_path: Path) -> None:
    transport = DemoTransport(make_organization(engineers=6, months=3), FIRST_NIGHT_UTC)
    source = GitHubSource(transport=transport, organizations=("acme",))
    times = {page.served_at_utc for page in source.pages() if isinstance(page, Page)}
    assert times == {datetime(2026, 7, 10, 2, tzinfo=UTC)}
