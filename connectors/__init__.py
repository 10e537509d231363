"""Read the sources, and turn their pages into records.

Here: one folder per source (client, parser, records) and the contract they share.
Not here: files (warehouse), tables (transforms), the clock, the environment.
"""
