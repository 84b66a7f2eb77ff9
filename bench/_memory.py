"""Peak memory of a process, as the kernel counts it since the program began."""

import pathlib
import re
import runpy
import sys

STATUS = pathlib.Path("/proc/self/status")


def peak() -> float:
    """The most resident memory in MB so far (VmHWM, Linux).

    Not ``ru_maxrss``: a child begins with its parent's, so that after a large parent every child looks as large.
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    if found is None:
        raise OSError(f"{STATUS} tells no VmHWM.")
    return int(found[1]) / 1024


def main(script: str, *arguments: str) -> None:
    """Run a script here, and write the peak as the last line of standard output."""
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        sys.stdout.write(f"\n{peak()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
