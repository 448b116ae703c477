"""The types of AWS's answers are for mypy alone: production does not install them, so nothing that runs may import them."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import importlib, pkgutil, sys

OF_DBT_ATHENA = {"mypy_boto3_athena", "mypy_boto3_glue", "mypy_boto3_lakeformation", "mypy_boto3_sts"}  # it imports them itself

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("mypy_boto3") and name.split(".")[0] not in OF_DBT_ATHENA:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotInstalled())
import private_analytics
for module in pkgutil.walk_packages(private_analytics.__path__, "private_analytics."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        print(module.name)
"""


def test_every_module_does_without_the_stubs_of_boto3() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"private_analytics.cli", "private_analytics.stack.target"} <= set(done.stdout.split())
