"""Private Analytics Layer: analytics over API logs that never leave your own account."""

__version__ = "0.2.0"
