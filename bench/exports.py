"""Exports: time and peak memory of the bundle of a million responses, in a throw-away SQLite database."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from bench import _memory

PARTICIPANTS, TRIALS = 10_000, 100
COPIES = "WITH RECURSIVE n(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM n WHERE k < {} - 1) "


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def start() -> None:
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "study.settings"
    django.setup()


def fill() -> None:
    """A study whose answers are copies of one participant's trial, written by the database itself."""
    start()
    from django.core.management import call_command
    from django.db import connection

    from study.models import Arm, Condition, Item, Participant, Response, Stimulus, Study, Trial

    call_command("migrate", verbosity=0)
    study = Study.objects.create(slug="million", document={"slug": "million", "exclusions": [{"rule": "catch_ratio"}]})
    arm = Arm.objects.create(study=study, name="all", position=0)
    condition = Condition.objects.create(study=study, name="class_model", position=0)
    for place in range(TRIALS):
        item = Item.objects.create(study=study, name=f"item {place}", truth={"class": "goose"})
        Stimulus.objects.create(study=study, name=f"stimulus {place}", item=item, condition=condition)
    first = Participant.objects.create(study=study, arm=arm, code="0", origin="simulated", state="completed")
    stimulus = Stimulus.objects.first()
    trial = Trial.objects.create(
        participant=first, stimulus=stimulus, task="which", trial_type="identify_class", phase="main", position=0,
        options={"alternatives": 4, "none_label": ""},
    )  # fmt: skip
    columns = {"response": "goose", "answer_key": "goose", "correct": True, "is_none": False, "confidence": 3}
    answer = Response.objects.create(trial=trial, columns=columns, response_ms=1234.5, quality={"load_ms": 12.5})
    with connection.cursor() as cursor:
        for model, count, source, changed in (
            (Participant, PARTICIPANTS, first.pk, {"code": "k", "token": "'t' || k", "withdrawal_code": "'w' || k"}),
            (
                Trial,
                PARTICIPANTS * TRIALS,
                trial.pk,
                {
                    "participant_id": f"{first.pk} + k / {TRIALS}",
                    "stimulus_id": f"{stimulus.pk} + k % {TRIALS}",
                    "position": f"k % {TRIALS}",
                },
            ),
            (
                Response,
                PARTICIPANTS * TRIALS,
                answer.pk,
                {"trial_id": f"{trial.pk} + k", "client_id": "lower(hex(randomblob(16)))"},
            ),
        ):
            table = model._meta.db_table
            names = [field.column for field in model._meta.concrete_fields]
            values = [f"{source} + k" if name == "id" else changed.get(name, name) for name in names]
            cursor.execute(
                f"{COPIES.format(count)} INSERT INTO {table} ({', '.join(names)}) "  # noqa: S608  our own names
                f"SELECT {', '.join(values)} FROM {table}, n WHERE id = {source} AND k > 0"
            )


def export(folder: pathlib.Path) -> None:
    """In a process of its own: seconds, peak memory before and after, lines."""
    start()
    from study import exports
    from study.models import Study

    study = Study.objects.get()
    before = _memory.peak()
    began = time.perf_counter()
    exports.bundle(study, folder)
    seconds = time.perf_counter() - began
    with (folder / "responses.csv").open() as file:
        lines = sum(1 for _ in file) - 1
    after = _memory.peak()
    say(json.dumps({"seconds": seconds, "before": before, "after": after, "lines": lines}))


def main() -> None:
    if len(sys.argv) == 2:
        fill()
        return
    if len(sys.argv) == 3:
        export(pathlib.Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "GANDER_VAR": folder, "OMP_NUM_THREADS": "1"}
        environment.pop("DATABASE_URL", None)  # a million answers belong in no database but their own
        command = [sys.executable, "-m", "bench.exports"]
        subprocess.run([*command, "fill"], env=environment, check=True)
        done = subprocess.run([*command, "export", folder], env=environment, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    say(f"{'responses':>12}{'seconds':>10}{'peak memory':>14}{'of it imports':>16}")
    say(f"{found['lines']:12,}{found['seconds']:10.0f}{found['after']:11.0f} MB{found['before']:13.0f} MB")


if __name__ == "__main__":
    main()
