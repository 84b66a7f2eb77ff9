#!/usr/bin/env python
"""Gander's command line."""

import os
import sys

from django.core.management import execute_from_command_line
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C ended


def is_behind() -> bool:
    """Whether the database lacks tables or columns that ``migrate`` makes."""
    connection.close()
    migrations = MigrationExecutor(connection)
    return bool(migrations.migration_plan(migrations.loader.graph.leaf_nodes()))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "study.settings")
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.stderr.write(
            "\nStopped. What was finished is kept; computing goes on from here when the command is given again.\n"
        )
        sys.exit(INTERRUPTED)
    except DatabaseError as error:
        if not is_behind():
            raise
        sys.exit(f"The database is new or of an older version ({error}). First: .venv/bin/python manage.py migrate")
