"""Studies' pages: made from protocols and documents, followed, tried, launched, paused, closed; links and members."""

import ast
import io
import json
import re
import tomllib
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from attribution import plugins
from attribution.models import Picture, State
from study import preparation
from study.dashboard.forms.parameters import ParametersForm
from study.models import AuditEntry, Membership, Participant, Recruitment, Study

from . import factories
from .design_examples import fitting
from .test_dashboard_pictures import parameters

NEW = "/dashboard/studies/new/"
UPLOAD = "/dashboard/studies/upload/"


@pytest.fixture
def ada(db) -> User:
    return User.objects.create_user("ada", password="goose on a lake")


@pytest.fixture
def client(ada) -> Client:
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


def owned(study: Study, role: str = "owner") -> Study:
    Membership.objects.create(study=study, user=User.objects.get(username="ada"), role=role)
    return study


def address(study: Study, name: str = "study", **more: object) -> str:
    return reverse(f"dashboard:{name}", kwargs={"slug": study.slug, "version": study.version, **more})


def toml(value: object) -> str:
    """A value as TOML, inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {toml(each)}' for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def document_file(**changes: object) -> SimpleUploadedFile:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in factories.document(**changes).items())
    tomllib.loads(text)
    return SimpleUploadedFile("study.toml", text.encode())


def test_a_protocol_makes_a_study_that_its_maker_owns(client, ada):
    factories.network()
    factories.images()
    data = parameters("study.protocols", "sense_of_class_models")
    data |= {"parameters-network": "tested", "parameters-classes": "goose\nlemon\ndumbbell\ndalmatian"}
    page = client.post(f"{NEW}?protocol=sense_of_class_models", data, follow=True)
    study = Study.objects.get()
    assert page.redirect_chain == [(address(study), 302)]
    assert study.state == Study.State.PREPARING
    assert study.role_of(ada) == "owner"
    assert "Preparing" in page.text
    assert Picture.objects.exists(), "its pictures are ordered"


@pytest.mark.parametrize("protocol", plugins.names("study.protocols"))
def test_every_protocol_has_its_form(client, protocol):
    factories.network()
    page = client.get(NEW, {"protocol": protocol}).text
    assert plugins.describe("study.protocols", protocol).title in page
    assert '<option value="tested">' in page


def test_a_protocol_that_cannot_be_made_says_why_by_key(client):
    factories.network()
    data = parameters("study.protocols", "sense_of_class_models") | {"parameters-network": "tested"}
    page = client.post(f"{NEW}?protocol=sense_of_class_models", {**data, "parameters-classes": ""})
    assert page.status_code == 200
    assert "items" in page.text
    assert not Study.objects.exists()


def test_a_document_of_ones_own_makes_a_study(client):
    factories.network()
    factories.images()
    page = client.post(UPLOAD, {"file": document_file()}, follow=True)
    assert page.redirect_chain == [(address(Study.objects.get()), 302)]


def test_everything_wrong_with_a_document_is_said_with_its_line(client):
    page = client.post(UPLOAD, {"file": document_file(languages=["en"], seed=-1, network=3, colour="red")}).text
    for words in (r"line \d+: seed", r"line \d+: network", r"line \d+: colour"):
        assert re.search(words, page), words
    assert not Study.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"title = ", "line 1: this is not TOML"),
        (b"\xff\xfe", "study.toml is not UTF-8 text"),
        (b"x" * (2**20 + 1), "study.toml is larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_document_is_refused(client, content, words):
    assert words in client.post(UPLOAD, {"file": SimpleUploadedFile("study.toml", content)}).text


def test_somebody_elses_slug_is_not_taken_over(client):
    factories.ready_study()
    page = client.post(UPLOAD, {"file": document_file()}).text
    assert "is taken; choose another" in page
    assert Study.objects.count() == 1


def test_preparation_is_followed_until_it_is_over(client):
    factories.network()
    factories.images()
    study = preparation.add(factories.document(), User.objects.get())
    preparation.prepare(study)
    live = address(study, "live")
    assert "every 3s" in client.get(live).text
    (followed,) = re.findall(r'hx-get="([^"]+)"', client.get(address(study)).text)
    assert "No picture yet." in client.get(address(study)).text
    factories.compute(study)
    for _ in range(3):
        study.refresh_from_db()
        if study.state == Study.State.PREPARING:
            factories.compute(study)
    over = client.get(live).text
    assert "All pictures are there." in over
    assert "every 3s" not in over
    assert "hx-swap-oob" not in over
    # Who was there meanwhile gets the conditions anew, which had no pictures yet.
    news = client.get(followed.replace("&amp;", "&")).text
    assert 'id="conditions-shown" hx-swap-oob="true"' in news
    assert "No picture yet." not in news


def test_a_page_that_has_seen_all_is_left_as_it_is(client):
    study = owned(factories.running_study())
    (address_seen,) = re.findall(r'hx-get="([^"]+seen=[0-9a-f]{16})"', client.get(address(study)).text)
    assert client.get(address_seen).status_code == 204
    factories.participant(study)
    news = client.get(address_seen)
    assert news.status_code == 200
    assert address_seen not in news.text


def test_what_failed_is_said_in_words_and_tried_again(client):
    factories.network()
    factories.images()
    study = preparation.add(factories.document(), User.objects.get())
    preparation.prepare(study)
    Picture.objects.update(state=State.FAILED, error="The network has no such class.")
    page = client.get(address(study)).text
    assert "Not everything could be computed." in page
    assert "The network has no such class." in page
    assert address(study, "try_again") in page
    page = client.post(address(study, "try_again"), follow=True).text
    assert "What failed waits for a worker again." in page
    assert not Picture.objects.filter(state=State.FAILED).exists()


def test_conditions_stand_with_their_role_and_example_pictures(client):
    study = owned(factories.ready_study())
    page = client.get(address(study)).text
    assert "blind control" in page
    assert "control: randomized network" in page
    assert "Do class models make sense?" in page
    shown = set(re.findall(r'src="(/media/pictures/[^"]+)"', page))
    stored = {picture.url for picture in Picture.objects.filter(stimulusslot__stimulus__condition__isnull=False)}
    assert shown
    assert shown <= stored


def test_launching_asks_first_and_shows_what_will_be_frozen(client):
    study = owned(factories.ready_study())
    asked = client.get(address(study, "launch")).text
    (promised,) = re.findall(r"\b[0-9a-f]{64}\b", asked)
    assert "What readers will ask" in asked
    assert "none has role = “positive_control”" in asked
    study.refresh_from_db()
    assert study.state == Study.State.READY
    page = client.post(address(study, "launch"), follow=True).text
    study.refresh_from_db()
    assert study.state == Study.State.RUNNING
    assert study.hash == promised
    assert promised in page


def test_a_study_that_is_not_ready_is_not_launched(client):
    factories.network()
    study = preparation.add(factories.document(), User.objects.get())
    assert "Freeze and launch" not in client.get(address(study, "launch")).text
    page = client.post(address(study, "launch"), follow=True).text
    assert "only a study that is ready can be launched" in page


def test_a_running_study_is_paused_resumed_and_closed(client):
    study = owned(factories.running_study())
    for action, state in (("pause", "paused"), ("resume", "running"), ("close", "closed")):
        client.post(address(study, action))
        study.refresh_from_db()
        assert study.state == state
    assert "should be paused" in client.post(address(study, "resume"), follow=True).text
    log = client.get(address(study, "audit")).text
    for words in ("paused the study", "resumed the study", "closed the study", "ada"):
        assert words in log


def test_a_preview_opens_the_survey_and_is_marked_as_one(client):
    study = owned(factories.ready_study())
    response = client.post(address(study, "preview"))
    assert response["Location"].startswith("/join/")
    assert factories.recruitment(study).token not in response["Location"]
    assert client.get(response["Location"], follow=True).status_code == 200


def test_people_and_simulated_participants_are_counted_apart_and_by_arm(client):
    study = owned(factories.running_study())
    for changes in ({"state": "completed"}, {"state": "withdrawn"}, {}):
        someone = factories.participant(study)
        Participant.objects.filter(pk=someone.pk).update(**changes or {"state": "started"})
    silent = factories.participant(study)
    Participant.objects.filter(pk=silent.pk).update(last_seen_at=timezone.now() - timedelta(days=1))
    bot = factories.participant(study, source=study, origin="simulated")
    Participant.objects.filter(pk=bot.pk).update(state="completed")
    page = client.get(address(study)).text
    people, simulated = (
        re.search(rf'id="who-{origin}".*?</section>', page, re.DOTALL)[0] for origin in ("person", "simulated")
    )
    total = re.search(r"<tfoot>.*?</tfoot>", people, re.DOTALL)[0]
    assert re.findall(r">(\d+)<", total) == ["4", "1", "1", "1", "0", "0", "1"]
    assert "bots, never pooled with people" in simulated
    assert study.participant_set.tally()[0]["arm__name"]
    assert re.findall(r'number">(\d+)<', simulated) == ["1", "1", "0", "0", "0", "0", "0"]


def test_each_source_of_participants_has_a_link_that_opens_and_closes(client):
    study = owned(factories.running_study())
    source = factories.recruitment(study)
    link = f"http://testserver{reverse('survey:join', args=[source.token])}"
    assert link in client.get(address(study)).text
    toggle = address(study, "toggle_recruitment", pk=source.pk)
    client.post(toggle, {"open": "no"})
    assert not Recruitment.objects.get(pk=source.pk).is_open
    client.post(toggle, {"open": "no"})
    assert not Recruitment.objects.get(pk=source.pk).is_open, "pressed twice is closed still"
    client.post(toggle, {"open": "yes"})
    assert Recruitment.objects.get(pk=source.pk).is_open


def test_a_source_is_added_once_by_name(client):
    study = owned(factories.ready_study())
    page = client.post(
        address(study, "add_recruitment"), {"name": "panel", "identity_parameter": "PANEL_ID"}, follow=True
    )
    assert "?PANEL_ID=" in page.text
    again = client.post(address(study, "add_recruitment"), {"name": "panel"})
    assert "This study has a source “panel” already" in again.text
    assert study.recruitment_set.filter(name="panel").count() == 1


def test_a_source_is_added_with_its_codes_and_its_way_back(client):
    study = owned(factories.running_study())
    given = {"name": "prolific", "source": "prolific", "code_complete": "C1", "code_failed_check": "C2"}
    page = client.post(address(study, "add_recruitment"), given, follow=True).text
    assert all(f'<span class="mono">{code}</span>' in page for code in ("C1", "C2"))
    prolific = study.recruitment_set.get(name="prolific")
    back = "https://app.prolific.com/submissions/complete?cc={code}"
    assert prolific.codes == {"complete": "C1", "failed_check": "C2"}
    assert prolific.return_urls == {"complete": back, "failed_check": back}
    way_back = "https://uni.sona-systems.com/credit?survey_code={survey_code}"
    client.post(address(study, "add_recruitment"), {"name": "sona", "source": "sona", "way_back": way_back})
    assert study.recruitment_set.get(name="sona").return_urls == {"complete": way_back}


@pytest.mark.parametrize(
    ("way_back", "words"),
    [
        ("uni.example", "This should be a web address, such as https://panel.example/done?code={code}."),
        ("https://uni.example/?id={id}", "This has “{id}”, which the link does not come with; it may have: code."),
        ("https://{code}.example/", "lets a link choose the site that people are sent to"),
    ],
)
def test_a_way_back_that_leads_nowhere_is_refused_in_words(client, way_back, words):
    study = owned(factories.ready_study())
    page = client.post(address(study, "add_recruitment"), {"name": "panel", "way_back": way_back})
    assert words in page.text
    assert not study.recruitment_set.filter(name="panel").exists()


def test_members_get_roles_and_lose_them(client, ada):
    study = owned(factories.ready_study())
    vi = User.objects.create_user("vi")
    members = address(study, "members")
    client.post(members, {"user": "vi", "role": "viewer"})
    client.post(members, {"user": "vi", "role": "editor"})
    assert study.role_of(vi) == "editor"
    assert "There is no user “nobody”." in client.post(members, {"user": "nobody", "role": "viewer"}).text
    client.post(address(study, "remove_member", pk=Membership.objects.get(user=vi).pk))
    assert study.role_of(vi) == ""
    done = AuditEntry.objects.filter(study=study, action__in=["gave a role", "removed a member"]).order_by("pk")
    assert [entry.detail["role"] for entry in done] == ["viewer", "editor", "editor"]


def test_a_study_keeps_an_owner(client, ada):
    study = owned(factories.ready_study())
    words = "A study keeps at least one owner"
    assert words in client.post(address(study, "members"), {"user": "ada", "role": "viewer"}).text
    remove = address(study, "remove_member", pk=Membership.objects.get(user=ada).pk)
    assert words in client.post(remove, follow=True).text
    assert study.role_of(ada) == "owner"
    study.admit(User.objects.create_user("vi"), "owner", by=ada)
    assert client.post(remove)["Location"] == reverse("dashboard:studies")


def test_the_document_is_shown_with_what_a_version_changed(client):
    study = owned(factories.running_study())
    following = preparation.add(factories.document(seed=8), User.objects.get(username="ada"))
    assert following.version == 2
    page = client.get(address(following, "document")).text
    assert "seed was 7, now 8." in page
    assert "&quot;slug&quot;: &quot;sense-of-geese&quot;" in page
    assert "version 1" in client.get(address(following)).text
    assert study.is_frozen


def test_the_plan_to_be_registered_is_taken_along(client):
    study = owned(factories.ready_study())
    assert address(study, "preregistration") in client.get(address(study)).text
    response = client.get(address(study, "preregistration"))
    assert f'filename="{study.slug}-v1-preregistration.zip"' in response["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as packed:
        assert packed.namelist() == ["aspredicted.txt", "osf.txt", "plan.json", "registered_report.html"]
        assert json.loads(packed.read("plan.json"))["document"] == study.document


def test_a_study_that_was_answered_elsewhere_has_nothing_to_register(client):
    study = owned(factories.ready_study())
    Study.objects.update(state=Study.State.IMPORTED)
    assert address(study, "preregistration") not in client.get(address(study)).text
    assert client.get(address(study, "preregistration")).status_code == 404


def test_the_home_page_says_what_to_do_next(client):
    def following() -> str:
        return re.search(r'class="is-next">.*?<h3>(.*?)<', client.get("/dashboard/").text, re.DOTALL)[1]

    assert following() == "Add a network"
    factories.network()
    assert following() == "Add images"
    owned(factories.running_study())
    assert following() == "Read the report"


def test_views_are_short():
    """A view fetches, asks a rule, and answers: 25 lines are enough."""
    folder = Path(preparation.__file__).parent / "dashboard" / "views"
    trees = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in folder.glob("*.py")}
    views = [(name, node) for name, tree in trees.items() for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert len(views) > 30
    assert [f"{name}: {node.name}" for name, node in views if node.end_lineno - node.lineno >= 25] == []


@pytest.mark.parametrize("name", plugins.names("study.designs"))
def test_every_designs_parameters_can_be_set_in_a_form(name):
    conditions, needed = fitting(name, 4)
    form = ParametersForm("study.designs", name)
    assert set(form.fields) == set(plugins.describe("study.designs", name).parameters)
    # As a browser sends it: what nobody changed, then what the design needs, a list one thing a line.
    sent = {key: field.prepare_value(field.initial) for key, field in form.fields.items() if field.initial is not False}
    lists = {key: value for key, value in needed.items() if isinstance(value, list)}
    lines = {key: [one if isinstance(one, str) else ", ".join(one) for one in value] for key, value in lists.items()}
    sent |= needed | {key: "\n".join(value) for key, value in lines.items()}
    filled = ParametersForm("study.designs", name, {f"parameters-{key}": value for key, value in sent.items()})
    assert filled.is_valid(), filled.errors
    schedule = plugins.load("study.designs", name).schedule
    items = [f"item {number}" for number in range(12)]
    assert schedule(items, conditions, seed=1, **filled.complete) == schedule(items, conditions, seed=1, **needed)
