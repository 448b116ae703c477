"""An emulator for the whole run, and in it an account for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from helpers.running_emulator import emulator
from helpers.stack_account import Account

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with emulator() as url:
        yield url


@pytest.fixture
def account(endpoint: str) -> Account:
    return Account(endpoint, f"{next(numbers):012}")
