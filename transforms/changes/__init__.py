"""What may be said of change: monthly trends, a quarter against its past, the usual range."""
