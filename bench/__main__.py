"""``python -m bench [SECTION ...]``: one section, or all; each in its own process."""

import pathlib
import subprocess
import sys

TIME_LIMIT_SECONDS = 600


def main() -> int:
    folder = pathlib.Path(__file__).parent
    sections = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    wanted = sys.argv[1:] or sections
    unknown = [name for name in wanted if name not in sections]
    if unknown:
        sys.stderr.write(f"There is no bench section {', '.join(unknown)}; there are: {', '.join(sections)}.\n")
        return 1
    failed = 0
    for name in wanted:
        sys.stdout.write(f"\n## {name}\n")
        sys.stdout.flush()
        try:
            # A process of its own: one section's threads, caches and settings never colour another's figures.
            failed |= subprocess.run([sys.executable, "-m", f"bench.{name}"], timeout=TIME_LIMIT_SECONDS).returncode
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"{name} took longer than {TIME_LIMIT_SECONDS} s and was stopped.\n")
            failed = 1
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
