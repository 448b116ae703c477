"""`python -m local_aws`: AWS on this machine, in the foreground, until Ctrl-C or SIGTERM."""

import argparse
import os
import shlex
import signal
import sys
import threading

import boto3

from local_aws.server import LocalAws
from local_aws.trino_server import TrinoError

RESULTS_BUCKET = "athena-results"
DATA_BUCKET = "athena-data"


def _project_environment() -> dict[str, str]:
    """What this project's dbt profile reads."""
    return {
        "ANALYTICS_TARGET": "athena",
        "ATHENA_WORKGROUP": "primary",
        "ATHENA_RESULTS": f"s3://{RESULTS_BUCKET}/",
        "ATHENA_DATA": f"s3://{DATA_BUCKET}/",
    }


def _create_buckets(aws: LocalAws) -> None:
    os.environ.update(aws.environment())
    s3 = boto3.client("s3", region_name="us-east-1")  # anywhere else a bucket must be told where it is
    for bucket in (RESULTS_BUCKET, DATA_BUCKET):
        s3.create_bucket(Bucket=bucket)


def port(text: str) -> int:
    if not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return int(text)


def main() -> None:
    """Run until told to stop. Standard output is a shell script: what to export, once the server is ready."""
    parser = argparse.ArgumentParser(prog="python -m local_aws", description=__doc__)
    parser.add_argument("--port", type=port, default=0, help="of 127.0.0.1; default: a free one")
    parser.add_argument("--region", default="us-east-1", help="the AWS region it stands for; default: %(default)s")
    parser.add_argument("--heap", default="2G", help="memory of the query engine; default: %(default)s")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell may have started us with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    try:
        print("Starting ...", file=sys.stderr)
        with LocalAws(port=options.port, region=options.region, heap=options.heap) as aws:
            _create_buckets(aws)
            print(f"# Ready at {aws.endpoint}. Until Ctrl-C, for a client in another terminal:")
            for name, value in (aws.environment() | _project_environment()).items():
                print(f"export {name}={shlex.quote(value)}")
            sys.stdout.flush()
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    except TrinoError as error:
        sys.exit(f"local_aws: {error}")


if __name__ == "__main__":
    main()
