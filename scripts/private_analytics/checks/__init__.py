"""Checks that run on a schedule. Each looks at the present state of one thing, and says what to do if something is wrong."""
