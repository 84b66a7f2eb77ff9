"""Who arrives gets the least-filled arm and all trials, once; also when many arrive at once and some leave."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from study import enrolment, preparation, session_plan
from study.models import Participant, RecruiterIdentity, Trial
from tests import backends

from . import factories


def shown(participant: Participant) -> list[tuple[str, str, str]]:
    rows = participant.trials.select_related("stimulus").order_by("position")
    return [(trial.phase, trial.task, trial.stimulus.name if trial.stimulus else "") for trial in rows]


def plain(trial: Trial) -> Any:
    names = ("stimulus_id", "task", "trial_type", "phase", "position", "options", "seed")
    return json.loads(json.dumps([getattr(trial, name) for name in names]))


@pytest.mark.django_db
def test_a_participant_gets_practice_main_with_catch_and_questionnaire_in_this_order() -> None:
    study = factories.running_study(practice={"count": 2}, catch={"count": 2})
    participant = factories.participant(study)
    rows = shown(participant)
    phases = [phase for phase, _, _ in rows]
    assert phases[:4] == ["practice"] * 4
    assert phases[-2:] == ["questionnaire"] * 2
    assert set(phases[4:-2]) == {"main", "catch"}
    assert phases[4] == "main"  # a catch trial is never the first of the main ones
    assert Counter(phases) == {"practice": 4, "main": 8, "catch": 4, "questionnaire": 2}
    presentations = rows[:-2]
    for one, two in zip(presentations[::2], presentations[1::2], strict=True):
        assert (one[1], two[1]) == ("identify", "sense")  # both questions about one picture, then the next
        assert one[2] == two[2]
    assert list(participant.trials.values_list("position", flat=True)) == list(range(len(rows)))
    main = {name for phase, _, name in rows if phase == "main"}
    assert main == {one["stimulus"] for one in participant.arm.presentations}


@pytest.mark.django_db
def test_the_same_seed_gives_the_same_trials_again() -> None:
    participant = factories.participant(factories.running_study())
    stored = list(participant.trials.order_by("position"))
    again = session_plan.trials_of(Participant.objects.get(pk=participant.pk))
    assert [plain(trial) for trial in again] == [plain(trial) for trial in stored]


@pytest.mark.django_db
def test_each_participant_has_an_order_of_their_own_and_catch_trials_anywhere() -> None:
    study = factories.running_study()
    orders, places = set(), set()
    for _ in range(60):
        main = [row for row in shown(factories.participant(study)) if row[0] in ("main", "catch")]
        orders.add(tuple(name for phase, task, name in main if phase == "main" and task == "identify"))
        places.add(next(place for place, row in enumerate(main) if row[0] == "catch") // 2)
    assert len(orders) > 20  # of 24 orders in each of two arms
    assert places == {1, 2, 3, 4}


@pytest.mark.django_db
def test_blocks_keep_their_order_and_are_shuffled_within() -> None:
    study = factories.running_study(design={"name": "latin_square", "order": "blocked"})
    seen = set()
    for _ in range(40):
        participant = factories.participant(study)
        block_of = {one["stimulus"]: one["block"] for one in participant.arm.presentations}
        order = [name for phase, task, name in shown(participant) if phase == "main" and task == "identify"]
        assert [block_of[name] for name in order] == sorted(block_of.values())
        seen.add(tuple(order))
    assert len(seen) > 4


@pytest.mark.django_db
def test_options_are_in_the_participants_language_or_the_studys_first() -> None:
    study = factories.running_study()
    german = factories.participant(study, language="de").trials.filter(task="identify")[0].options
    assert german["prompt"] == "Was zeigt dieses Bild?"
    assert german["names"]["goose"] == "Gans"
    assert german["alternatives"] == 4  # a default that the document leaves out
    other = factories.participant(study, language="fi")
    assert (other.language, other.trials.all()[0].options["prompt"]) == ("en", "What does this picture show?")


@pytest.mark.django_db
def test_arms_fill_evenly_and_who_left_long_ago_frees_a_place() -> None:
    study = factories.running_study()
    for _ in range(6):
        factories.participant(study)
    first, second = study.arm_set.all()
    assert [arm.participant_set.count() for arm in (first, second)] == [3, 3]
    first.participant_set.update(last_seen_at=timezone.now() - timedelta(seconds=settings.SURVEY_FRESH_SECONDS + 1))
    assert [factories.participant(study).arm for _ in range(3)] == [first] * 3
    first.participant_set.update(state=Participant.State.COMPLETED)  # some came back after all
    assert [factories.participant(study).arm for _ in range(3)] == [second] * 3


@pytest.mark.django_db
def test_of_many_arms_only_the_one_that_is_taken_is_read_whole() -> None:
    study = factories.running_study(design={"name": "all_permutations"})
    assert study.arm_set.count() == 4
    with CaptureQueriesContext(connection) as queries:
        factories.participant(study)
    read = [query["sql"] for query in queries if '"presentations"' in query["sql"]]
    assert len(read) == 1
    assert '"study_arm"."id" = ' in read[0]


@pytest.mark.django_db
def test_ties_are_broken_at_random() -> None:
    study = factories.running_study()
    firsts = set()
    for _ in range(20):
        firsts.add(factories.participant(study).arm.name)
        Participant.objects.update(state=Participant.State.WITHDRAWN)
    assert len(firsts) == 2


@pytest.mark.django_db
def test_previews_and_bots_never_count_for_persons_but_bots_balance_among_themselves() -> None:
    study = factories.running_study()
    for origin in ("preview", "simulated"):
        for _ in range(7):
            factories.participant(study, origin=origin, source=study)
    simulated = Participant.objects.filter(origin="simulated").values_list("arm__name", flat=True)
    assert sorted(Counter(simulated).values()) == [3, 4]
    for _ in range(4):
        factories.participant(study)
    persons = Participant.objects.filter(origin="person").values_list("arm__name", flat=True)
    assert sorted(Counter(persons).values()) == [2, 2]


@pytest.mark.django_db
def test_the_same_recruiters_id_returns_to_the_same_participation() -> None:
    study = factories.running_study()
    source = factories.recruitment(study, name="prolific", identity_parameter="PROLIFIC_PID")
    first = factories.participant(study, source=source, external_id="abc", parameters={"STUDY_ID": "s"})
    again = factories.participant(study, source=source, external_id="abc", language="de")
    assert again == first
    assert Participant.objects.count() == 1
    assert RecruiterIdentity.objects.get().parameters == {"STUDY_ID": "s"}
    preparation.close(study)
    assert factories.participant(study, source=source, external_id="abc") == first  # also when nobody new gets in
    with pytest.raises(enrolment.EnrolmentError, match="belongs to a person participant"):
        factories.participant(study, source=source, external_id="abc", origin="simulated")


@pytest.mark.django_db
def test_a_full_study_says_so_and_previews_go_on() -> None:
    study = factories.running_study(design={"name": "between", "quota": 2})
    for _ in range(4):
        factories.participant(study)
    with pytest.raises(enrolment.PlacesTakenError, match="has all 2 participants of each of its 2 arms"):
        factories.participant(study)
    factories.participant(study, origin="preview", source=study)
    leaver = Participant.objects.filter(origin="person")[0]
    Participant.objects.filter(pk=leaver.pk).update(state=Participant.State.WITHDRAWN)
    assert factories.participant(study).arm == leaver.arm


@pytest.mark.django_db
def test_nobody_is_enrolled_where_nobody_should_be() -> None:
    study = factories.ready_study()
    with pytest.raises(enrolment.EnrolmentError, match="sense-of-geese v1 is ready: it takes no person participants"):
        factories.participant(study)
    factories.participant(study, origin="preview", source=study)
    preparation.launch(study)
    source = factories.recruitment(study)
    source.is_open = False
    source.save()
    with pytest.raises(enrolment.EnrolmentError, match="The recruitment “link” of sense-of-geese v1 is closed"):
        factories.participant(study)
    preparation.pause(study)
    with pytest.raises(enrolment.EnrolmentError, match="is paused"):
        factories.participant(study, origin="simulated", source=study)


@pytest.mark.django_db
def test_a_failed_enrolment_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    study = factories.running_study()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Trial.objects, "bulk_create", fail)
    with pytest.raises(OSError, match="the disk is full"):
        factories.participant(study)
    assert not Participant.objects.exists()


@pytest.mark.django_db
def test_a_trials_key_is_its_stimulus_own_or_what_its_question_expects() -> None:
    document = factories.document()
    document["questionnaire"][0]["options"]["expected"] = ["yes"]
    study = factories.running_study(questionnaire=document["questionnaire"])
    trials = {
        trial.task: trial for trial in factories.participant(study).trials.filter(phase__in=["main", "questionnaire"])
    }
    assert trials["identify"].key["correct"] in factories.LABELS
    assert trials["sense"].key == {}
    assert trials["colours"].key == {"expected": ["yes"]}
    assert trials["comment"].key == {}


def database(name: str) -> Iterator[str]:
    """The address of an empty database of its own, gone afterwards."""
    parts = urlsplit(backends.DATABASE_URL)
    admin = urlunsplit(parts._replace(scheme="postgresql"))
    try:
        connection = psycopg.connect(admin, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        pytest.skip(f"PostgreSQL does not answer: {error}")
    connection.execute(f"DROP DATABASE IF EXISTS {name}")
    connection.execute(f"CREATE DATABASE {name}")
    yield urlunsplit(parts._replace(scheme="postgres", path=f"/{name}"))
    connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'arrivals.sqlite3'}"
    else:
        yield from database(f"gander_arrivals_{os.getpid()}")


def test_every_designs_arms_are_filled_evenly_when_fifty_arrive_at_once_and_three_in_ten_leave(
    empty_database: str, tmp_path: Path
) -> None:
    environment = {**os.environ, "DATABASE_URL": empty_database, "GANDER_VAR": str(tmp_path)}
    command = [sys.executable, "-m", "tests.study.arrivals"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for design, found in json.loads(done.stdout).items():
        assert found["problems"] == [], design
        first, quota = found["waves"][0]["assigned"], found["quota"]
        assert sum(first) == min(50, quota * len(first))
        assert max(first) - min(first) <= 1, design  # nobody had left yet: a race would show here
        for wave in found["waves"]:
            assert max(wave["completed"]) <= quota
        assert found["waves"][-1]["completed"] == [quota] * len(first)
        assert found["participants"] > quota * len(first)  # some left
        assert found["codes"] == found["participants"]
        assert len(found["trials"]) == len(first)  # everybody in an arm has every trial, nobody half of them
        # So each item has equally many responses under each condition.
        assert len(found["responses"]) == found["stimuli"]
        assert len(set(found["responses"])) == 1, design
