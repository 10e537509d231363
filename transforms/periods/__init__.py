"""Months and quarters: cells of cases, with intervals, states, holes, differences and disclosure."""
