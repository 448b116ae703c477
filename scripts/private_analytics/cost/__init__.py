"""Costs: an estimated monthly bill, and what a run on Athena scanned."""
