"""The least that Django can do with an answer: read JSON, insert one row into SQLite (WAL, full sync), reply."""

import json
import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY="measured, never served",  # noqa: S106
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["BARE_DATABASE"],
            "CONN_MAX_AGE": 600,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000;",
            },
        }
    },
)
django.setup()


def answer(request: HttpRequest) -> JsonResponse:
    sent = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO answer (body) VALUES (%s)", [json.dumps(sent)])
    return JsonResponse({"state": "stored"})


# The second is what the supervisor asks to see whether a server answers.
urlpatterns = [path("answer/", answer), path("dashboard/", lambda request: HttpResponse(status=204))]
application = WSGIHandler()
