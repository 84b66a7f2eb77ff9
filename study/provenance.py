"""Which software made the numbers."""

import platform
from importlib import metadata

PACKAGES = ("gander", "numpy", "scipy", "pandas", "statsmodels", "django")


def software() -> dict[str, str]:
    """Name -> version, Python's first."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed as a package"
    return found
