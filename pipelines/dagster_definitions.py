"""What ``dagster dev -m pipelines.dagster_definitions`` loads: the configuration found from here."""

import os

from pipelines.definitions import definitions_from_here
from warehouse.storage import PRIVATE

os.umask(PRIVATE)
defs = definitions_from_here()
