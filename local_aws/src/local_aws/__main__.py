"""`local-aws`, or `python -m local_aws`: Athena on this machine, in the foreground, until Ctrl-C or SIGTERM."""

import argparse
import shlex
import signal
import sys
import threading
from importlib.metadata import version
from pathlib import Path

from local_aws.server import LocalAws
from local_aws.trino_server import TrinoError
from local_aws.workspace import DATA_BUCKET, DBT_PROFILE, RESULTS_BUCKET, create_buckets, write_dbt_profile


def _port(text: str) -> int:
    if not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return int(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="local-aws", description="Athena on this machine, until Ctrl-C.")
    parser.add_argument("--version", action="version", version=f"local-aws {version('local-aws')}")
    parser.add_argument("--port", type=_port, default=0, help="of 127.0.0.1; default: a free one")
    parser.add_argument("--region", default="us-east-1", help="the AWS region it stands for; default: %(default)s")
    parser.add_argument("--heap", default="2G", help="memory of the query engine; default: %(default)s")
    parser.add_argument("--dbt-profile", type=Path, metavar="DIR", help=f"write DIR/profiles.yml, with the profile {DBT_PROFILE}")
    return parser.parse_args()


def main() -> None:
    """Run until told to stop. Standard output is a shell script: what to export, once the server is ready."""
    options = _options()
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell may have started us with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        print("Starting ...", file=sys.stderr)
        with LocalAws(port=options.port, region=options.region, heap=options.heap) as aws:
            create_buckets(aws)
            print(f"# Ready at {aws.endpoint}, with the buckets {RESULTS_BUCKET} and {DATA_BUCKET}. In another terminal:")
            if options.dbt_profile:
                path = write_dbt_profile(options.dbt_profile, region=aws.region)
                print(f"# dbt build --profiles-dir {shlex.quote(str(path.parent))} --profile {DBT_PROFILE}")
            for name, value in aws.environment().items():
                print(f"export {name}={shlex.quote(value)}")
            sys.stdout.flush()
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    except TrinoError as error:
        sys.exit(f"local-aws: {error}")


if __name__ == "__main__":
    main()
