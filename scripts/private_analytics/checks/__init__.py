"""Checks that run on a schedule: each looks at one thing as it is now, and says what to do where it is not well."""
