"""What may leave for a reader: the group rule (metrics specification 1.4) over tables of groups."""
