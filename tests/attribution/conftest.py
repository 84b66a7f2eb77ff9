"""What the tests of attribution share."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings

DEMO = Path(settings.BASE_DIR) / "fixtures" / "demo"


@pytest.fixture(scope="session")
def make() -> ModuleType:
    """The script that makes the demo's scenes and networks."""
    spec = importlib.util.spec_from_file_location("make_demo", DEMO / "make.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(DEMO / "make.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up their annotations
    spec.loader.exec_module(module)
    return module
