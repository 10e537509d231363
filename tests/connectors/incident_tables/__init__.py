"""Tests of the incident tables."""
