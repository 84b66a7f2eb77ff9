"""Reports' pages: asked for, written by a worker, read under a policy of their own, taken along with the data."""

import csv
import io
import json
import zipfile

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from attribution.models import State
from attribution.tasks import do
from study.dashboard import bundles
from study.models import Membership, Report, ReportRequest, Study

from .answered_study import answered_study


@pytest.fixture
def study(db) -> Study:
    study = answered_study(origin="simulated", participants=3)
    Membership.objects.create(study=study, user=User.objects.create_user("ada"), role="editor")
    return study


@pytest.fixture
def client(study) -> Client:
    client = Client()
    client.force_login(User.objects.get(username="ada"), backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(study: Study, name: str = "study", **more: object) -> str:
    return reverse(f"dashboard:{name}", kwargs={"slug": study.slug, "version": study.version, **more})


def test_a_report_is_asked_for_once_written_by_a_worker_and_listed(client, study):
    page = client.post(address(study, "make_report"), follow=True).text
    client.post(address(study, "make_report"))
    assert ReportRequest.objects.count() == 1
    assert "A worker writes the report asked for" in page
    do(ReportRequest.objects.all())
    report = Report.objects.get()
    listed = client.get(address(study, "live")).text
    assert address(study, "report", pk=report.pk) in listed
    assert "simulated participants only" in listed
    assert "A worker writes" not in listed


def test_a_report_that_could_not_be_written_says_why(client, study):
    client.post(address(study, "make_report"))
    ReportRequest.objects.update(state=State.FAILED, error="There are no answers yet.")
    assert "could not be written: There are no answers yet." in client.get(address(study, "live")).text


def test_a_report_is_shown_as_written_under_a_policy_that_lets_in_its_own_style_alone(client, study):
    client.post(address(study, "make_report"))
    do(ReportRequest.objects.all())
    report = Report.objects.get()
    response = client.get(address(study, "report", pk=report.pk))
    assert response.text == report.html
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "'sha256-" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy


def test_the_policy_names_the_hash_of_each_style():
    html = "<style>p{color:red}</style><STYLE type='text/css'>b{}</STYLE>"
    policy = bundles.policy(html)
    # echo -n 'p{color:red}' | openssl dgst -sha256 -binary | base64
    assert "'sha256-p0bF+un5yUb9MBO6xRb8kPHlY2BdpHVtLiFkDrZPF64='" in policy
    assert policy.count("sha256-") == 2
    assert "style-src 'none'" in bundles.policy("<p>plain</p>")


def test_the_bundle_holds_the_report_and_the_data_it_comes_from(client, study):
    client.post(address(study, "make_report"))
    do(ReportRequest.objects.all())
    report = Report.objects.get()
    response = client.get(address(study, "bundle", pk=report.pk))
    assert f'filename="geese-v1-report-{report.pk}.zip"' in response["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as packed:
        assert {"index.html", "results.json", "responses.csv", "codebook.csv"} <= set(packed.namelist())
        assert packed.read("index.html").decode() == report.html
        assert json.loads(packed.read("results.json")) == report.results


def test_responses_are_sent_as_csv_while_they_are_read(client, study):
    response = client.get(address(study, "responses"))
    assert response.streaming
    assert 'filename="geese-v1-responses.csv"' in response["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert len({row["participant"] for row in rows}) == 6
    assert {row["origin"] for row in rows} == {"simulated"}
