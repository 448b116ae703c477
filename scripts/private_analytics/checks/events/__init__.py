"""`check events`: whether the lines of the last days became events that have their fields."""
