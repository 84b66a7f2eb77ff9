"""The same twelve trials on oTree, in a virtual environment of its own (``make bench-peers``), driven the same way."""

import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import textwrap
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie

from study import processes

COMMAND = pathlib.Path(__file__).resolve().parent.parent / ".peers" / "otree" / "bin" / "otree"
TRIALS = 12
ALTERNATIVES = ("goose", "lemon", "dumbbell", "dalmatian")
FILES = {
    "requirements.txt": "otree\n",
    "_static/README": "oTree wants this folder.\n",
    "settings.py": """
        SESSION_CONFIGS = [dict(name="trials", app_sequence=["trials"], num_demo_participants=4)]
        SESSION_CONFIG_DEFAULTS = dict(real_world_currency_per_point=1.00, participation_fee=0.00, doc="")
        LANGUAGE_CODE = "en"
        REAL_WORLD_CURRENCY_CODE = "USD"
        USE_POINTS = True
        SECRET_KEY = "bench"
        INSTALLED_APPS = ["otree"]
        """,
    "trials/__init__.py": f"""
        from otree.api import *
        class C(BaseConstants):
            NAME_IN_URL = "trials"
            PLAYERS_PER_GROUP = None
            NUM_ROUNDS = {TRIALS}
        class Subsession(BaseSubsession):
            pass
        class Group(BaseGroup):
            pass
        class Player(BasePlayer):
            answer = models.StringField(choices={list(ALTERNATIVES)}, widget=widgets.RadioSelect)
        class Trial(Page):
            form_model = "player"
            form_fields = ["answer"]
        page_sequence = [Trial]
        """,
    "trials/Trial.html": """
        {{ block title }}What does this picture show?{{ endblock }}
        {{ block content }}
        {{ formfields }}
        {{ next_button }}
        {{ endblock }}
        """,
}


def is_installed() -> bool:
    return COMMAND.exists()


@contextmanager
def served(folder: pathlib.Path, participants: int) -> Iterator[tuple[str, str, int]]:
    """oTree's production server on SQLite: address, the session's join path, process group."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    environment = {**os.environ, "PATH": f"{COMMAND.parent}:{os.environ['PATH']}", "OTREE_PRODUCTION": "1"}
    environment |= {"OTREE_REST_KEY": "bench", "OTREE_ADMIN_PASSWORD": "bench", "OTREE_AUTH_LEVEL": "STUDY"}
    environment.pop("DATABASE_URL", None)
    subprocess.run([COMMAND, "resetdb", "--noinput"], cwd=folder, env=environment, check=True, capture_output=True)
    port = processes.free_port(19_000)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [COMMAND, "prodserver", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield f"http://127.0.0.1:{port}", _session(port, participants), server.pid
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def _session(port: int, participants: int) -> str:
    headers = {"otree-rest-key": "bench", "Content-Type": "application/json"}
    body = json.dumps({"session_config_name": "trials", "num_participants": participants})
    for _ in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("POST", "/api/sessions", body, headers)
            reply = connection.getresponse().read().decode()
        except OSError:  # it is still starting
            time.sleep(0.1)
            continue
        return urllib.parse.urlsplit(str(json.loads(reply)["session_wide_url"])).path
    raise RuntimeError("oTree's server does not answer.")


def take(url: str, join: str, rng: random.Random, answered: Callable[[float], None]) -> None:
    """One participant, over one kept connection: twelve forms, each answer followed to the next page."""
    origin = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(origin.hostname or "", origin.port, timeout=60)
    cookies: dict[str, str] = {}

    def request(method: str, path: str, body: str = "") -> str:
        """The path of the page where it ends."""
        while True:
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
            if body:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request(method, path, body or None, headers)
            reply = connection.getresponse()
            reply.read()
            for name, morsel in SimpleCookie(reply.getheader("set-cookie", "")).items():
                cookies[name] = morsel.value
            if reply.status not in (302, 303, 307):
                if reply.status != 200:
                    raise RuntimeError(f"oTree answers {reply.status} to {method} {path}.")
                return path
            method, path, body = "GET", urllib.parse.urlsplit(reply.getheader("location", "")).path, ""

    page = request("GET", join)
    for _ in range(TRIALS):
        began = time.perf_counter()
        page = request("POST", page, urllib.parse.urlencode({"answer": rng.choice(ALTERNATIVES)}))
        answered(time.perf_counter() - began)
    connection.close()
