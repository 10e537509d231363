"""Running things: settings, the nightly job, checks, the command line. The only importer of dagster."""
