"""Getting Trino, by Maven and without it: what is not the published file is refused, and what came is not fetched again."""

import base64
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local_aws import maven_repository, trino_install
from local_aws.trino_install import VERSION, Artifact, TrinoError, install

Maven = Callable[[str], None]


def archives() -> dict[str, bytes]:
    """Small archives like the real ones, by the names of their artifacts."""
    core = io.BytesIO()
    with tarfile.open(fileobj=core, mode="w:gz") as archive:
        for name in ("lib/main.jar", "plugin/other/a.jar", "bin/launcher"):
            member = tarfile.TarInfo(f"trino-server-core-{VERSION}/{name}")
            member.size = 3
            archive.addfile(member, io.BytesIO(b"jar"))
    plugin = io.BytesIO()
    with zipfile.ZipFile(plugin, "w") as jar:
        jar.writestr(f"trino-iceberg-{VERSION}/own.jar", "jar")
    return {"CORE": core.getvalue(), "PLUGIN": plugin.getvalue()}


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The files that count as published, by name."""
    files = {}
    for name, content in archives().items():
        artifact: Artifact = replace(getattr(trino_install, name), size=len(content), sha256=hashlib.sha256(content).hexdigest())
        monkeypatch.setattr(trino_install, name, artifact)
        files[artifact.file_name] = content
    return files


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory without settings for Maven, on a machine without Maven."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(maven_repository.VARIABLE, raising=False)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setattr(trino_install.shutil, "which", lambda name: str(programs / name) if (programs / name).exists() else None)
    return tmp_path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def maven(home: Path) -> Maven:
    """Puts a script in mvn's place. In it, $directory is where the file belongs, and $file its name."""

    def put(script: str) -> None:
        mvn = home / "bin" / "mvn"
        mvn.write_text(f"""#!/bin/sh
            for word; do case $word in
              -DoutputDirectory=*) directory=${{word#*=}};;
              -Dartifact=io.trino:*) IFS=: read -r _ name version packaging <<END
${{word#*=}}
END
                file=$name-$version.$packaging;;
            esac; done
            {script}""")
        mvn.chmod(0o755)

    return put


@dataclass
class Repository:
    """A Maven repository on loopback."""

    url: str
    files: dict[str, bytes]
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # path and Range
    breaks_after: int | None = None  # bytes of an answer
    login: str | None = None


@pytest.fixture
def repository(published: dict[str, bytes]) -> Iterator[Repository]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            repository.asked.append((self.path, self.headers["Range"]))
            content = repository.files.get(self.path.rpartition("/")[2])
            if content is None or (repository.login and self.headers["Authorization"] != repository.login):
                self.send_error(404 if content is None else 401)
                return
            start = int((self.headers["Range"] or "bytes=0-")[6:-1])
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:][: repository.breaks_after])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        repository = Repository(f"http://127.0.0.1:{server.server_port}/maven2", dict(published))
        threading.Thread(target=server.serve_forever).start()
        yield repository
        server.shutdown()


def left_in(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()} - {".lock"}


def jars(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


INSTALLED = ["lib/main.jar", "plugin/iceberg/hive-services.jar", "plugin/iceberg/own.jar"]


# --- with Maven ---------------------------------------------------------------------------------------------------------


def test_neither_maven_nor_a_repository(cache: Path) -> None:
    with pytest.raises(TrinoError, match=r"install Maven .*, or set LOCAL_AWS_MAVEN_REPOSITORY to a repository's URL$"):
        install(cache, print)
    assert not left_in(cache)


def test_maven_s_own_error_is_passed_on(cache: Path, maven: Maven) -> None:
    maven("echo '[INFO] Scanning'; echo '[ERROR] Unknown host repo.example'; echo '[ERROR] To see more ...'; exit 1")
    with pytest.raises(TrinoError, match=r"Unknown host repo\.example$"):
        install(cache, print)
    assert not left_in(cache)


def test_a_damaged_file_of_maven_is_refused(cache: Path, maven: Maven) -> None:
    maven('echo damaged > "$directory/$file"')
    with pytest.raises(TrinoError, match=r"is not the published one .* delete io/trino/trino-server-core/\d+ from Maven's"):
        install(cache, print)
    assert not left_in(cache)


def test_two_installs_at_once_after_one_that_was_killed(
    cache: Path, maven: Maven, tmp_path: Path, published: dict[str, bytes]
) -> None:
    for name, content in published.items():
        (tmp_path / name).write_bytes(content)
    maven(f'echo run >> "{tmp_path}/runs"; sleep 1; cp "{tmp_path}/$file" "$directory/$file"')
    (cache / ".unpack-killed" / "plugin").mkdir(parents=True)
    both_ready = threading.Barrier(2)

    def install_with_the_other(_: int) -> Path:
        both_ready.wait()
        return install(cache, print)

    with ThreadPoolExecutor(2) as pool:
        (home,) = set(pool.map(install_with_the_other, range(2)))

    assert left_in(cache) == {home.name}
    assert (tmp_path / "runs").read_text() == "run\n" * 2  # one for each file
    assert jars(home) == INSTALLED


# --- without Maven ------------------------------------------------------------------------------------------------------


def test_from_the_repository_of_the_environment(
    cache: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch, maven: Maven
) -> None:
    maven("exit 1")  # which is not asked
    monkeypatch.setenv(maven_repository.VARIABLE, f"{repository.url}/")
    said: list[str] = []
    assert jars(install(cache, said.append)) == INSTALLED
    assert [path for path, _ in repository.asked] == [
        f"/maven2/io/trino/trino-server-core/{VERSION}/trino-server-core-{VERSION}.tar.gz",
        f"/maven2/io/trino/trino-iceberg/{VERSION}/trino-iceberg-{VERSION}.zip",
    ]
    assert "  100 %" in said
    assert left_in(cache) == {f"trino-{VERSION}"}


SETTINGS = {
    "a mirror": "<mirrors>{other}<mirror><id>m</id><mirrorOf>*,!internal</mirrorOf><url>{url}</url></mirror></mirrors>",
    "a profile": "<mirrors>{other}</mirrors><profiles><profile><repositories><repository><id>m</id><url>{url}</url>"
    "</repository></repositories></profile></profiles>",
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_from_the_repository_of_mavens_settings(
    kind: str, cache: Path, repository: Repository, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAVEN_PASSWORD", "secret")
    repository.login = f"Basic {base64.b64encode(b'me:secret').decode()}"
    other = "<mirror><id>x</id><mirrorOf>internal</mirrorOf><url>http://nowhere.invalid</url></mirror>"
    servers = "<servers><server><id>m</id><username>me</username><password>${env.MAVEN_PASSWORD}</password></server></servers>"
    (home / ".m2").mkdir()
    (home / ".m2" / "settings.xml").write_text(
        f'<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0">{servers}'
        f"{SETTINGS[kind].format(url=repository.url, other=other)}</settings>"
    )
    assert jars(install(cache, print)) == INSTALLED


def test_a_download_goes_on_where_it_broke_off(cache: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(maven_repository.VARIABLE, repository.url)
    repository.breaks_after = 100
    assert jars(install(cache, print)) == INSTALLED
    assert [where for _, where in repository.asked][:2] == [None, "bytes=100-"]


def test_a_later_run_goes_on_too(cache: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(maven_repository.VARIABLE, repository.url)
    whole = repository.files
    repository.files = {name: content[:50] for name, content in whole.items()}
    with pytest.raises(TrinoError, match=r"could not be fetched: .*; what has come is kept, so try again$"):
        install(cache, print)
    repository.files = whole
    repository.asked.clear()
    assert jars(install(cache, print)) == INSTALLED
    assert repository.asked[0][1] == "bytes=50-"


def test_a_forged_file_is_refused_and_not_kept(cache: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(maven_repository.VARIABLE, repository.url)
    repository.files = {name: bytes(len(content)) for name, content in repository.files.items()}
    with pytest.raises(TrinoError, match=r"is not the published one .* try again; if it stays so, the repository has another"):
        install(cache, print)
    assert not left_in(cache)


def test_a_repository_without_the_file(cache: Path, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(maven_repository.VARIABLE, repository.url.replace("//", "//me:secret@"))
    repository.files = {}
    with pytest.raises(TrinoError, match=r"HTTP 404 .* Set LOCAL_AWS_MAVEN_REPOSITORY to a repository that has it$") as raised:
        install(cache, print)
    assert "secret" not in str(raised.value)
