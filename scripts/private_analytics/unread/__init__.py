"""What the lines of the last days seem to hold and was not read. `check events` and the report say the same about it."""
