"""The report as PDF: every page marked, the same bytes again, nothing fetched; said clearly where none can be made."""

import io
import sys

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.urls import reverse
from pypdf import PdfReader

from study import report_pdf, reports
from study.models import Membership
from tests.study.answered_study import CONDITIONS, PHOTO, answered_study

try:
    report_pdf.check()
    missing = ""
except report_pdf.PdfError as error:
    missing = str(error)
needs_pango = pytest.mark.skipif(bool(missing), reason=missing)
PAGE = "<!doctype html><html lang=en><title>Geese</title><body>"


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(report_pdf, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "weasyprint", None)


def texts(pdf):
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


@needs_pango
@pytest.mark.django_db
def test_every_page_of_a_simulated_report_says_so_and_the_question_stands_on_the_first(tmp_path):
    study = answered_study(origin="simulated", participants=3, conditions=(*CONDITIONS, PHOTO))
    call_command("report", study.slug, "--out", str(tmp_path), "--pdf")
    pages = texts((tmp_path / "report.pdf").read_bytes())
    assert len(pages) > 3
    assert all("SIMULATED" in text for text in pages)
    assert "Can people recognise which class a class model shows?" in " ".join(pages[0].split())
    assert '"report.pdf"' in (tmp_path / "datapackage.json").read_text()


@needs_pango
@pytest.mark.django_db
def test_no_column_of_a_table_runs_off_the_page_however_long_labels_and_reasons_are(tmp_path):
    long = "Deconvolutionwithguidedrectifiersandmaxpoolingswitchesandnoblankanywhereinitsname"
    conditions = (
        ("map", long, "treatment", 0.6),
        ("blind", f"The same of another network, {long}", "blind_control", 0.3),
    )
    models = [{"name": "accuracy_by_condition", "parameters": {}}, {"name": "accuracy_model", "parameters": {}}]
    study = answered_study(participants=1, conditions=conditions, analyses=models)
    reports.write(study, tmp_path, with_pdf=True)
    outside = []

    def see(text, now, matrix, *_):
        # A figure's own coordinates, those of its ticks, are others.
        if matrix[4] * now[0] + now[4] > 0.95 * width and text.strip() and not text.endswith("%"):
            outside.append(text)

    for page in PdfReader(tmp_path / "report.pdf").pages:
        width = float(page.mediabox.width)
        page.extract_text(visitor_text=see)
    assert outside == []


@needs_pango
@pytest.mark.django_db
def test_a_report_on_people_is_not_marked_and_a_later_one_without_pdf_leaves_no_older_pdf(tmp_path):
    study = answered_study(participants=2)
    reports.write(study, tmp_path, with_pdf=True)
    assert "SIMULATED" not in "".join(texts((tmp_path / "report.pdf").read_bytes()))
    reports.write(study, tmp_path)
    assert not (tmp_path / "report.pdf").exists()
    assert "report.pdf" not in (tmp_path / "datapackage.json").read_text()


@needs_pango
def test_the_same_page_gives_the_same_bytes_with_its_title_and_for_screen_readers():
    page = f"{PAGE}<h1>Geese</h1><p>Twelve of them."
    pdf = report_pdf.render(page)
    assert pdf == report_pdf.render(page)
    read = PdfReader(io.BytesIO(pdf))
    assert read.metadata.title == "Geese"
    assert read.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert read.trailer["/Root"]["/Lang"] == "en"


@needs_pango
def test_nothing_is_fetched_neither_from_the_machine_nor_from_the_net(tmp_path, monkeypatch):
    secret = tmp_path / "secret.css"
    secret.write_text("body::after { content: 'stolen' }")
    asked = []
    monkeypatch.setattr("socket.create_connection", lambda *address, **_: asked.append(address))
    page = f'{PAGE}<link rel=stylesheet href="{secret.as_uri()}"><img src="http://127.0.0.1:9/x.png"><p>Geese'
    assert texts(report_pdf.render(page)) == ["Geese"]
    assert asked == []


@needs_pango
@pytest.mark.django_db
def test_the_dashboard_gives_a_report_as_pdf_to_members_only(client, tmp_path):
    study = answered_study(participants=2)
    report = reports.write(study, tmp_path)
    address = reverse("dashboard:report_as_pdf", args=[study.slug, study.version, report.pk])
    ada, eve = User.objects.create_user("ada"), User.objects.create_user("eve")
    Membership.objects.create(study=study, user=ada, role="viewer")
    backend = "django.contrib.auth.backends.ModelBackend"
    client.force_login(eve, backend=backend)
    assert client.get(address).status_code == 404
    client.force_login(ada, backend=backend)
    assert address in client.get(reverse("dashboard:live", args=[study.slug, study.version])).text
    response = client.get(address)
    assert response["Content-Type"] == "application/pdf"
    assert f'filename="geese-v1-report-{report.pk}.pdf"' in response["Content-Disposition"]
    assert response.content.startswith(b"%PDF")


@pytest.mark.django_db
def test_without_the_extra_the_command_says_what_is_missing_before_it_writes_anything(tmp_path, nothing_installed):
    study = answered_study(participants=2)
    with pytest.raises(CommandError, match=r"A PDF needs the extra pdf and Pango.*prints well from a browser"):
        call_command("report", study.slug, "--out", str(tmp_path / "out"), "--pdf")
    assert not (tmp_path / "out").exists()
    assert not study.report_set.exists()


@pytest.mark.django_db
def test_without_the_extra_the_dashboard_does_not_offer_it_and_says_why(client, tmp_path, nothing_installed):
    study = answered_study(participants=2)
    report = reports.write(study, tmp_path)
    ada = User.objects.create_user("ada")
    Membership.objects.create(study=study, user=ada, role="viewer")
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("dashboard:report_as_pdf", args=[study.slug, study.version, report.pk])
    assert address not in client.get(reverse("dashboard:live", args=[study.slug, study.version])).text
    response = client.get(address)
    assert response.status_code == 503
    assert "Pango" in response.text
