"""The organisation's own files: who is where, which days do not count, who owns which service."""
