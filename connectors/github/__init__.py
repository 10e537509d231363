"""GitHub: repositories, pull requests, reviews, review threads and request events."""
