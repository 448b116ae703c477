"""What boto3 clients of the server are made with, here and by its users."""

from typing import TypedDict

from botocore.config import Config

KEY_ID, SECRET = "local", "local"  # any will do


class Settings(TypedDict):
    """Keywords of boto3.client."""

    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str
    config: Config


def settings(endpoint: str, region: str) -> Settings:
    """Keywords for a client of the server, whatever the environment says of proxies and credentials."""
    config = Config(proxies={}, max_pool_connections=50, s3={"addressing_style": "path"})
    return Settings(
        endpoint_url=endpoint, region_name=region, aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET, config=config
    )
