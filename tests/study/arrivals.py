"""``python -m tests.study.arrivals``: people arrive 50 at a time, three in ten leave; prints how the arms were filled.

Runs against the database of DATABASE_URL, which has to be empty; ``test_enrolment`` starts it on SQLite and PostgreSQL.
"""

import json
import random
import sys
import threading
from collections import Counter
from datetime import timedelta

import django

WAVE, QUOTA, DROPPED = 50, 20, 0.3


def main() -> None:
    django.setup()
    from django.core.management import call_command
    from django.db.models import Count
    from django.utils import timezone

    from study import enrolment
    from study.models import Participant, Study

    from . import factories

    call_command("migrate", verbosity=0, skip_checks=True)
    conditions = [
        {"name": f"condition{number}", "visualization": "class_model", "parameters": {"steps": number + 1}}
        for number in range(4)
    ]
    study = factories.running_study(conditions=conditions, design={"name": "between", "quota": QUOTA})
    source = study.recruitment_set.get()
    rng = random.Random(1)
    waves, full, problems = [], 0, []

    def filled(**states: object) -> list[int]:
        rows = Participant.objects.filter(**states).values_list("arm").annotate(Count("pk"))
        counts = Counter(dict(rows))
        return [counts[arm.pk] for arm in study.arm_set.all()]

    while not full and len(waves) < 20:
        refused: list[int] = []
        stays = [rng.random() >= DROPPED for _ in range(WAVE)]
        together = threading.Barrier(WAVE)

        def arrive(number: int, stays=stays, together=together, refused=refused) -> None:
            from django.db import connection

            try:
                together.wait(60)
                someone = enrolment.enrol(source, origin="person", language="en", consent_version="2")
                if stays[number]:
                    Participant.objects.filter(pk=someone.pk).update(state=Participant.State.COMPLETED)
            except enrolment.StudyFullError:
                refused.append(number)
            except Exception as error:  # told to the test, which must not take a broken arrival for a refused one
                problems.append(repr(error))
            finally:
                connection.close()

        threads = [threading.Thread(target=arrive, args=(number,)) for number in range(WAVE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        waves.append({"assigned": filled(), "completed": filled(state="completed")})
        # Those who left are silent for longer than their place is kept.
        Participant.objects.filter(state="started").update(last_seen_at=timezone.now() - timedelta(days=1))
        full = len(refused) if min(filled(state="completed")) >= QUOTA else 0
    trials = {someone.trials.count() for someone in Participant.objects.all()}
    codes = Participant.objects.values("code").distinct().count()
    json.dump(
        {
            "waves": waves,
            "problems": problems,
            "trials": sorted(trials),
            "participants": Participant.objects.count(),
            "codes": codes,
            "state": Study.objects.get().state,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
