"""An account on the emulator, and stacks in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from private_analytics.stack import deploying, planning, settings, states, target, template

REGION = "eu-central-1"


SERVICES = ("cloudformation", "s3", "sts", "logs", "glue")


@dataclass
class Account:
    """An AWS account of its own: clients, and the environment for a command line."""

    endpoint: str
    number: str
    region: str = REGION
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id=self.number,
                aws_secret_access_key="local",  # noqa: S106
                config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
            )
        return self._clients[service]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.number,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": self.region,
        }

    def aws(self, around: Callable[[Any], Any] = lambda client: client) -> target.StackClients:
        return target.StackClients(*(around(self.client(service)) for service in SERVICES), pause=lambda: time.sleep(0.02))


def make_settings(folder: Path, stack: str = "shop", **parameters: str) -> settings.StackSettings:
    """Settings as a user writes them."""
    lines = [f"  {name}: {value!r}" for name, value in ({"FirstDay": "2026-10-01", "NamePrefix": stack} | parameters).items()]
    file = folder / f"{stack}.yaml"
    file.write_text("\n".join([f"Stack: {stack}", "Parameters:", *lines]))
    return settings.read(file, template.merge(template.read_parts())["Parameters"])


def deploy(aws: target.StackClients, wanted: Any, **how: bool) -> planning.DeployPlan:
    """As the command does."""
    goal = target.target(aws, wanted)
    if states.meaning(planning.status(aws, goal.stack)).can == "wait":
        deploying.wait(aws, goal.stack, lambda line: None)
    plan = planning.plan(aws, goal, keep=True, **how)
    if plan.change_set:
        deploying.execute(aws, goal, plan.change_set, lambda line: None)
    return plan


def resources(account: Account, stack: str = "shop") -> dict[str, dict]:
    pages = account.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return {item["LogicalResourceId"]: item for page in pages for item in page["StackResourceSummaries"]}
