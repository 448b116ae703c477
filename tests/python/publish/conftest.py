"""One PostgreSQL for all tests of publish; each gets it empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.postgres_server import PASSWORD, PostgresServer


@pytest.fixture(scope="session")
def running() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres(running: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> PostgresServer:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with running.connect() as connection:
        connection.execute("drop schema if exists analytics cascade")
    return running
