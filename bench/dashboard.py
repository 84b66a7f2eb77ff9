"""What the dashboard's pages cost with few and with many rows stored: CPU time and queries, in a throw-away SQLite."""

import logging
import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "study.settings")
FOLDER = tempfile.TemporaryDirectory(prefix="gander-bench-")
os.environ["GANDER_VAR"] = FOLDER.name

import django  # noqa: E402  reads the folder

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from attribution.models import Image, Measurement, Network, Picture, SaliencyMap, State, digest  # noqa: E402
from study.models import Membership, Participant, Response, Study, Trial  # noqa: E402
from tests.study import factories  # noqa: E402

TIMES = 15
MAPS, STUDIES, PARTICIPANTS = 10_000, 200, 10_000  # one image a map
PAGES = ("", "networks/", "images/", "pictures/", "studies/", "studies/{study}/", "studies/{study}/live/")


def few() -> Study:
    """One study that one simulated participant has taken."""
    study = factories.running_study()
    person = factories.participant(study, origin="simulated")
    person.state = Participant.State.COMPLETED
    person.save()
    answers = [Response(trial=trial, columns={"correct": True}, response_ms=1000.0) for trial in person.trials.all()]
    Response.objects.bulk_create(answers)
    return study


def many(study: Study) -> None:
    """Copies of what there is: people with their answers, images with a map each, studies."""
    example = study.participant_set.get()
    trials = list(example.trials.order_by("position"))
    people = copies(example, PARTICIPANTS, code="F{}", token="f{}", withdrawal_code="w{}")  # noqa: S106
    for start in range(0, PARTICIPANTS, 500):
        rows = [copy(trial, participant=one) for one in people[start : start + 500] for trial in trials]
        stored = Trial.objects.bulk_create(rows)
        Response.objects.bulk_create(Response(trial=trial, columns={"correct": True}) for trial in stored)
    photo, network = Image.objects.order_by("pk")[0], Network.objects.get()
    photos = copies(photo, MAPS, name="copy_{}.png", content_hash="{:064d}")
    done = {"plugin": "gradient", "target": {"index": 0, "scalar": "logit"}, "state": State.DONE}
    computed = [
        SaliencyMap(network=network, image=one, content_key=digest(["map", n]), **done) for n, one in enumerate(photos)
    ]
    maps = SaliencyMap.objects.bulk_create(computed, batch_size=500)
    drawn = [
        Picture(plugin="overlay", saliency_map=one, image=one.image, state=State.DONE, content_key=digest(["drawn", n]))
        for n, one in enumerate(maps)
    ]
    Picture.objects.bulk_create(drawn, batch_size=500)
    table = [{"rank": rank, "index": rank, "label": "goose", "probability": 0.1} for rank in range(1, 6)]
    asked = {"plugin": "predictions", "network": network, "table": table, "state": State.DONE}
    predicted = [
        Measurement(image_hashes=[one.content_hash], content_key=digest(["predicted", n]), **asked)
        for n, one in enumerate(photos)
    ]
    Measurement.objects.bulk_create(predicted, batch_size=500)
    owner = get_user_model().objects.get()
    memberships = [Membership(study=one, user=owner, role="owner") for one in copies(study, STUDIES, slug="copy-{}")]
    Membership.objects.bulk_create(memberships)


def copies(row: models.Model, count: int, **names: str) -> list:
    """``count`` copies of a row, each with names of its own."""
    rows = [copy(row, **{field: name.format(n) for field, name in names.items()}) for n in range(count)]
    return type(row)._default_manager.bulk_create(rows, batch_size=500)


def copy(row: models.Model, **changes: object) -> models.Model:
    fields = [field.attname for field in row._meta.concrete_fields if not field.primary_key]
    made = type(row)(**{name: getattr(row, name) for name in fields})
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def cost(client: Client, path: str) -> tuple[float, int]:
    """Median CPU milliseconds of one request, and its queries."""
    spent = []
    for _ in range(TIMES):
        began = time.process_time()
        answer = client.get(path)
        spent.append((time.process_time() - began) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answers {answer.status_code}.")
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return statistics.median(spent), len(queries)


def main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    owner = get_user_model().objects.create_user("owner", is_staff=True)
    study = few()
    Membership.objects.create(study=study, user=owner, role="owner")
    client = Client()
    logging.disable()  # what axes says of each log-in
    client.force_login(owner)
    paths = ["/dashboard/" + page.format(study=f"{study.slug}/{study.version}") for page in PAGES]
    bare, _ = cost(Client(), "/dashboard/log-in/")
    before = [cost(client, path) for path in paths]
    many(study)
    stored = f"{Participant.objects.count():,} participants, {Response.objects.count():,} answers, "
    say(f"few: 1 participant; many: {stored}{SaliencyMap.objects.count():,} maps, {Study.objects.count()} studies")
    say(f"the log-in page, which asks for nothing: {bare:.1f} ms CPU")
    say(f"{'page':<42}{'few':>10}{'many':>11}{'ratio':>8}{'queries':>12}")
    for path, (ms, asked) in zip(paths, before, strict=True):
        later, asks = cost(client, path)
        say(f"{path:<42}{ms:7.1f} ms{later:8.1f} ms{later / ms:8.2f}{asked:6} → {asks}")


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
