"""``python -m tests.backends [--run]``: do PostgreSQL and Redis answer; run the database tests on them.

The tests run on SQLite first. Those that touch the database then run again on PostgreSQL with Redis as the broker.
The addresses come from GANDER_TEST_DATABASE_URL and GANDER_TEST_BROKER_URL; the defaults are the standard local ports.
The tests make databases of their own on that server. The Redis database, and the next one, are the tests' and emptied.
"""

import os
import subprocess
import sys

import psycopg
import redis

DATABASE_URL = os.environ.get("GANDER_TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
BROKER_URL = os.environ.get("GANDER_TEST_BROKER_URL", "redis://127.0.0.1:6379/9")
PARALLEL = ("--numprocesses", "auto", "--dist", "loadfile")


def missing() -> str:
    """What does not answer, in words; "" when both do."""
    try:
        psycopg.connect(DATABASE_URL.replace("postgres://", "postgresql://", 1), connect_timeout=3).close()
        redis.Redis.from_url(BROKER_URL, socket_timeout=3).ping()
    except (psycopg.OperationalError, redis.ConnectionError, redis.TimeoutError) as error:
        return f"The tests on PostgreSQL and Redis were left out: {str(error).strip()}"
    return ""


def main() -> int:
    if "--run" not in sys.argv:
        if words := missing():
            sys.stdout.write(words + "\n")
        return int(bool(words))
    environment = {**os.environ, "DATABASE_URL": DATABASE_URL, "CELERY_BROKER_URL": BROKER_URL}
    command = [sys.executable, "-m", "pytest", *PARALLEL, "-m", "services and not slow"]
    try:
        return subprocess.run(command, env=environment).returncode
    finally:
        redis.Redis.from_url(BROKER_URL).flushdb()


if __name__ == "__main__":
    sys.exit(main())
