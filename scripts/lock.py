"""`make lock`: pins the requirements of pyproject.toml, with hashes, for plain pip.

Everything is resolved together, so that the tools test what runs in production. requirements.lock is what production needs;
requirements-dev.lock includes it and adds the rest. checkov's pins conflict with other packages, so it has its own lock file.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

COMMAND = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--no-strip-extras", "--generate-hashes"]
COMMAND += ["--no-emit-index-url", "--no-header", "--no-annotate"]
HEADER = "# Made by `make lock` out of pyproject.toml.\n"
PRODUCTION, DEV, CHECKOV = Path("requirements.lock"), Path("requirements-dev.lock"), Path("infra/checkov.lock")


def compiled(*arguments: str) -> str:
    """The pins. Exits with uv's message if it finds none that fit together."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pins"
        done = subprocess.run([*COMMAND, *arguments, "--output-file", str(out)], check=False)
        return out.read_text() if done.returncode == 0 else sys.exit(done.returncode)


def pins(text: str) -> dict[str, str]:
    """Requirement with version and marker -> its lines in the lock file."""
    found = re.findall(r"^(?=\w)(.+?) \\\n((?:    .*\n)+)", text, re.MULTILINE)
    return {requirement: f"{requirement} \\\n{lines}" for requirement, lines in found}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.txt"
        whole.write_text(compiled("pyproject.toml", "--group", "build", "--group", "dev"))
        production = compiled("pyproject.toml", "--group", "build", "--constraint", str(whole))
        more = [lines for requirement, lines in pins(whole.read_text()).items() if requirement not in pins(production)]
    PRODUCTION.write_text(HEADER + production)
    DEV.write_text(f"{HEADER}-r {PRODUCTION.name}\n{''.join(more)}")
    CHECKOV.write_text(HEADER + compiled("--group", "checkov"))


if __name__ == "__main__":
    main()
