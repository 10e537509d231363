"""Tables in, tables out: core, facts, periods, disclosure. No page, no clock, no environment."""
