"""What is known of whom: no address anywhere, and a participant who tries every id that is not theirs gets nothing."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from attribution.models import Picture
from study import invitations
from study.dashboard.urls import urlpatterns
from study.models import Participant, RecruiterIdentity, Recruitment, Report, Response, Study
from study.survey.bots import Page

from . import factories
from .test_session import all_trials, answer_to, send

ADDRESS, FORWARDED, AGENT = "203.0.113.77", "198.51.100.23", "Mozilla/5.0 (X11; Linux) Firefox/140.0 Wanderer/4711"
NAMING = (ADDRESS, FORWARDED, "Wanderer", "Mozilla/5.0")


def everything_stored() -> str:
    """Each row of each table, what sessions hold, and every file but pictures."""
    rows = [json.dumps(row, default=str) for model in apps.get_models() for row in model.objects.values()]  # type: ignore[attr-defined]
    rows += [json.dumps(session.get_decoded(), default=str) for session in Session.objects.all()]
    for path in Path(settings.VAR_DIR).rglob("*"):
        if path.is_file() and path.suffix != ".png":
            rows.append(path.read_bytes().decode("latin-1"))
    return "\n".join(rows)


@pytest.mark.django_db
def test_no_address_and_no_more_of_the_browser_than_its_family_is_stored_or_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    caplog.set_level("DEBUG")
    study = factories.running_study()
    ada = User.objects.create_superuser("ada", password="goose on a lake")
    draft = factories.ready_study(slug="next")
    draft.admit(ada, "owner", by=ada)
    client = Client(
        raise_request_exception=False,
        REMOTE_ADDR=ADDRESS,
        HTTP_X_FORWARDED_FOR=FORWARDED,
        HTTP_X_REAL_IP=FORWARDED,
        HTTP_USER_AGENT=AGENT,
    )
    join = reverse("survey:join", args=[factories.recruitment(study).token])
    fields = Page(client.get(join).text).fields
    client.post(join, {**fields, "consent": "yes"})
    someone = Participant.objects.get()
    for page in ("home", "instructions", "trials", "thanks", "withdraw"):
        client.get(reverse(f"survey:{page}", args=[someone.token]))
    responses = reverse("survey:responses", args=[someone.token])
    for trial in all_trials(someone):
        client.post(responses, {"responses": [answer_to(trial)]}, content_type="application/json")
    client.post(responses, b"{", content_type="application/json")
    client.get("/nowhere/")
    client.get("/withdraw/", headers={"host": "elsewhere.example"})
    for number in range(9):  # one more than locks
        client.post(reverse("dashboard:login"), {"username": "ada", "password": f"wrong {number}"})
        client.post("/admin/login/", {"username": "bob", "password": f"wrong {number}"})
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    of_study = {"slug": draft.slug, "version": draft.version}
    with django_capture_on_commit_callbacks(execute=True):  # tasks go to the broker's folder
        for name in ("prepare", "launch", "preview", "make_report"):
            client.post(reverse(f"dashboard:{name}", kwargs=of_study))
    with monkeypatch.context() as patched:
        patched.setattr("study.survey.participation.participant_of", lambda token: 1 / 0)
        assert client.get("/take/any/").status_code == 500
    client.logout()
    assert someone.state == "started"
    someone.refresh_from_db()
    assert (someone.state, someone.browser) == ("completed", {"family": "Firefox"})
    assert "ZeroDivisionError" in caplog.text
    stored = everything_stored()
    assert someone.token in stored
    assert not [word for word in NAMING if word in stored]
    assert not [word for word in NAMING if word in caplog.text]


@pytest.fixture
def study(db: None) -> Study:
    study = factories.running_study()
    Report.objects.create(study=study, results={}, html="<p>secret findings</p>")
    return study


@pytest.fixture
def prolific(study: Study) -> Recruitment:
    return factories.recruitment(study, name="panel", identity_parameter="PANEL_ID")


@pytest.fixture
def other(study: Study, prolific: Recruitment) -> Participant:
    """Somebody else in the same study, who has finished."""
    someone = factories.participant(study, source=prolific, external_id="somebody-else")
    for trial in all_trials(someone):
        assert send(someone, answer_to(trial)).status_code == 200
    someone.refresh_from_db()
    return someone


def secrets_of(someone: Participant) -> set[str]:
    identities = RecruiterIdentity.objects.filter(participant=someone).values_list("external_id", flat=True)
    ids = {str(one) for one in Response.objects.filter(trial__participant=someone).values_list("client_id", flat=True)}
    return {someone.token, someone.withdrawal_code, someone.code, *identities, *ids}


def test_nothing_that_a_participant_receives_names_another(study: Study, other: Participant) -> None:
    me = factories.participant(study)
    client, received = Client(), []
    for trial in all_trials(me):
        pages = ("home", "instructions", "trials", "thanks", "withdraw")
        received += [client.get(reverse(f"survey:{page}", args=[me.token]), follow=True).text for page in pages]
        received.append(send(me, answer_to(trial)).text)
    received.append(client.get(reverse("survey:thanks", args=[me.token])).text)
    hidden = secrets_of(other) | {one.token for one in Recruitment.objects.all()} | {study.hash, "secret findings"}
    assert me.code in received[-1]
    assert not [secret for secret in hidden if any(secret in text for text in received)]


def test_no_id_that_is_not_a_token_of_a_participation_opens_one(study: Study, other: Participant) -> None:
    me = factories.participant(study)
    swapped = me.token[:-1] + ("A" if me.token[-1] != "A" else "B")
    tried = {str(other.pk), other.code, other.withdrawal_code, "somebody-else", str(other.seed), study.hash, study.slug}
    tried |= {str(me.pk), me.code, swapped, me.token[:-1], me.token + "x", me.token.swapcase(), other.token.lower()}
    tried |= {str(one.pk) for one in other.trials.all()} | {factories.recruitment(study).token, "%", "*", "' OR 1=1"}
    tried |= {invitations.make(study, "preview").split("/")[2], "null", "None", "0", "-1"}
    client = Client()
    for one in tried - {me.token, other.token}:
        for page in ("home", "instructions", "trials", "thanks", "withdraw"):
            address = reverse(f"survey:{page}", args=[one])
            assert client.get(address).status_code == 404, address
        client.post(reverse("survey:withdraw", args=[one]))
        first = answer_to(all_trials(me)[0])
        reply = client.post(f"/take/{one}/responses/", {"responses": [first]}, content_type="application/json")
        assert reply.status_code == 404, one
        if one != other.withdrawal_code:
            assert client.post("/withdraw/", {"code": one}).status_code == 422, one
    other.refresh_from_db()
    me.refresh_from_db()
    assert (other.state, me.state) == ("completed", "started")
    assert not me.trials.filter(response__isnull=False).exists()


def test_ones_own_token_reaches_no_trial_and_no_answer_of_another(study: Study, other: Participant) -> None:
    me = factories.participant(study)
    before = list(Response.objects.order_by("pk").values())
    mine = answer_to(all_trials(me)[0])
    for trial in all_trials(other):
        for position in {trial.pk + 1000, trial.stimulus_id or 9999, 10**6}:
            assert send(me, {**mine, "position": position, "client_id": str(uuid.uuid4())}).status_code in (404, 409)
    taken = before[0]["client_id"]
    reply = send(me, {**mine, "client_id": str(taken)})
    assert reply.status_code == 409
    assert set(reply.json()) == {"problem"}
    assert list(Response.objects.order_by("pk").values()) == before


def test_files_that_are_not_pictures_of_a_study_and_the_dashboard_stay_shut(study: Study, other: Participant) -> None:
    client = Client()
    client.cookies["participation"] = other.code  # nothing that one could guess stands for a token
    assert other.token not in client.get(reverse("survey:join", args=[factories.recruitment(study).token])).text
    names = [str(picture.file) for picture in Picture.objects.exclude(file="")]
    tried = {f"pictures/{picture.pk}.png" for picture in Picture.objects.all()[:20]}
    tried |= {name.upper() for name in names[:5]} | {name[:-5] + "_.png" for name in names[:5]}
    tried |= {f"{folder}/" for folder in ("", "pictures", "images", "arrays", "networks", "reports")}
    for folder in ("images", "arrays", "networks", "uploads"):
        if default_storage.exists(folder):
            tried |= {f"{folder}/{name}" for name in default_storage.listdir(folder)[1]}
    for name in tried - set(names):
        assert client.get(f"{settings.MEDIA_URL}{name}").status_code == 404, name
    given = {"slug": study.slug, "version": study.version, "name": "tested", "kind": "methods", "pk": 1}
    for pattern in urlpatterns:
        if pattern.name in ("login", "logout"):
            continue
        wanted = {name: given[name] for name in pattern.pattern.converters}
        if pattern.name == "order":
            wanted["name"] = "gradient"
        reply = client.get(reverse(f"dashboard:{pattern.name}", kwargs=wanted))
        assert reply.status_code == 302, pattern.name
        assert reply.headers["Location"].startswith(reverse("dashboard:login"))
    assert client.get("/admin/study/participant/").status_code == 302
