"""Who may do what: every route of the dashboard, by every role, with every method."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from attribution.models import Image, NetworkUpload, SaliencyMap, State
from study import power_plan, power_verdict, provenance, registration, report_pdf
from study.dashboard.urls import urlpatterns
from study.models import Membership, PowerAnalysis, Recruitment, Report, Study

from . import factories

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROLES = ("anonymous", "stranger", "viewer", "editor", "owner", "superuser")
RANK = {"stranger": 0, "viewer": 1, "editor": 2, "owner": 3, "superuser": 3}
READ, SEND, BOTH = {"GET", "HEAD"}, {"POST"}, {"GET", "HEAD", "POST"}
BY_DJANGO = {"GET", "HEAD", "POST", "PUT", "OPTIONS"}  # its own form views take PUT for POST

# Route -> its methods, and the least role in the study that each of them needs; "" is anybody who is logged in.
ROUTES: dict[str, dict[str, str]] = {
    **{name: dict.fromkeys(READ, "") for name in ("home", "workers", "networks", "network", "images", "image")},
    **{
        name: dict.fromkeys(READ, "")
        for name in ("image_file", "image_small", "pictures", "picture", "studies", "choose")
    },
    **{name: dict.fromkeys(BOTH, "") for name in ("add_network", "upload", "add_images", "order", "new_study")},
    **{name: dict.fromkeys(SEND, "") for name in ("predict", "retry", "upload_study")},
    **{
        name: dict.fromkeys(READ, "viewer")
        for name in ("study", "live", "document", "preregistration", "audit", "report", "report_as_pdf", "bundle")
    },
    **{name: dict.fromkeys(READ, "viewer") for name in ("power_live", "power_table")},
    "power": {"GET": "viewer", "HEAD": "viewer", "POST": "editor"},
    "cost": dict.fromkeys(READ, ""),
    "unblind": dict.fromkeys(SEND, "owner"),
    "responses": dict.fromkeys(READ, "viewer"),
    **{
        name: dict.fromkeys(SEND, "editor")
        for name in ("prepare", "try_again", "pause", "resume", "preview", "make_report")
    },
    **{name: dict.fromkeys(SEND, "editor") for name in ("add_recruitment", "toggle_recruitment")},
    "launch": dict.fromkeys(BOTH, "owner"),
    "close": dict.fromkeys(SEND, "owner"),
    "members": {"GET": "viewer", "HEAD": "viewer", "POST": "owner"},
    "remove_member": dict.fromkeys(SEND, "owner"),
    "password": dict.fromkeys(BY_DJANGO, ""),
}
OPEN = {"login": BY_DJANGO, "logout": {"POST", "OPTIONS"}}  # to those who are not logged in, too


@pytest.fixture
def study(db, monkeypatch) -> Study:
    monkeypatch.setattr(report_pdf, "render", lambda html: b"%PDF")
    monkeypatch.setattr(registration, "write", lambda study, folder: [])
    monkeypatch.setattr(power_plan, "Plan", dict)
    monkeypatch.setattr(power_verdict, "table", lambda plan, cells, ceilings: iter(["power\n"]))
    study = factories.ready_study()
    found = {"plan": {}, "cells": [], "ceilings": [], "verdict": {"sentences": []}}
    PowerAnalysis.objects.create(study=study, plan={}, results=found, key="p", state=State.DONE)
    about = {"study": study.slug, "version": study.version, "created_at": "2026-01-01T00:00:00+00:00"}
    empty = {**about, "simulated": False, "findings": [], "software": provenance.software()}
    Report.objects.create(study=study, results=empty, html="<!doctype html><title>Report</title>")
    for role in Membership.Role.values:
        Membership.objects.create(study=study, user=User.objects.create_user(role), role=role)
    User.objects.create_user("stranger")
    User.objects.create_superuser("superuser")
    return study


def arguments(name: str, study: Study) -> dict[str, object]:
    """What the route's address is made of."""
    of_study = {"slug": study.slug, "version": study.version}
    image, network = factories.images(1)[0], factories.network()
    row, _ = SaliencyMap.objects.get_or_create(
        content_key="k", defaults={"plugin": "gradient", "network": network, "image": image, "target": {"index": 0}}
    )
    return {
        "network": {"name": "tested"},
        "predict": {"name": "tested"},
        "upload": {"pk": NetworkUpload.objects.get_or_create(plugin="scenes", name="new", content_key="u")[0].pk},
        **{name: {"pk": Image.objects.earliest("pk").pk} for name in ("image", "image_file", "image_small")},
        **{name: {"kind": "methods", "pk": row.pk} for name in ("picture", "retry")},
        **{name: {"kind": "methods", "name": "gradient"} for name in ("order", "cost")},
        "toggle_recruitment": {**of_study, "pk": Recruitment.objects.get(study=study).pk},
        "remove_member": {**of_study, "pk": Membership.objects.get(study=study, role="viewer").pk},
        **{
            name: {**of_study, "pk": Report.objects.get(study=study).pk}
            for name in ("report", "report_as_pdf", "bundle")
        },
        "power_table": {**of_study, "pk": PowerAnalysis.objects.get(study=study).pk},
    }.get(name, of_study if max(ROUTES.get(name, {"": ""}).values()) else {})


def client_of(role: str) -> Client:
    client = Client()
    if role != "anonymous":
        client.force_login(User.objects.get(username=role), backend="django.contrib.auth.backends.ModelBackend")
    return client


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is rolled back, so that one request does not change what the next one meets."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_the_table_of_routes_is_whole():
    assert {pattern.name for pattern in urlpatterns} == {*ROUTES, *OPEN}


@pytest.mark.parametrize("role", ROLES)
def test_each_route_answers_each_role_and_method_as_the_table_says(study, role):
    wrong = []
    client = client_of(role)
    for name, needs in ROUTES.items():
        address = reverse(f"dashboard:{name}", kwargs=arguments(name, study))
        for method in METHODS:
            with undone():
                response = client.generic(method, address)
            status = response.status_code
            if role == "anonymous":
                is_right = status == 302 and response["Location"].startswith(reverse("dashboard:login"))
            elif method not in needs:
                is_right = status == 405
            elif needs[method] and role == "stranger":
                is_right = status == 404
            elif needs[method] and RANK[role] < RANK[needs[method]]:
                is_right = status == 403
            else:
                is_right = status in (200, 302)
            if not is_right:
                wrong.append(f"{method} {name}: {status}")
    assert not wrong


@pytest.mark.parametrize("role", ROLES)
def test_logging_in_and_out_is_open_to_all(study, role):
    for name, allowed in OPEN.items():
        for method in METHODS:
            with undone():
                status = client_of(role).generic(method, reverse(f"dashboard:{name}")).status_code
            assert (status != 405) == (method in allowed), (name, method, status)


def test_nothing_is_taken_from_another_site(study):
    """Without the form's token every POST is refused."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="superuser"), backend="django.contrib.auth.backends.ModelBackend")
    for name, needs in ROUTES.items():
        if "POST" in needs:
            address = reverse(f"dashboard:{name}", kwargs=arguments(name, study))
            assert client.post(address).status_code == 403, name
    study.refresh_from_db()
    assert study.state == Study.State.READY


def test_things_of_another_study_are_not_reached_through_ones_own(study):
    other = factories.running_study(slug="other")
    other_source, other_member = (
        other.recruitment_set.get(),
        Membership.objects.create(study=other, user=User.objects.get(username="stranger"), role="owner"),
    )
    other_report = Report.objects.create(study=other, results={}, html="secret")
    other_power = PowerAnalysis.objects.create(study=other, plan={}, results={"plan": {}}, state=State.DONE)
    mine = {"slug": study.slug, "version": study.version}
    client = client_of("owner")
    reads = [(name, other_report.pk) for name in ("report", "report_as_pdf", "bundle")]
    for name, pk in [*reads, ("power_table", other_power.pk)]:
        assert client.get(reverse(f"dashboard:{name}", kwargs={**mine, "pk": pk})).status_code == 404
    for name, pk in (("toggle_recruitment", other_source.pk), ("remove_member", other_member.pk)):
        assert client.post(reverse(f"dashboard:{name}", kwargs={**mine, "pk": pk})).status_code == 404
    other_source.refresh_from_db()
    assert other_source.is_open
    assert Membership.objects.filter(pk=other_member.pk).exists()


def test_a_lesser_role_reads_what_it_lacks(study):
    address = reverse("dashboard:launch", args=[study.slug, study.version])
    assert "You are a viewer of this study; this needs its owner." in client_of("viewer").get(address).text


def test_a_role_sees_only_the_buttons_that_it_may_press(study):
    address = reverse("dashboard:study", args=[study.slug, study.version])
    launch, preview = (reverse(f"dashboard:{name}", args=[study.slug, study.version]) for name in ("launch", "preview"))
    link = reverse("survey:join", args=[study.recruitment_set.get().token])
    shown = {role: client_of(role).get(address).text for role in ("viewer", "editor", "owner")}
    assert [launch in shown[role] for role in shown] == [False, False, True]
    assert [preview in shown[role] for role in shown] == [False, True, True]
    assert [link in shown[role] for role in shown] == [False, True, True]


def test_a_researcher_lists_only_studies_of_their_own(study):
    address = reverse("dashboard:studies")
    assert study.title in client_of("viewer").get(address).text
    assert study.title in client_of("superuser").get(address).text
    assert study.title not in client_of("stranger").get(address).text


def test_browsers_keep_no_page_but_may_keep_images(study):
    client = client_of("viewer")
    image = Image.objects.earliest("pk")
    assert "no-store" in client.get(reverse("dashboard:home"))["Cache-Control"]
    kept = client.get(reverse("dashboard:image_small", args=[image.pk]))["Cache-Control"]
    assert "private" in kept
    assert "immutable" in kept
