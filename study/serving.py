"""How gunicorn serves Gander (``gunicorn -c python:study.serving``): nothing about who asks is ever written down."""

import re
from typing import Any

from gunicorn.glogging import Logger  # type: ignore[import-untyped]

wsgi_app = "study.wsgi:application"
worker_class = "gthread"  # a browser that keeps its connection, or sends slowly, holds up nobody else
threads = 4
timeout = 60
graceful_timeout = 5
loglevel = "warning"
accesslog = None
control_socket_disable = True


class NamelessLogger(Logger):  # type: ignore[misc]
    """gunicorn's log without the addresses that it puts into its warnings about malformed requests."""

    def warning(self, msg: Any, *args: Any, **options: Any) -> None:
        super().warning(re.sub(r"\bip=\S+", "somebody", str(msg)), *args, **options)


logger_class = NamelessLogger
