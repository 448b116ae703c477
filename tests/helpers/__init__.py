"""What tests share: projects to build in, doubles of AWS and of APIs, oracles."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
