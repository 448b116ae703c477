"""`check uploads`: whether the URL that the API returns lets its holder write one picture, and nothing else."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import TYPE_CHECKING

import urllib3

from ...errors import UserError
from ..canary import Canary, CanarySettings, sign_in
from ..results import FAILED, OK, UNKNOWN, Result
from . import presigned
from .endpoint import API, S3, Answer, Endpoint, ask
from .presigned import Upload

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.client import CognitoIdentityProviderClient

TYPE, OTHER_TYPE = "image/png", "text/plain"
PICTURE = base64.b64decode(  # of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR42mNgAAAAAgAB5Sfe/AAAAABJRU5ErkJggg=="
)
CLOCK_S = 1  # S3 tells its time in whole seconds
REFUSED, REFUSED_SIZE = {401, 403}, {400, 403, 413, 422}  # by the API

NO_TOKEN, URL, UPLOAD = "no token", "url", "upload"
OTHER_TYPE_LINE, LARGER, EXPIRED = "other content type", "larger than allowed", "expired"
_VERIFY = "S3 verifies this itself: return URLs of the bucket, not of a proxy or of an S3-compatible store."
ADVICE = {
    NO_TOKEN: "Attach the authorizer to this endpoint: it grants the right to write.",
    URL: "Compare UPLOADS_URL, UPLOADS_METHOD, UPLOADS_BODY and UPLOADS_URL_AT with what the API expects and answers.",
    UPLOAD: "Compare what is signed with what must be sent. The role that signs needs s3:PutObject and the bucket's region.",
    "other key": _VERIFY,
    "other prefix": _VERIFY,
    OTHER_TYPE_LINE: "Sign the content type (ContentType): otherwise a URL lets its holder upload a web page.",
    "other method": _VERIFY,
    "no signature": "Turn on Block Public Access for the bucket, and remove public write access from its policy.",
    "changed signature": _VERIFY,
    "http": "In the bucket policy, deny s3:* if aws:SecureTransport is false.",
    LARGER: "Make the API refuse more than UPLOADS_MAX_BYTES, and sign the size (ContentLength).",
    EXPIRED: _VERIFY,
}
NEITHER = {
    API: "Make the API answer 401 without a token, and 400 if the size is too large.",
    S3: "Find out what answers there: S3 refuses with 403.",
}


def check(
    cognito: CognitoIdentityProviderClient,
    http: urllib3.PoolManager,
    settings: CanarySettings,
    endpoint: Endpoint,
    canary: Canary,
    wait: Callable[[float], None],
) -> list[Result]:
    """A result for each of names(endpoint). Raises UserError if the canary gets no token."""
    token = sign_in(cognito, settings.client_id, canary)[settings.token_use]
    found = [_refused(NO_TOKEN, [endpoint.ask(http, "", len(PICTURE))], REFUSED)]
    result, upload = _url(endpoint, endpoint.ask(http, token, len(PICTURE)))
    found.append(result)
    if not upload:
        return found + unknown("there is no URL to try", names(endpoint)[2:])
    send = partial(_send, http, upload)
    first = send()
    found.append(_taken(first))
    if not first.is_let_in:
        return found + unknown("the upload itself is refused, so other refusals prove nothing", names(endpoint)[3:])
    attempts = {
        "other key": [send(upload.for_other_key())],
        "other prefix": [send(upload.for_other_prefix())],
        OTHER_TYPE_LINE: [send(type_=OTHER_TYPE)],
        "other method": [send(method=method) for method in ("GET", "HEAD", "POST", "DELETE")],
        "no signature": [send(upload.unsigned(), method=method) for method in ("PUT", "DELETE")],
        "changed signature": [send(url) for url in (upload.with_changed_signature(), upload.with_more_time())],
        "http": [send(upload.without_tls())],
    }
    if endpoint.max_bytes:
        attempts[LARGER] = [endpoint.ask(http, token, endpoint.max_bytes + 1), send(body=PICTURE + b"\n")]
    found += [_refused(name, answers, REFUSED_SIZE) for name, answers in attempts.items()]
    if upload.seconds > endpoint.longest_s:
        return [*found, Result(EXPIRED, UNKNOWN, f"the check does not wait longer than {endpoint.longest_s:.0f} s")]
    wait(max(0, upload.expires_at + CLOCK_S - first.at))
    return [*found, _expired(send())]


def names(endpoint: Endpoint) -> list[str]:
    """The lines of the check: `larger than allowed` only if a limit is set."""
    return [name for name in ADVICE if name != LARGER or endpoint.max_bytes]


def unknown(why: str, which: Iterable[str]) -> list[Result]:
    """The results if nothing could be checked: unknown."""
    return [Result(name, UNKNOWN, why) for name in which]


def _url(endpoint: Endpoint, answer: Answer) -> tuple[Result, Upload | None]:
    """The result for the URL, and the URL if it can be tried."""
    if answer.silence:
        return Result(URL, UNKNOWN, answer.silence), None
    if not answer.is_let_in:
        return Result(URL, FAILED, f"the API does not return a URL ({answer})", ADVICE[URL]), None
    try:
        upload = presigned.read(*endpoint.url_and_headers(answer))
    except UserError as error:
        return Result(URL, FAILED, str(error), ADVICE[URL]), None
    if faults := _faults(endpoint, upload):
        return Result(URL, FAILED, "; ".join(faults), " ".join(faults.values())), upload
    return Result(URL, OK, f"for {upload.parts.netloc}, valid for {upload.seconds} s, content type signed"), upload


def _faults(endpoint: Endpoint, upload: Upload) -> dict[str, str]:
    """What is wrong -> what to do."""
    faults = {}
    if upload.seconds > endpoint.longest_s:
        advice = f"Sign for at most {endpoint.longest_s:.0f} s, or set upload_url_seconds in dbt_project.yml."
        faults[f"valid for {upload.seconds} s, longer than {endpoint.longest_s:.0f} s"] = advice
    if "content-type" not in upload.signed_headers:
        faults["the content type is not signed"] = ADVICE[OTHER_TYPE_LINE]
    if not upload.key.startswith(f"{endpoint.prefix}/"):
        faults[f"its key is not below {endpoint.prefix}/"] = "Sign only keys below one prefix, and set UPLOADS_PREFIX to it."
    return faults


def _send(
    http: urllib3.PoolManager, upload: Upload, url: str = "", method: str = "PUT", body: bytes = PICTURE, type_: str = ""
) -> Answer:
    """Send the upload as intended, except for what is given."""
    headers = {"content-type": TYPE} | upload.headers | ({"content-type": type_} if type_ else {})
    return ask(http, S3, method, url or upload.url, headers, body if method in ("PUT", "POST") else None)


def _taken(answer: Answer) -> Result:
    if answer.silence:
        return Result(UPLOAD, UNKNOWN, answer.silence)
    if answer.is_let_in:
        return Result(UPLOAD, OK, f"accepted ({answer})")
    return Result(UPLOAD, FAILED, f"not accepted ({answer})", ADVICE[UPLOAD])


def _refused(name: str, answers: list[Answer], by_api: Collection[int]) -> Result:
    """The worst of all answers counts."""
    for answer in answers:
        if answer.is_let_in:
            return Result(name, FAILED, f"accepted by {answer.of} ({answer})", ADVICE[name])
    for answer in answers:
        refused = answer.status in by_api if answer.of == API else answer.is_refused_by_s3
        if not refused and not answer.silence:
            return Result(name, FAILED, f"neither accepted nor refused by {answer.of} ({answer})", NEITHER[answer.of])
    for answer in answers:
        if answer.silence:
            return Result(name, UNKNOWN, answer.silence)
        if answer.has_expired:
            return Result(name, UNKNOWN, "the URL expired before this could be tried")
    return Result(name, OK, f"refused ({answers[-1]})")


def _expired(answer: Answer) -> Result:
    if answer.has_expired:
        return Result(EXPIRED, OK, f"refused ({answer}: Request has expired)")
    if answer.is_refused_by_s3:
        return Result(EXPIRED, UNKNOWN, f"refused, but not because it has expired ({answer})")
    return _refused(EXPIRED, [answer], REFUSED)
