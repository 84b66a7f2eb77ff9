"""The page that says how many participants a study needs: asked, simulated by a worker, read."""

import html

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from attribution.models import State
from attribution.tasks import do
from study.models import Membership, PowerAnalysis
from tests.study import factories

GIVEN = {"participants": "10, 20", "items": "8", "dropout": 10, "target": 80, "cost": 2, "simulations": 100}


@pytest.fixture
def study(db):
    study = factories.ready_study()
    for name, role in (("ada", "editor"), ("bob", "viewer")):
        Membership.objects.create(study=study, user=User.objects.create_user(name), role=role)
    return study


def logged_in(name):
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(study, name="power", **more):
    return reverse(f"dashboard:{name}", kwargs={"slug": study.slug, "version": study.version, **more})


def test_it_is_asked_for_once_simulated_by_a_worker_and_shown_with_its_table(study):
    client = logged_in("ada")
    page = client.post(address(study), GIVEN, follow=True).text
    client.post(address(study), GIVEN)
    row = PowerAnalysis.objects.get()
    assert "0 cells are simulated." in page
    assert "hx-get" in page
    do([row])
    row.refresh_from_db()
    assert row.state == State.DONE
    shown = client.get(address(study, "power_live")).text
    assert row.results["verdict"]["sentences"][0] in html.unescape(shown)
    assert "<title>Power by participants and items</title>" in shown
    assert "hx-get" not in shown
    assert 'style="' not in shown
    table = client.get(address(study, "power_table", pk=row.pk))
    assert table["Content-Type"].startswith("text/csv")
    assert table.text.startswith("question,comparison,participants,items,power")
    assert address(study) in client.get(address(study, "study")).text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"participants": "many"}, "Write up to ten whole numbers with commas"),
        ({"participants": "9000"}, "At most 5000 participants can be simulated here."),
        ({"items": "1"}, "1 items are fewer than the 2 conditions"),
        ({"effect": 80}, "it should be between 0 and 100 %"),
    ],
)
def test_what_cannot_be_simulated_is_said_in_the_form(study, changes, words):
    page = logged_in("ada").post(address(study), {**GIVEN, **changes}).text
    assert words in page
    assert not PowerAnalysis.objects.exists()


def test_a_viewer_reads_but_does_not_ask(study):
    client = logged_in("bob")
    assert "No power analysis yet." in client.get(address(study)).text
    assert "Simulate</button>" not in client.get(address(study)).text
    assert client.post(address(study), GIVEN).status_code == 403
