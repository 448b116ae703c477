#!/usr/bin/env python
"""The command `pal` under its former path. Works from any folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("DBT_PROJECT_DIR", str(Path(__file__).resolve().parent.parent))

try:
    from private_analytics.cli import main
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed. In the project's folder, run `make`, then: . .venv/bin/activate")

if __name__ == "__main__":
    main()
