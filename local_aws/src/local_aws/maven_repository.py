"""Files from a Maven repository without Maven: which repository the user means, and a download that can go on."""

import base64
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

VARIABLE = "LOCAL_AWS_MAVEN_REPOSITORY"
ATTEMPTS = 5
TIMEOUT_SECONDS = 60
BLOCK = 1 << 20


class DownloadError(Exception):
    """A file could not be had. The message is one line and says what to do."""


@dataclass(frozen=True)
class Repository:
    """A repository's URL, and the user and password if it wants any."""

    url: str
    login: tuple[str, str] | None = None


# --- which --------------------------------------------------------------------------------------------------------------


def find(*, settings: bool) -> Repository | None:
    """The repository that $LOCAL_AWS_MAVEN_REPOSITORY names, else, with `settings`, the first one in ~/.m2/settings.xml."""
    if url := os.environ.get(VARIABLE):
        parts = urlsplit(url)
        login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        return Repository(_shown(url), login)
    path = Path("~/.m2/settings.xml").expanduser()
    return _of_settings(path) if settings and path.is_file() else None


def _of_settings(path: Path) -> Repository | None:
    """A mirror of Maven Central, or else the first repository of a profile. Raises DownloadError."""
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 (the user's own file)
    except ElementTree.ParseError as error:
        raise DownloadError(f"{path} is no XML ({error}): correct it, or set {VARIABLE}") from None
    mirrors = [mirror for mirror in root.iterfind(".//{*}mirror") if _mirrors_central(_text(mirror, "mirrorOf"))]
    for element in (*mirrors, *root.iterfind(".//{*}profile/{*}repositories/{*}repository")):
        if url := _text(element, "url"):
            return Repository(url, _login(root, _text(element, "id")))
    return None


def _mirrors_central(pattern: str) -> bool:
    names = [name.strip() for name in pattern.split(",")]
    return "!central" not in names and bool({"*", "external:*", "central"} & set(names))


def _login(root: ElementTree.Element, id_: str) -> tuple[str, str] | None:
    for server in root.iterfind(".//{*}server"):
        if _text(server, "id") == id_ and _text(server, "username"):
            return _text(server, "username"), _text(server, "password")
    return None


def _text(element: ElementTree.Element, name: str) -> str:
    """The text of a child, in which ${env.NAME} stands for a variable of the environment."""
    text = (element.findtext(f"{{*}}{name}") or "").strip()
    return re.sub(r"\$\{env\.(\w+)\}", lambda match: os.environ.get(match[1], ""), text)


# --- downloading --------------------------------------------------------------------------------------------------------


def download(repository: Repository, path: str, target: Path, size: int, progress: Callable[[str], None]) -> None:
    """Fetch a file of `size` bytes into `target`, from where an earlier attempt or run stopped. Raises DownloadError."""
    url = f"{repository.url.rstrip('/')}/{path}"
    part = target.with_name(f"{target.name}.part")
    progress(f"Fetching {target.name} ({size // 1_000_000} MB, once) from {url}")
    cause: Exception | str = ""
    failures = 0
    while (have := part.stat().st_size if part.exists() else 0) < size:
        try:
            _go_on(repository, url, part, have, size, progress)
            cause = "the connection ended early"
        except urllib.error.HTTPError as error:
            if error.code < 500:
                part.unlink(missing_ok=True)
                raise DownloadError(
                    f"{url}: HTTP {error.code} {error.reason}. Set {VARIABLE} to a repository that has it"
                ) from None
            cause = error
        except (OSError, http.client.HTTPException) as error:
            cause = error
        failures = 0 if part.exists() and part.stat().st_size > have else failures + 1
        if failures >= ATTEMPTS:
            raise DownloadError(f"{url} could not be fetched: {cause}; what has come is kept, so try again")
    part.replace(target)


def _go_on(repository: Repository, url: str, part: Path, have: int, size: int, progress: Callable[[str], None]) -> None:
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 (the user's own URL)
    if repository.login:
        token = base64.b64encode(":".join(repository.login).encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        if answer.status != 206:  # the server does not know Range: all of it comes again
            have = 0
        with part.open("ab" if have else "wb") as file:
            while block := answer.read(BLOCK):
                file.write(block)
                tenths, have = have * 10 // size, have + len(block)
                if have * 10 // size > tenths:
                    progress(f"  {have * 100 // size} %")


def _shown(url: str) -> str:
    """The URL without a password."""
    return re.sub(r"//[^/@]*@", "//", url)
