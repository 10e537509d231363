"""Jira, Cloud and Data Center.

Here: reading it (``client``, ``http``), its pages as records (``parse``, ``records``), and the words that say
what a ticket is (``conventions``).
Not here: what a ticket means to a metric (transforms).
"""
