"""What a new server gets for its users: two buckets, a place for results, and a dbt profile."""

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, cast

import boto3

from local_aws import clients

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import BucketLocationConstraintType

    from local_aws.server import LocalAws

RESULTS_BUCKET = "athena-results"
DATA_BUCKET = "athena-data"
DBT_PROFILE = "local_aws"

_PROFILE = Template("""\
# Any AWS credentials will do. The environment says where AWS is: AWS_ENDPOINT_URL.
$profile:
  target: athena
  outputs:
    athena:
      type: athena
      region_name: $region
      database: awsdatacatalog
      schema: $schema
      s3_staging_dir: s3://$results/
      s3_data_dir: s3://$data/
      poll_interval: 0.1
      threads: 4
""")


def create_buckets(aws: "LocalAws") -> None:
    """Make the buckets RESULTS_BUCKET and DATA_BUCKET."""
    s3 = boto3.client("s3", **clients.settings(aws.endpoint, aws.region))
    for bucket in (RESULTS_BUCKET, DATA_BUCKET):
        if aws.region == "us-east-1":  # anywhere else a bucket must be told where it is
            s3.create_bucket(Bucket=bucket)
        else:
            s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cast("BucketLocationConstraintType", aws.region)}
            )


def write_dbt_profile(directory: Path, *, region: str, schema: str = "dbt") -> Path:
    """Write profiles.yml with the profile DBT_PROFILE into a directory, which is made if need be; its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "profiles.yml"
    path.write_text(
        _PROFILE.substitute(profile=DBT_PROFILE, region=region, schema=schema, results=RESULTS_BUCKET, data=DATA_BUCKET)
    )
    return path
