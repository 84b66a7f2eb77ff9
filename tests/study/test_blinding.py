"""Blinded arms: no page, export or report names a condition before the blinding is lifted, which is written down."""

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from study import blinding, frames, frozen_plan, reports, reproduction
from study.dashboard import overview
from study.models import AuditEntry, Membership, Study
from tests.study.answered_study import CONDITIONS, PHOTO, answered_study

NAMES = [name for name, *_ in CONDITIONS]
LABELS = [label for _, label, *_ in CONDITIONS]


@pytest.fixture
def study(db):
    study = answered_study(participants=4)
    prereg = {"blind_arms": True, "forecasts": [{"who": "A", "condition": NAMES[0], "estimate": 70}]}
    study.document = {**study.document, "preregistration": prereg}
    study.document["analysis"]["analyses"][0]["parameters"] = {"control": NAMES[1]}
    study.frozen = {"document": study.document}
    study.save()
    return study


def test_report_and_exports_hold_codes_until_the_blinding_is_lifted_and_agree_with_themselves(study, tmp_path):
    reports.write(study, tmp_path / "blind")
    for path in filter(Path.is_file, (tmp_path / "blind").rglob("*")):
        text = path.read_text(encoding="utf-8")
        for name in (*NAMES, *LABELS):
            assert f'"{name}"' not in text, (path.name, name)
            assert f",{name}," not in text, (path.name, name)
            assert f">{name}<" not in text, (path.name, name)
    html = (tmp_path / "blind" / "index.html").read_text(encoding="utf-8")
    assert "Condition A" in html
    assert "The conditions are coded: the blinding has not been lifted." in html
    found = json.loads((tmp_path / "blind" / "results.json").read_text())
    assert {one["condition"] for one in found["findings"][0]["estimates"]} - {None} == {"A", "B"}
    assert not found["findings"][0]["is_exploratory"]
    assert list(reproduction.verify(tmp_path / "blind")) == []


def test_live_counts_are_coded_and_in_the_codes_order(study):
    (tally,) = overview.tallies(study)
    assert [row["arm"] for row in tally.rows] == ["A", "B"]


def test_codes_hang_on_the_secret_not_on_the_hash_alone(study, settings):
    many = {f"c{k}": None for k in range(6)}
    study.document["conditions"] = [{"name": name} for name in many]
    one = blinding.codes(study)
    settings.SECRET_KEY = "another"
    assert sorted(one.values()) == list("ABCDEF")
    assert blinding.codes(study) != one


def test_the_blinding_is_lifted_of_a_closed_study_and_written_down(study):
    with pytest.raises(CommandError, match="is running; the blinding is lifted when it is closed"):
        call_command("preregister", study.slug, "--lift-blinding")
    study.state = Study.State.CLOSED
    study.save()
    call_command("preregister", study.slug, "--lift-blinding")
    entry = AuditEntry.objects.get(action=blinding.LIFTED)
    assert set(entry.detail) == {"hash", "exclusions", "analysis"}
    answers, _, _ = frames.answers(study)
    assert set(answers.responses["condition"].dropna()) == set(NAMES)
    with pytest.raises(CommandError, match="is not blinded"):
        call_command("preregister", study.slug, "--lift-blinding")


def test_an_owner_lifts_it_on_the_dashboard_once_the_study_is_closed(study):
    clients = {}
    for role in ("owner", "editor"):
        user = User.objects.create_user(role)
        Membership.objects.create(study=study, user=user, role=role)
        clients[role] = Client()
        clients[role].force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    here = {"slug": study.slug, "version": study.version}
    page, lift = reverse("dashboard:study", kwargs=here), reverse("dashboard:unblind", kwargs=here)
    assert "coded in counts, exports and reports until the study is closed" in clients["owner"].get(page).text
    assert "the blinding is lifted when it is closed" in clients["owner"].post(lift, follow=True).text
    study.state = Study.State.CLOSED
    study.save()
    assert clients["editor"].post(lift).status_code == 403
    assert "Lift the blinding" in clients["owner"].get(page).text
    assert "The conditions have their names again" in clients["owner"].post(lift, follow=True).text
    assert AuditEntry.objects.get(action=blinding.LIFTED).user == "owner"
    assert "Lift the blinding" not in clients["owner"].get(page).text


def test_a_study_that_does_not_ask_for_it_is_not_blinded(db):
    study = answered_study(participants=1)
    assert blinding.codes(study) == {}
    assert blinding.document(study) == study.document


@pytest.fixture
def watched(db):
    """Three arms that are blinded, with looks planned."""
    study = answered_study(participants=6, conditions=(*CONDITIONS, PHOTO))
    prereg = {"blind_arms": True, "looks": [0.5, 1.0], "participants": 36}
    analyses = [
        *study.document["analysis"]["analyses"],
        {"name": "equivalence", "parameters": {"first": NAMES[0], "second": PHOTO[0]}},
    ]
    analysis = {**study.document["analysis"], "analyses": analyses}
    study.document = {**study.document, "preregistration": prereg, "analysis": analysis}
    study.frozen = {"document": study.document}
    study.save()
    return study


def test_no_boundary_is_told_of_coded_conditions_and_lifted_ones_have_the_planned_comparison(watched, tmp_path):
    first = reports.write(watched, tmp_path / "blind").results
    (look,) = [one for one in first["supplements"] if one["analysis"] == "looks"]
    assert "Where the study stands cannot be said: the conditions are coded" in look["sentence"]
    assert look["tests"] == []
    equal = next(one for one in first["findings"] if one["analysis"] == "equivalence")
    assert "which conditions these are is coded" in equal["sentence"]
    watched.state = Study.State.CLOSED
    watched.save()
    blinding.lift(watched)
    treated, blind, _ = (one[0] for one in (*CONDITIONS, PHOTO))
    codes = blinding.every_code(watched)
    seen = next(one for one in first["effects"] if set(one["term"].split(" − ")) == {codes[treated], codes[blind]})
    (earlier,) = frozen_plan.looks(watched)
    assert earlier["p"] == seen["p"]  # the family has one comparison, the three pairs were for want of roles
    assert earlier["standard_error"] == seen["standard_error"]
    last = reports.write(watched, tmp_path / "open").results
    (look,) = [one for one in last["supplements"] if one["analysis"] == "looks"]
    assert "Class model” against “Class model of a randomized network" in look["sentence"]
    assert list(reproduction.verify(tmp_path / "open")) == []
