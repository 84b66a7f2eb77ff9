#!/usr/bin/env python
"""Gander's command line."""

import os
import sys

from django.core.management import execute_from_command_line

INTERRUPTED = 130  # what a shell expects of a command that Ctrl-C ended

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "study.settings")
    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.stderr.write(
            "\nStopped. What was finished is kept; computing goes on from here when the command is given again.\n"
        )
        sys.exit(INTERRUPTED)
