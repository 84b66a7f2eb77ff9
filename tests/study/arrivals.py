"""``python -m tests.study.arrivals``: for each design people arrive 50 at a time and three in ten leave.

Prints how the arms were filled. Runs against the database of DATABASE_URL, which has to be empty; ``test_enrolment``
starts it on SQLite and PostgreSQL.
"""

import json
import random
import sys
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import django

TOGETHER, TOO_MANY, DROPPED = 50, 5, 0.3
PLACES = 32  # about so many in each study


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from attribution import plugins

    call_command("migrate", verbosity=0, skip_checks=True)
    json.dump({name: simulated(name) for name in plugins.names("study.designs")}, sys.stdout)


def simulated(design: str) -> dict[str, Any]:
    """A study of this design, filled: what each wave left in its arms, and what went wrong."""
    from django.db.models import Count
    from django.utils import timezone

    from study.models import Participant, Trial

    study, source = running(design)
    people = Participant.objects.filter(study=study)
    arms = list(study.arm_set.values_list("pk", flat=True))
    quota = study.document["design"]["quota"]
    rng = random.Random(1)
    waves: list[dict[str, list[int]]] = []
    problems: list[str] = []

    def filled(**states: object) -> list[int]:
        counts = Counter(dict(people.filter(**states).values_list("arm").annotate(Count("pk"))))
        return [counts[arm] for arm in arms]

    arriving = TOGETHER
    while arriving and len(waves) < 20:
        came = together(source, arriving, problems)
        people.filter(pk__in=[pk for pk in came if rng.random() >= DROPPED]).update(state="completed")
        waves.append({"assigned": filled(), "completed": filled(state="completed")})
        # Those who left are silent for longer than their place is kept.
        people.filter(state="started").update(last_seen_at=timezone.now() - timedelta(days=1))
        missing = sum(quota - completed for completed in waves[-1]["completed"])
        arriving = missing + TOO_MANY if missing else 0
    main_trials = Trial.objects.filter(participant__in=people.filter(state="completed"), phase="main")
    return {
        "quota": quota,
        "waves": waves,
        "problems": problems,
        "responses": sorted(main_trials.values_list("stimulus").annotate(n=Count("pk")).values_list("n", flat=True)),
        "stimuli": study.stimulus_set.filter(is_practice=False, is_catch=False).count(),
        "trials": sorted({(someone.arm_id, someone.trials.count()) for someone in people}),
        "participants": people.count(),
        "codes": people.values("code").distinct().count(),
    }


def running(design: str) -> tuple[Any, Any]:
    """A running study with about PLACES places, and where its participants come from."""
    from study import preparation

    from . import factories
    from .design_examples import fitting

    names, parameters = fitting(design, 3 if design == "all_permutations" else 4)
    study = factories.ready_study(
        slug=design.replace("_", "-"),
        conditions=[
            {"name": name, "visualization": "class_model", "parameters": {"steps": number + 1}}
            for number, name in enumerate(names)
        ],
        items={"classes": factories.LABELS[:4], "per_class": 3},
        design={"name": design, **parameters},
        tasks=factories.document()["tasks"][:1],
        practice={},
        questionnaire=[],
    )
    study.document["design"]["quota"] = max(1, PLACES // study.arm_set.count())
    study.save()
    preparation.launch(study)
    return study, study.recruitment_set.get()


def together(source: Any, count: int, problems: list[str]) -> list[int]:
    """So many people arrive at the same moment; the participants that they become, as far as there are places."""
    from django.db import connection

    from study import enrolment

    barrier = threading.Barrier(count)
    came: list[int] = []

    def arrive() -> None:
        try:
            barrier.wait(60)
            came.append(enrolment.enrol(source, origin="person", language="en", consent_version="2").pk)
        except enrolment.StudyFullError:
            pass
        except Exception as error:  # told to the test, which must not take a broken arrival for a refused one
            problems.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=arrive) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(came)


if __name__ == "__main__":
    main()
