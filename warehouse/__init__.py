"""Landing files, journals, connections and the published file."""
