"""A presigned URL for an upload to S3: what it says, and copies of it with one thing changed."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from ...errors import UserError

ALGORITHMS = {"AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"}
# The objects that remain if S3 accepts what it should refuse. The keys are fixed, so that there is at most one of each.
OTHER_KEY, OTHER_PREFIX = "check-uploads-other-key.png", "check-uploads-other-prefix.png"


@dataclass(frozen=True)
class Upload:
    """An upload. repr() does not show the URL: it grants the right to write. headers: to be sent with it, in lower case."""

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
        """Seconds since 1970, like signed_at."""
        return self.signed_at + self.seconds

    @property
    def signed_headers(self) -> set[str]:
        return set(self.said["X-Amz-SignedHeaders"].split(";"))

    @property
    def key(self) -> str:
        return unquote(self.parts.path.removeprefix(f"{self._bucket}/"))

    @property
    def _bucket(self) -> str:
        """The bucket's part of the path; '' if the host name contains the bucket."""
        is_service = self.parts.netloc.startswith(("s3.", "s3-")) or _is_address(self.parts.hostname or "")
        return "/" + self.parts.path.split("/")[1] if is_service else ""

    def for_other_key(self) -> str:
        """The URL for another key in the same folder."""
        return self.parts._replace(path=f"{self.parts.path.rpartition('/')[0]}/{OTHER_KEY}").geturl()

    def for_other_prefix(self) -> str:
        """The URL for a key in the same bucket, in no folder."""
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
    """Read a presigned URL. Raises UserError if it is unsafe, or if S3 would not accept it."""
    try:
        parts = urlsplit(url)
        said = dict(parse_qsl(parts.query))
        signed_at = datetime.strptime(said["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        upload = Upload(parts, said, headers, signed_at, int(said["X-Amz-Expires"]))
    except (KeyError, ValueError):
        raise UserError("it is not signed with Signature Version 4") from None
    if said.get("X-Amz-Algorithm") not in ALGORITHMS or not said.keys() >= {"X-Amz-SignedHeaders", "X-Amz-Signature"}:
        raise UserError("it is not signed with Signature Version 4")
    if parts.scheme != "https":
        raise UserError("it does not begin with https://")
    return upload


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True
