"""What GitHub answers, and what becomes of it."""
