"""What it costs: a month's bill by prices, and what a run on Athena scanned."""
