"""python -m private_analytics."""

from .cli import main

main()
