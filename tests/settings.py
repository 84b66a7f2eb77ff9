"""The settings of the tests: Gander's own, away from var/, with fast password hashes and no collected static files."""

import atexit
import os
import shutil
import tempfile

# Before torch or numpy is loaded: threaded BLAS is several times slower on small problems, and workers use one thread.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")
# The processes that the tests start inherit the folder; the one that made it takes it away.
if "GANDER_VAR" not in os.environ:
    os.environ["GANDER_VAR"] = tempfile.mkdtemp(prefix="gander-tests-")
    atexit.register(shutil.rmtree, os.environ["GANDER_VAR"], ignore_errors=True)
# Where several processes share the tests, each has a folder of its own inside.
if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and "GANDER_TESTS_OF" not in os.environ:
    os.environ["GANDER_TESTS_OF"] = worker
    os.environ["GANDER_VAR"] += f"/{worker}"

from study.settings import *  # noqa: E402, F403
from study.settings import STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
