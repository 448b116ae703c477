"""A stack that is deployed on the emulator, the AWS around it that the emulator lacks, and how somebody breaks it by hand."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from helpers.iam import Iam, Simulator, read
from helpers.stack_account import Account
from private_analytics.checks.access import stack
from private_analytics.checks.access.check import AccessClients, check
from private_analytics.checks.results import Result

SERVICES = ("cloudformation", "s3", "cloudfront", "iam", "lambda", "codebuild")


class Strangers(BaseHTTPRequestHandler):
    """S3 as those see it who have no credentials: refused, or as `answers` says of list, read and write."""

    answers: ClassVar[dict[str, int]] = {}
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self._answer("read" if "/" in self.path.split("?")[0].strip("/") else "list")

    def do_PUT(self) -> None:
        digest = hashlib.md5(self.rfile.read(int(self.headers["Content-Length"]))).digest()  # noqa: S324
        assert self.headers["Content-MD5"] != base64.b64encode(digest).decode(), "this could have been written"
        self._answer("write")

    def _answer(self, what: str) -> None:
        assert "Authorization" not in self.headers
        self.seen.append(self.path)
        status = self.answers.get(what, 403)
        body = b"" if status == 200 else f"<Error><Code>C{status}</Code><Message>m</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@dataclass
class World:
    """A stack that is deployed, and AWS around it. What a test breaks, it puts into `mending`."""

    account: Account
    simulator: Simulator
    strangers: Any
    iam: Iam | None = None
    denied: set[str] = field(default_factory=set)
    before_each: Callable[[str, dict], Any] | None = None
    mending: list[Callable[[], Any]] = field(default_factory=list)

    def client(self, service: str) -> Any:
        return self.account.client(service)

    def look(self) -> dict[str, Result]:
        self.iam = read(self.simulator, self.account, "shop", [])
        return {line.name: line for line in check(self.aws(), "shop")}

    def aws(self) -> AccessClients:
        cloudformation, s3, *others = (self.client(service) for service in SERVICES)
        return AccessClients(cloudformation, s3, self.strangers, *others)

    def __post_init__(self) -> None:
        """What is denied is refused, and what the emulator lacks is answered here."""
        for service in SERVICES:
            self.client(service).meta.events.register_first("before-parameter-build", self._refuse)
        self._answer("s3", "GetBucketPolicyStatus", lambda asked: self.policy_status(asked["Bucket"]))
        self._answer("iam", "SimulatePrincipalPolicy", lambda asked: self.iam.simulated(asked))

    def _refuse(self, model: Any, params: dict, **_: Any) -> None:
        if model.name in self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, model.name)
        if self.before_each:
            self.before_each(model.name, params)

    def _answer(self, service: str, operation: str, answer: Callable[[dict], dict]) -> None:
        """Checked by boto3 as any call, but answered here."""
        events = self.client(service).meta.events
        ok = SimpleNamespace(status_code=200)
        events.register(f"provide-client-params.{service}.{operation}", lambda params, context, **_: context.update(asked=params))
        events.register(f"before-call.{service}.{operation}", lambda context, **_: (ok, answer(context["asked"])))

    def policy_status(self, bucket: str) -> dict:
        """As S3's guide says what is public, as far as the policies here go."""
        statements = json.loads(self.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
        is_public = any(s["Effect"] == "Allow" and s.get("Principal", "*") == "*" for s in statements)
        return {"PolicyStatus": {"IsPublic": is_public}}


Break = Callable[[World], None]


def setting(name: str, bucket: str, change: Callable[[Any, str], Any]) -> Break:
    """A bucket's setting is changed by a call, and put back afterwards. name: what get_ and put_ call it."""

    def broken(world: World) -> None:
        s3 = world.client("s3")
        before = {key: value for key, value in getattr(s3, f"get_{name}")(Bucket=bucket).items() if key != "ResponseMetadata"}
        change(s3, bucket)
        if name == "bucket_versioning":
            before = {"VersioningConfiguration": before}
        world.mending.append(lambda: getattr(s3, f"put_{name}")(Bucket=bucket, **before))

    return broken


def policy(bucket: str, change: Callable[[list[dict]], None]) -> Break:
    """`change` is given the statements of the bucket's policy."""

    def change_it(s3: Any, name: str) -> None:
        whole = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
        change(whole["Statement"])
        s3.put_bucket_policy(Bucket=name, Policy=json.dumps(whole))

    return setting("bucket_policy", bucket, change_it)


def with_statement(bucket: str, **statement: Any) -> Break:
    whole = {"Effect": "Allow", "Resource": f"arn:aws:s3:::{bucket}/*"} | statement
    return policy(bucket, lambda statements: statements.append(whole))


def sid(statements: list[dict], name: str) -> dict:
    return next(statement for statement in statements if statement["Sid"] == name)


def without(name: str) -> Callable[[list[dict]], None]:
    return lambda statements: statements.remove(sid(statements, name))


def blocks(**values: bool) -> Callable[[Any, str], Any]:
    every = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    return lambda s3, bucket: s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=every | values)


def encrypted(algorithm: str, **key: str) -> Callable[[Any, str], Any]:
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm} | key}]
    return lambda s3, bucket: s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def suspended(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def owned(s3: Any, bucket: str) -> None:
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})


def readers(bucket: str, change: Callable[[list[str]], None]) -> Break:
    return policy(bucket, lambda s: change(sid(s, "OnlyNamedReaders")["Condition"]["ArnNotLike"]["aws:PrincipalArn"]))


def origins(change: Callable[[list[dict]], None]) -> Break:
    """`change` is given the origins of the distribution."""

    def broken(world: World) -> None:
        cloudfront = world.client("cloudfront")
        found = cloudfront.list_distributions()["DistributionList"]["Items"][0]["Id"]

        def put(config: dict) -> None:
            now = cloudfront.get_distribution_config(Id=found)["ETag"]
            cloudfront.update_distribution(Id=found, IfMatch=now, DistributionConfig=config)

        before = cloudfront.get_distribution_config(Id=found)["DistributionConfig"]
        changed = json.loads(json.dumps(before))
        change(changed["Origins"]["Items"])
        changed["Origins"]["Quantity"] = len(changed["Origins"]["Items"])
        put(changed)
        world.mending.append(lambda: put(before))

    return broken


def by_hand(role: str, effect: str, action: str, resource: str) -> Break:
    """Somebody puts a policy of their own on a role."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource}]}

    def broken(world: World) -> None:
        iam = world.client("iam")
        name = stack.read(world.client("cloudformation"), "shop").ids[role]
        iam.put_role_policy(RoleName=name, PolicyName="by-hand", PolicyDocument=json.dumps(document))
        world.mending.append(lambda: iam.delete_role_policy(RoleName=name, PolicyName="by-hand"))

    return broken


def exporters(**variables: str) -> Break:
    def broken(world: World) -> None:
        function = world.client("lambda")
        before = function.get_function_configuration(FunctionName="shop-exporter")["Environment"]
        changed = {"Variables": before["Variables"] | variables}
        function.update_function_configuration(FunctionName="shop-exporter", Environment=changed)
        world.mending.append(lambda: function.update_function_configuration(FunctionName="shop-exporter", Environment=before))

    return broken


def transforms(kind: str = "PLAINTEXT", **variables: str) -> Break:
    def broken(world: World) -> None:
        builds = world.client("codebuild")
        before = builds.batch_get_projects(names=["shop-transform"])["projects"][0]["environment"]
        kept = [item for item in before["environmentVariables"] if item["name"] not in variables]
        added = [{"name": name, "value": value, "type": kind} for name, value in variables.items()]
        builds.update_project(name="shop-transform", environment=before | {"environmentVariables": kept + added})
        world.mending.append(lambda: builds.update_project(name="shop-transform", environment=before))

    return broken
