"""The organisation's own files, good ones and bad ones."""
