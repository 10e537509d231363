"""Tests of the PagerDuty source."""
