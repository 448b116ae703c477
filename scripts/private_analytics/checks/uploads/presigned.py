"""A presigned URL for an upload to S3: what it says, and the same with one thing changed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from ...errors import UserError

ALGORITHMS = {"AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"}
# What is left behind where something is let in that should not be: always these, so that there is one of each.
OTHER_KEY, OTHER_PREFIX = "check-uploads-other-key.png", "check-uploads-other-prefix.png"


@dataclass(frozen=True)
class Upload:
    """Whoever has the URL may write, so repr() does not show it. headers: what has to be sent with it, in lower case."""

    parts: SplitResult = field(repr=False)
    said: dict[str, str] = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    signed_at: float
    seconds: int

    @property
    def url(self) -> str:
        return self.parts.geturl()

    @property
    def expires_at(self) -> float:
        """Seconds since 1970, as signed_at."""
        return self.signed_at + self.seconds

    @property
    def signed_headers(self) -> set[str]:
        return set(self.said["X-Amz-SignedHeaders"].split(";"))

    @property
    def key(self) -> str:
        return unquote(self.parts.path.removeprefix(f"{self._bucket}/"))

    @property
    def _bucket(self) -> str:
        """The bucket's part of the path: nothing where the host is the bucket's own."""
        is_service = self.parts.netloc.startswith(("s3.", "s3-")) or _is_address(self.parts.hostname or "")
        return "/" + self.parts.path.split("/")[1] if is_service else ""

    def for_other_key(self) -> str:
        """Of the same folder."""
        return self.parts._replace(path=f"{self.parts.path.rpartition('/')[0]}/{OTHER_KEY}").geturl()

    def for_other_prefix(self) -> str:
        """Of the same bucket, in no folder."""
        return self.parts._replace(path=f"{self._bucket}/{OTHER_PREFIX}").geturl()

    def unsigned(self) -> str:
        return self.parts._replace(query="").geturl()

    def with_changed_signature(self) -> str:
        signature = self.said["X-Amz-Signature"]
        return self._saying("X-Amz-Signature", signature[:-1] + ("0" if signature[-1:] != "0" else "1"))

    def with_more_time(self) -> str:
        return self._saying("X-Amz-Expires", str(self.seconds + 60))

    def without_tls(self) -> str:
        return self.parts._replace(scheme="http").geturl()

    def _saying(self, name: str, value: str) -> str:
        return self.parts._replace(query=urlencode(self.said | {name: value})).geturl()


def read(url: str, headers: dict[str, str]) -> Upload:
    """Raises UserError for a URL that nobody should use, or that S3 would not take."""
    try:
        parts = urlsplit(url)
        said = dict(parse_qsl(parts.query))
        signed_at = datetime.strptime(said["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        upload = Upload(parts, said, headers, signed_at, int(said["X-Amz-Expires"]))
    except (KeyError, ValueError):
        raise UserError("it is no URL that is signed with Signature Version 4") from None
    if said.get("X-Amz-Algorithm") not in ALGORITHMS or not said.keys() >= {"X-Amz-SignedHeaders", "X-Amz-Signature"}:
        raise UserError("it is no URL that is signed with Signature Version 4")
    if parts.scheme != "https":
        raise UserError("it does not begin with https://")
    return upload


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
