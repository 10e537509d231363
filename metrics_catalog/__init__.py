"""What is measured: one folder per metric, the tables others rely on, and the guard."""
