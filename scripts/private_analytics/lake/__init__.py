"""Logs on this machine, as a lake that the models can read."""
