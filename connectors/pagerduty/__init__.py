"""PagerDuty: incidents with their history, schedules, services, escalation policies, users."""
