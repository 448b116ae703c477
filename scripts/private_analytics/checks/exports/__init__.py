"""`check exports`: whether the days of each log group arrive."""
