"""The default made-up organisation, made once for all tests that only look at it."""

import pytest

from connectors.demo import FIRST_NIGHT_UTC, DemoTransport, make_organization
from connectors.github.transport import Json
from tests.connectors.demo.reading import World, make_world, read_everything


@pytest.fixture(scope="session")
def world() -> World:
    return make_world(make_organization())


@pytest.fixture(scope="session")
def first_night(world: World) -> DemoTransport:
    return DemoTransport(world.organization, FIRST_NIGHT_UTC)


@pytest.fixture(scope="session")
def seen(first_night: DemoTransport) -> dict[str, Json]:
    """Everything that can be read in the first night, by node id."""
    return read_everything(first_night)
