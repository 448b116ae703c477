"""Two databases for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.two_databases import TwoDatabases, two_databases


@pytest.fixture
def databases(tmp_path: Path) -> TwoDatabases:
    return two_databases(tmp_path)
