"""What ``dagster dev -m pipelines.dagster_definitions`` loads: the configuration found from here."""

from pipelines.definitions import definitions_from_here

defs = definitions_from_here()
