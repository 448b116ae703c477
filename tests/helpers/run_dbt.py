"""The dbt command, whose botocore parses each of its files once.

dbt-athena makes a session of boto3 for every node, and each session parses the list of all endpoints again: half of the time
that a dbt command here would compute.
"""

from functools import cache

from botocore.loaders import JSONFileLoader, Loader
from dbt.cli.main import cli


class ParseOnce(JSONFileLoader):
    """As a session of boto3 does for itself, but for all sessions of the process."""

    load_file = staticmethod(cache(JSONFileLoader().load_file))


Loader.FILE_LOADER_CLASS = ParseOnce

if __name__ == "__main__":
    cli()
