"""Workers move studies on and write reports; one study's trouble holds up no other."""

from pathlib import Path
from typing import Any

import pytest

from attribution import tasks as attribution_tasks
from attribution.models import State
from study import preparation, reports, tasks
from study.models import Report, ReportRequest, Study

pytestmark = pytest.mark.django_db
REPORT = "study.reportrequest"


def requested(slug: str = "one") -> ReportRequest:
    study = Study.objects.create(slug=slug, document={}, state=Study.State.RUNNING)
    return ReportRequest.objects.create(study=study)


def test_a_report_that_is_asked_for_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []

    def write(study: Study, folder: Path) -> Report:
        folders.append(folder)
        return Report.objects.create(study=study, results={}, html="<p>All is well.</p>")

    monkeypatch.setattr(reports, "write", write)
    request = requested()
    for _ in range(2):
        attribution_tasks.work(REPORT, [request.pk])
    request.refresh_from_db()
    assert request.state == State.DONE
    assert request.report == Report.objects.get()
    assert len(folders) == 1
    assert not folders[0].exists()


def test_a_report_that_cannot_be_written_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(study: Study, folder: Path) -> Report:
        raise ValueError("Nobody has answered yet.")

    monkeypatch.setattr(reports, "write", write)
    request = requested()
    attribution_tasks.work(REPORT, [request.pk])
    request.refresh_from_db()
    assert (request.state, request.error) == (State.FAILED, "Nobody has answered yet.")


def test_a_report_whose_message_was_lost_is_found_by_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(attribution_tasks.work, "apply_async", lambda args, **_: sent.append(args))
    request = requested()
    attribution_tasks.sweep()
    assert sent == [(REPORT, [request.pk])]


def test_a_study_in_trouble_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    moved: list[str] = []

    def advance(study: Study) -> None:
        if study.slug == "broken":
            raise RuntimeError("its documents are eaten")
        moved.append(study.slug)

    monkeypatch.setattr(preparation, "advance", advance)
    for slug, state in (("a", "preparing"), ("broken", "preparing"), ("c", "preparing"), ("d", "draft")):
        Study.objects.create(slug=slug, document={}, state=state)
    tasks.advance_studies()
    assert moved == ["a", "c"]
    assert "its documents are eaten" in caplog.text
