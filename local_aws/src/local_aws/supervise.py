"""Run a command that must not outlive the process that started this one.

`python supervise.py COMMAND...`: the command is killed as soon as standard input closes, which the operating system sees to
when the process at its other end is gone, however it went. Needs nothing but a pipe, so it works on Linux and on macOS.
"""

import os
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    """Run `command` until it ends or standard input closes; returns its exit status."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def kill_when_orphaned() -> None:
        while os.read(0, 1024):
            pass
        child.kill()

    threading.Thread(target=kill_when_orphaned, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
