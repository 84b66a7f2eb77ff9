"""The report: right, self-contained, readable, honest about what it is made of."""

import base64
import json
import re
from html.parser import HTMLParser

import pytest
from django.core.management import CommandError, call_command

from study import reports
from study.models import Response, StimulusSlot, Study, Trial
from study.withdrawal import withdraw
from tests.study import factories
from tests.study.answered_study import CONDITIONS, PHOTO, answered_study, participant

pytestmark = pytest.mark.django_db


def written(study, folder):
    report = reports.write(study, folder)
    return report, (folder / "index.html").read_text(encoding="utf-8")


def test_the_folder_holds_the_page_the_numbers_and_the_data(tmp_path):
    report, html = written(answered_study(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "index.html", "results.json", "responses.csv", "trials.csv", "participants.csv", "items.csv", "codebook.csv",
        "document.json", "plan.json", "datapackage.json", "dataset_description.json", "reproduce.py",
        "README.md", "data",
    }  # fmt: skip
    assert report.html == html
    assert report.results == json.loads((tmp_path / "results.json").read_text())


def test_the_page_names_every_file_beside_it(tmp_path):
    _, html = written(answered_study(), tmp_path)
    for path in tmp_path.iterdir():
        assert path.name == "index.html" or f"<code>{path.name}</code>" in html


def test_question_and_answer_come_first(tmp_path):
    _, html = written(answered_study(), tmp_path)
    text = re.sub(r"<[^>]+>", " ", html[html.index("<body") :])
    question = text.index("Can people recognise which class a class model shows?")
    answer = text.index("People were right more often with “Class model”")
    assert question < answer < 900


def test_results_have_the_documented_shape(tmp_path):
    report, _ = written(answered_study(exclusions=[{"rule": "catch_ratio", "parameters": {}}]), tmp_path)
    found = report.results
    assert {"study", "counts", "findings", "exclusions", "software"} <= set(found)
    assert {"imported", "excluded", "analysed"} <= set(found["counts"]["participants"])
    assert {"imported", "excluded", "analysed"} <= set(found["counts"]["responses"])
    first = found["findings"][0]
    assert set(first) >= {"analysis", "estimates", "tests", "sentence"}
    assert set(first["estimates"][0]) == {
        "condition", "term", "estimate", "low", "high", "half_width", "interval", "shown", "participants", "responses",
    }  # fmt: skip
    assert set(first["tests"][0]) >= {"name", "statistic", "df", "p", "unit"}
    estimate = first["estimates"][0]
    assert estimate["condition"] == "class_model"
    assert 0 < estimate["low"] < estimate["estimate"] < estimate["high"] < 1
    assert estimate["shown"] == f"{100 * estimate['estimate']:.1f}"


def test_the_numbers_on_the_page_are_those_of_the_answers(tmp_path):
    study = answered_study()
    _, html = written(study, tmp_path)
    for condition in ("class_model", "randomized"):
        given = Response.objects.filter(
            trial__participant__study=study, trial__stimulus__condition__name=condition, trial__task="which"
        )
        right = sum(response.columns["correct"] for response in given)
        assert f"{100 * right / given.count():.1f}%" in html


def test_with_one_study_as_another_the_sentences_differ(tmp_path):
    swapped = (("class_model", "Class model", "treatment", 0.2), ("randomized", "Control", "blind_control", 0.8))
    _, better = written(answered_study("better"), tmp_path / "a")
    _, worse = written(answered_study("worse", conditions=swapped), tmp_path / "b")
    assert "People were right more often with “Class model”" in better
    assert "People were right more often with “Class model”" not in worse
    assert "People were right less often with “Class model”" in worse


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def tags(html):
    parser = Tags()
    parser.feed(html)
    return parser.found


def test_the_page_needs_nothing_else_and_its_policy_can_be_strict(tmp_path):
    study = answered_study()
    _, html = written(study, tmp_path)
    found = tags(html)
    assert [tag for tag, _ in found].count("style") == 1
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in found}
    for _, attributes in found:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("src", "data:").startswith("data:")
        assert "href" not in attributes
    assert "url(" not in html
    assert "@import" not in html


def test_what_people_wrote_cannot_become_part_of_the_page(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    conditions = (("class_model", evil, "treatment", 0.7), ("randomized", "Control", "blind_control", 0.2))
    study = answered_study(
        conditions=conditions,
        exclusions=[{"rule": "participants", "parameters": {"named": ["0000"], "reason": evil}}],
    )
    study.document["question"] = {"en": evil}
    study.save()
    _, html = written(study, tmp_path)
    assert evil not in html
    assert not any("onerror" in attributes for _, attributes in tags(html))


def test_simulated_answers_are_marked_everywhere(tmp_path):
    report, html = written(answered_study(origin="simulated"), tmp_path)
    assert report.is_simulated
    assert report.results["simulated"] is True
    assert html.count("SIMULATED") >= 6
    assert '<body class="simulated">' in html
    assert "<title>SIMULATED" in html
    assert "simulated participants" in html
    assert re.search(r"@page \{[^}]*SIMULATED", html)
    for name in ("responses.csv", "trials.csv", "participants.csv", "items.csv", "codebook.csv", "results.json"):
        assert "simulated" in (tmp_path / name).read_text().lower()


def test_persons_answers_are_not_marked_simulated(tmp_path):
    study = answered_study()
    participant(study, study.arm_set.first(), "bot", origin="simulated")
    report, html = written(study, tmp_path)
    assert not report.is_simulated
    assert "SIMULATED" not in html
    assert "bot" not in (tmp_path / "participants.csv").read_text()


def test_the_pictures_that_people_saw_are_in_the_page(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path / "media"
    study = factories.running_study()
    _, html = written(study, tmp_path / "report")
    images = [attributes for tag, attributes in tags(html) if tag == "img"]
    assert [image["alt"] for image in images] == [
        "A picture shown under “trained”, for dalmatian",
        "A picture shown under “shuffled”, for dalmatian",
    ]
    slot = StimulusSlot.objects.get(
        stimulus__item__name="dalmatian", stimulus__condition__name="trained", picture__isnull=False
    )
    with slot.picture.file.open("rb") as file:
        assert base64.b64decode(images[0]["src"].partition(",")[2]) == file.read()


def test_each_excluded_participant_shows_the_rule_that_fired(tmp_path):
    rules = [{"rule": "participants", "parameters": {"named": ["0000", "1001"], "reason": "Asked us to."}}]
    report, html = written(answered_study(exclusions=rules), tmp_path)
    assert {one["participant"] for one in report.results["exclusions"]} == {"0000", "1001"}
    assert html.count("<td>Asked us to.</td>") == 2
    assert report.results["counts"]["participants"]["excluded_by"] == {"participants": 2}


def test_an_outcome_dependent_rule_is_a_deviation(tmp_path):
    rules = [{"rule": "accuracy_at_most", "parameters": {"value": 0.1}}]
    _, html = written(answered_study(exclusions=rules), tmp_path)
    assert "This rule looks at the outcome." in html
    assert "As declared beforehand, participants are left out by what the study measures (accuracy_at_most)" in html


def test_a_study_that_still_runs_is_an_interim_look_and_a_closed_one_is_not(tmp_path):
    study = answered_study()
    assert "interim look" in written(study, tmp_path / "a")[1]
    study.state = Study.State.CLOSED
    study.save()
    _, html = written(study, tmp_path / "b")
    assert "interim look" not in html
    assert "None: the document, the exclusions and the analyses are those that were frozen" in html


def test_a_document_that_was_changed_after_launch_is_a_deviation(tmp_path):
    study = answered_study()
    study.document = {**study.document, "exclusions": [{"rule": "catch_ratio", "parameters": {}}]}
    study.save()
    assert "not the one that was frozen at launch" in written(study, tmp_path)[1]


def test_an_arm_that_loses_more_participants_is_pointed_out(tmp_path):
    study = answered_study(participants=12)
    for number in range(20):
        participant(study, study.arm_set.get(name="randomized"), f"left{number}", state="started")
    assert "The arms lost participants at different rates" in written(study, tmp_path / "a")[1]
    even = answered_study("even", participants=12)
    for arm in even.arm_set.all():
        participant(even, arm, f"left {arm}", state="started")
    assert "The arms did not clearly differ in how many participants they lost" in written(even, tmp_path / "b")[1]


def test_a_study_without_answers_has_a_report_that_says_so(tmp_path):
    report, html = written(answered_study(participants=0), tmp_path)
    assert report.results["findings"][0]["estimates"] == []
    assert "Nobody’s answers are analysed" in html


def test_two_tasks_with_ratings_are_reported_each(tmp_path):
    study = answered_study(participants=3)
    Trial.objects.filter(task="sense", phase="main", position__lt=8).update(task="trust")
    report, _ = written(study, tmp_path)
    assert [finding["analysis"] for finding in report.results["findings"]] == [
        "accuracy_by_condition", "rating_by_condition", "rating_by_condition",
    ]  # fmt: skip
    assert [finding["title"] for finding in report.results["findings"]][1:] == [
        "How people rated it: sense", "How people rated it: trust",
    ]  # fmt: skip


def test_the_primary_analysis_comes_first(tmp_path):
    analyses = [{"name": "rating_by_condition", "parameters": {}}, {"name": "accuracy_by_condition", "parameters": {}}]
    report, _ = written(answered_study(analyses=analyses), tmp_path)
    assert report.results["findings"][0]["analysis"] == "accuracy_by_condition"


def test_parameters_of_the_document_reach_the_analysis(tmp_path):
    analyses = [{"name": "accuracy_by_condition", "parameters": {"interval": "wilson_95", "decimals": 2}}]
    report, html = written(answered_study(analyses=analyses), tmp_path)
    estimate = report.results["findings"][0]["estimates"][0]
    assert estimate["interval"] == "95 % Wilson"
    assert re.fullmatch(r"\d+\.\d\d", estimate["shown"])
    assert "95 % Wilson" in html


def test_a_finished_report_stays_as_it_is_and_a_withdrawal_outdates_it(tmp_path):
    study = answered_study()
    first, html = written(study, tmp_path / "a")
    withdraw(study.participant_set.first())
    second, _ = written(study, tmp_path / "b")
    first.refresh_from_db()
    assert first.html == html
    assert first.outdated_at is not None
    assert second.outdated_at is None
    assert second.results["counts"]["participants"]["withdrawn"] == 1


def test_the_command_writes_the_report_and_says_what_it_found(tmp_path, capsys):
    answered_study(origin="simulated", conditions=(*CONDITIONS, PHOTO))
    call_command("report", "geese", "--out", str(tmp_path / "out"))
    said = capsys.readouterr().out
    assert said.startswith("SIMULATED")
    assert "Simulated participants were right more often with “Class model”" in said
    assert "People were right" not in (tmp_path / "out" / "index.html").read_text()
    assert (tmp_path / "out" / "index.html").exists()


def test_the_command_refuses_an_unknown_study_and_a_file_as_folder(tmp_path):
    answered_study()
    with pytest.raises(CommandError, match="There is no study “ducks”; there are: geese"):
        call_command("report", "ducks", "--out", str(tmp_path))
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(CommandError, match="is a file"):
        call_command("report", "geese", "--out", str(file))


def test_the_page_names_the_level_at_which_it_calls_a_difference_clear(tmp_path):
    study = answered_study(participants=3)
    assert "Below .05 it is called clear here" in written(study, tmp_path / "a")[1]
    study.document = {**study.document, "analysis": {**study.document["analysis"], "alpha": 0.01}}
    assert "Below .01 it is called clear here" in written(study, tmp_path / "b")[1]


def test_a_short_table_stays_on_one_printed_page(tmp_path):
    _, html = written(answered_study(participants=3), tmp_path)
    assert '<div class="table short"' in html
    assert re.search(r"@media print \{.*\.short \{ break-inside: avoid; \}", html, re.DOTALL)
