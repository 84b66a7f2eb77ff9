"""What every response carries, whoever made it: pages, refusals, errors, JSON, static files, pictures, downloads."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from attribution.models import Picture
from study.models import Study

from . import factories
from .test_dashboard_access import ROUTES, arguments, client_of, undone
from .test_dashboard_access import study as study  # the fixture

RESOURCE = re.compile(r"""<(?:script|img|link|iframe|form|source|video|audio|object|embed)\b[^>]*?
                          \b(?:src|srcset|href|action|data)="([^"]*)\"""", re.VERBOSE)  # fmt: skip


def dashboard(study: Study) -> Iterator[tuple[str, Any]]:
    for role in ("superuser", "anonymous"):
        client = client_of(role)
        for name in ROUTES:
            address = reverse(f"dashboard:{name}", kwargs=arguments(name, study))
            for method in ("GET", "POST", "DELETE"):
                with undone():
                    yield f"{role} {method} {address}", client.generic(method, address)


def survey(study: Study) -> Iterator[tuple[str, Any]]:
    client, token = Client(), factories.participant(study).token
    recruitment = factories.recruitment(study).token
    for address in (f"/join/{recruitment}/", "/join/nowhere/", "/take/nowhere/", "/withdraw/", "/nowhere/", "/admin/"):
        yield address, client.get(address)
    for page in ("home", "instructions", "trials", "responses", "thanks", "withdraw"):
        address = reverse(f"survey:{page}", args=[token])
        yield address, client.get(address)
        yield f"PUT {address}", client.put(address)
    answers = reverse("survey:responses", args=[token])
    for body in (b'{"responses": []}', b"{", b" " * 200_000):
        yield answers, client.post(answers, body, content_type="application/json")
    yield "refused cookies", Client(enforce_csrf_checks=True).post(f"/join/{recruitment}/")
    yield "another host", client.get("/withdraw/", headers={"host": "elsewhere.example"})
    yield "answers to another host", client.post(answers, headers={"host": "elsewhere.example"})


def files() -> Iterator[tuple[str, Any]]:
    client, picture = Client(), Picture.objects.exclude(file="").first()
    assert picture
    for address in ("/static/survey/survey.css", "/static/survey/survey.js", "/static/survey/icon.svg"):
        yield address, client.get(address)
    for address in ("/static/nowhere.js", "/media/nowhere.png", picture.url):
        yield address, client.get(address)
        yield f"POST {address}", client.post(address)


def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken on purpose")

    with monkeypatch.context() as patched:
        patched.setattr("study.survey.participation.participant_of", fail)
        patched.setattr("study.survey.session.enter", fail)
        client = Client(raise_request_exception=False)
        yield "a broken page", client.get("/take/any/")
        yield "a broken answer", client.post("/take/any/responses/", b'{"responses": []}', "application/json")


def test_every_response_carries_every_header(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, statuses, count = [], set(), 0
    running = factories.running_study(slug="another")
    for made in (dashboard(study), survey(running), files(), broken(monkeypatch)):
        for what, response in made:
            headers, count = response.headers, count + 1
            statuses.add(response.status_code)
            policy = headers.get("Content-Security-Policy", "")
            kept = {
                "nosniff": headers.get("X-Content-Type-Options") == "nosniff",
                "frames": headers.get("X-Frame-Options") == "DENY",
                "referrer": headers.get("Referrer-Policy") == "same-origin",
                "permissions": "camera=()" in headers.get("Permissions-Policy", ""),
                "policy": "default-src 'none'" in policy and "unsafe" not in policy,
                "frame policy": "frame-ancestors 'none'" in policy or "sandbox" in policy,
                "hosts": not re.search(r"https?:|\*", policy),
                "search engines": headers.get("X-Robots-Tag") == "noindex",
                "no server": "Server" not in headers and "X-Powered-By" not in headers,
            }
            wrong += [f"{what} {response.status_code}: {name}" for name, is_kept in kept.items() if not is_kept]
            for name, cookie in response.cookies.items():
                if cookie["max-age"] != 0 and cookie["samesite"] not in ("Lax", "Strict"):
                    wrong.append(f"{what}: the cookie {name} goes to other sites")
                if cookie["max-age"] != 0 and not cookie["httponly"] and name != "csrftoken":
                    wrong.append(f"{what}: the cookie {name}")
    assert not wrong, "\n".join(wrong[:30])
    assert {200, 302, 400, 403, 404, 405, 413, 500} <= statuses
    assert count > 200


def test_no_page_takes_anything_from_another_host_or_holds_a_script_of_its_own(study: Study) -> None:
    wrong = []
    for made in (dashboard(study), survey(factories.running_study(slug="another"))):
        for what, response in made:
            if not response.headers.get("Content-Type", "").startswith("text/html"):
                continue
            text = response.text
            wrong += [f"{what}: {found}" for found in RESOURCE.findall(text) if not re.match(r"/(?!/)|$|\?|#", found)]
            wrong += [f"{what}: {found}" for found in re.findall(r"\son\w+=\"[^\"]*\"|javascript:", text)]
            nonces = set(re.findall(r"'nonce-([^']+)'", response.headers.get("Content-Security-Policy", "")))
            for tag in re.findall(r"<(?:script|style)\b[^>]*>", text):
                has_nonce = any(f'nonce="{nonce}"' in tag for nonce in nonces)
                if "src=" not in tag and 'type="application/json"' not in tag and not has_nonce:
                    wrong.append(f"{what}: {tag}")
    assert not wrong, "\n".join(wrong[:30])


def test_no_stylesheet_or_module_names_another_host() -> None:
    for folder in ("study/survey/static", "study/dashboard/static", "templates"):
        for path in (settings.BASE_DIR / folder).rglob("*.*"):
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
            assert not re.search(r"""(?:url\(|src=|import |fetch\()\s*["']?(?:https?:)?//""", text), path


def test_every_post_needs_the_forms_token(study: Study) -> None:
    """On each address of the site that is not the dashboard's, whose own test is beside it."""
    someone = factories.participant(factories.running_study(slug="another"))
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="superuser"), backend="django.contrib.auth.backends.ModelBackend")
    addresses = [reverse(f"survey:{name}", args=[someone.token]) for name in ("responses", "withdraw")]
    addresses += [reverse("survey:join", args=[factories.recruitment(someone.study).token]), "/withdraw/"]
    addresses += [reverse("dashboard:login"), reverse("dashboard:logout"), "/admin/login/", "/admin/logout/"]
    addresses += ["/admin/auth/user/add/"]
    for address in addresses:
        assert client.post(address, {"code": someone.withdrawal_code, "consent": "yes"}).status_code == 403, address
    someone.refresh_from_db()
    assert someone.state == "started"


def started(**environment: str) -> subprocess.CompletedProcess[str]:
    code = """
import django, json; django.setup()
from django.conf import settings
names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SECURE_HSTS_SECONDS", "DEBUG")
print(json.dumps({name: getattr(settings, name) for name in names}))
"""
    said = ("SECRET_KEY", "ALLOWED_HOSTS", "DJANGO_SETTINGS_MODULE")
    own = {name: value for name, value in os.environ.items() if name not in said}
    own |= {"DJANGO_SETTINGS_MODULE": "study.settings", "GANDER_PRODUCTION": "1", **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=own, cwd=settings.BASE_DIR)


SECRET, HOST = "long, random, and kept to the test", "gander.example.org"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"ALLOWED_HOSTS": HOST}, "SECRET_KEY is not set"),
        ({"ALLOWED_HOSTS": HOST, "SECRET_KEY": "changeme"}, "SECRET_KEY has 8 characters"),
        ({"SECRET_KEY": SECRET}, "ALLOWED_HOSTS is not set"),
        ({"SECRET_KEY": SECRET, "ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is not set"),
        ({"SECRET_KEY": SECRET, "ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS allows every host"),
    ],
)
def test_production_refuses_to_start_without_its_secret_and_its_name(environment: dict[str, str], words: str) -> None:
    refused = started(**environment)
    assert refused.returncode == 1
    assert words in refused.stderr


def test_production_sets_secure_cookies() -> None:
    set_up = json.loads(started(SECRET_KEY=SECRET, ALLOWED_HOSTS=HOST).stdout)
    assert set_up == {
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "DEBUG": False,
    }
