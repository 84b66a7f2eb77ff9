"""From a document to a running study: rows, what has to be computed, arms; then launch, which freezes it all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from attribution.models import Computation, Measurement, Network, Picture, SaliencyMap, State, Visualization
from attribution.tasks import nudge

from . import designs, session_plan
from .changes import document_changes
from .condition_pictures import CONTROL_RULES, Source
from .document import Problem, completed, validate
from .document_design import schedule
from .launching import StateError, close, frozen, launch, locked, pause, resume
from .models import Arm, Condition, Item, Membership, Participant, Recruitment, Study
from .selection import DocumentError, balanced, drawn, select
from .stimuli import build, settle_truth, stimulus_name
from .units import activations, measured_by, measured_keys, settle_units

__all__ = [
    "DocumentError",
    "StateError",
    "add",
    "advance",
    "close",
    "diff",
    "frozen",
    "launch",
    "pause",
    "prepare",
    "progress",
    "resume",
    "retry",
    "works",
]

SHOWN_ERRORS = 5


def add(document: Mapping[str, Any], user: User | None = None) -> Study:
    """The study of a document: a new one, the unlaunched one of its slug changed, or a new version of a launched one.

    The same document again gives the study that is there. Raises DocumentError with all problems.
    """
    if problems := validate(document):
        raise DocumentError(problems)
    whole = completed(document)
    if not Network.objects.filter(name=whole["network"]).exists():
        known = ", ".join(Network.objects.values_list("name", flat=True)) or "none"
        raise DocumentError([Problem(("network",), f"= “{whole['network']}” is not stored; there are: {known}.")])
    with transaction.atomic():
        # The lock of every version's row: two who add the same slug at once make two versions, not one twice.
        versions = list(Study.objects.filter(slug=whole["slug"]).select_for_update().order_by("-version"))
        latest = versions[0] if versions else None
        if latest is None:
            study = Study.objects.create(slug=whole["slug"], document=whole)
        else:
            _check_may_change(latest, user)
            if latest.document == whole:
                return latest
            study = _next_version(latest, whole) if latest.is_frozen else _changed(latest, whole)
        _make_rows(study)
        if user is not None and not study.membership_set.exists():
            Membership.objects.create(study=study, user=user, role=Membership.Role.OWNER)
        study.note("added the study", user, version=study.version)
    return study


def _check_may_change(study: Study, user: User | None) -> None:
    if user is not None and study.role_of(user) not in (Membership.Role.OWNER, Membership.Role.EDITOR):
        raise DocumentError([Problem(("slug",), f"= “{study.slug}” is taken; choose another.")])
    if study.state == Study.State.IMPORTED:
        words = f"= “{study.slug}” is a study whose answers were imported; choose another."
        raise DocumentError([Problem(("slug",), words)])


def _next_version(latest: Study, whole: dict[str, Any]) -> Study:
    study = Study.objects.create(slug=latest.slug, version=latest.version + 1, previous=latest, document=whole)
    Membership.objects.bulk_create(
        [Membership(study=study, user_id=one.user_id, role=one.role) for one in latest.membership_set.all()]
    )
    return study


def _changed(study: Study, whole: dict[str, Any]) -> Study:
    """The same unlaunched version with another document; those who previewed the old one go."""
    _clear(study)
    study.condition_set.all().delete()
    study.document, study.state, study.problem = whole, Study.State.DRAFT, ""
    study.save()
    return study


def _clear(study: Study) -> None:
    Participant.objects.filter(study=study, origin=Participant.Origin.PREVIEW).delete()
    study.stimulus_set.all().delete()
    study.arm_set.all().delete()
    study.item_set.all().delete()


def _make_rows(study: Study) -> None:
    document = study.document
    network_seed = drawn(document["seed"], "randomized_network").getrandbits(31)
    for position, one in enumerate(document["conditions"]):
        specification = dict(one)
        if one["control"]:
            specification["control_rule"] = CONTROL_RULES[one["control"]]
        if one["control"] == "randomized_network":
            specification["randomized_seed"] = network_seed
        Condition.objects.create(
            study=study, name=one["name"], position=position, role=one["role"], specification=specification
        )
    # A source keeps its row, and with it its link, while the study is still changed.
    wanted = {one["name"]: one for one in document["recruitment"]}
    study.recruitment_set.exclude(name__in=wanted).delete()
    for name, one in wanted.items():
        values = {key: value for key, value in one.items() if key != "name"}
        Recruitment.objects.update_or_create(study=study, name=name, defaults=values)


def prepare(study: Study) -> None:
    """Choose items and images, order the predictions, and go on as far as what is computed allows.

    What stands in the way is noted in ``study.problem``, in sentences; the study is then a draft again.
    """
    with transaction.atomic():
        study = locked(study)
        if study.is_frozen:
            raise StateError(f"{study} is {study.state}; what was launched is not prepared again.")
        _clear(study)
        study.state, study.problem = Study.State.PREPARING, ""
        try:
            with transaction.atomic():
                nudge(_choose(study))
        except DocumentError as error:
            study.state, study.problem = Study.State.DRAFT, "\n".join(error.problems)
        study.save(update_fields=["state", "problem"])
    advance(study)


def _choose(study: Study) -> list[Computation]:
    """Store the items; the predictions that have to be there before their targets are known."""
    network = Network.objects.get(name=study.document["network"])
    selection = select(study.document, network)
    rows = [
        Item(
            study=study,
            name=one.name,
            image=one.image,
            truth={"class": one.label, "index": network.labels.index(one.label), "number": one.number}
            if one.label
            else {},
        )
        for one in selection.items
    ]
    rows += [Item(study=study, name=image.name, image=image, is_training=True) for image in selection.training]
    measured = activations(study.document, network, selection.pool)
    for row in rows:
        row.truth |= measured_by(row.name, measured) if selection.pool else {}
    Item.objects.bulk_create(rows)
    return [*Measurement.predictions(network, [row.image for row in rows if row.image]), *measured]


def advance(study: Study) -> None:
    """Take a study that is being prepared as far as what is computed allows; safe to call at any time, by anybody."""
    with transaction.atomic():
        study_ = locked(study)
        if study_.state == Study.State.PREPARING:
            try:
                with transaction.atomic():
                    _advance(study_)
            except DocumentError as error:
                study_.state, study_.problem = Study.State.DRAFT, "\n".join(error.problems)
            study_.save(update_fields=["state", "problem"])
    study.refresh_from_db()


def _advance(study: Study) -> None:
    if not study.stimulus_set.exists():
        network = Network.objects.get(name=study.document["network"])
        items = list(Item.objects.filter(study=study).select_related("image").order_by("pk"))
        if not _asked(study).exclude(state=State.DONE).exists():
            _compose(study, network, items)
    found = progress(study)
    study.problem = _failures(found)
    if study.stimulus_set.exists() and found["done"] == found["total"]:
        study.state = Study.State.READY


def _compose(study: Study, network: Network, items: list[Item]) -> None:
    """Store stimuli and arms, and order all pictures."""
    selection = select(study.document, network)
    chosen = [one.image.content_hash if one.image else one.name for one in selection.items]
    chosen += [image.content_hash for image in selection.training]
    measured = activations(study.document, network, selection.pool)
    stored = [item.image.content_hash if item.image else item.name for item in items]
    if chosen != stored or {row.content_key for row in measured} != measured_keys(items):
        # Images came or went while predictions were computed: choose again from what is there now.
        _clear(study)
        nudge(_choose(study))
        return
    settle_truth(study.document, network, items)
    selection.references = settle_units(study.document, items, measured, selection.pool)
    Item.objects.bulk_update(items, ["truth", "strata", "measurements"])
    training = [item for item in items if item.is_training]
    items = [item for item in items if not item.is_training]
    if study.document["items"]["balanced"]:
        items = balanced(study.document, items)
        study.item_set.exclude(pk__in=[item.pk for item in training + items]).delete()
    try:
        arms = schedule(study.document, [item.name for item in items], _strata(items))
    except designs.DesignError as error:
        raise DocumentError([Problem(("design",), str(error))]) from error
    _check_blocks(study.document, arms)
    Arm.objects.bulk_create([_arm(study, position, arm) for position, arm in enumerate(arms)])
    nudge(build(Source(study, network, selection, items, list(study.condition_set.all())), training))


def _check_blocks(document: Mapping[str, Any], arms: Sequence[designs.Arm]) -> None:
    """Whether every arm has a presentation for each training session, and as many to repeat as are wanted."""
    wanted, sessions = document["repeats"]["count"], document["training"]["sessions"]
    for arm in arms:
        blocks = Counter(presentation.block for presentation in arm.presentations)
        if sessions > (fewest := min(blocks.values())):
            words = f"= {sessions} should be at most {fewest}: a block of “{arm.name}” has no more presentations."
            raise DocumentError([Problem(("training", "sessions"), words)])
        parts = [len(part) for count in blocks.values() for part in session_plan.sessions_of(range(count), sessions)]
        if wanted > (most := session_plan.most_repeats(parts)):
            words = f"= {wanted} should be at most {most}: so many of “{arm.name}” are in the first half of a block."
            raise DocumentError([Problem(("repeats", "count"), words)])


def _strata(items: Sequence[Item]) -> dict[str, str]:
    """Whether the network is right about each item of which it was asked: both kinds are dealt out evenly."""
    known = {item.name: item.strata["network_is_right"] for item in items if "network_is_right" in item.strata}
    return {name: "network is right" if is_right else "network is wrong" for name, is_right in known.items()}


def _arm(study: Study, position: int, arm: designs.Arm) -> Arm:
    presentations = [
        {"stimulus": stimulus_name(one.item, one.condition), "block": one.block} for one in arm.presentations
    ]
    return Arm(study=study, name=arm.name, position=position, presentations=presentations)


def _asked(study: Study) -> QuerySet[Measurement]:
    """What has to be known before pictures are ordered: what the network says of the items' images, what excites the
    items that are units."""
    network = Network.objects.get(name=study.document["network"])
    hashes = study.item_set.filter(image__isnull=False).values_list("image__content_hash", flat=True)
    rows = [Measurement(plugin="predictions", network=network, image_hashes=[one]).fill() for one in hashes]
    keys = {row.content_key for row in rows} | measured_keys(study.item_set.filter(image__isnull=True))
    return Measurement.objects.filter(content_key__in=keys)


def works(study: Study) -> list[Any]:
    """The querysets of all that is computed for the study: predictions, maps, visualizations, then pictures."""
    pictures = Picture.objects.filter(stimulusslot__stimulus__study=study).values("pk")
    return [
        _asked(study),
        SaliencyMap.objects.filter(pk__in=Picture.objects.filter(pk__in=pictures).values("saliency_map")),
        Visualization.objects.filter(pk__in=Picture.objects.filter(pk__in=pictures).values("visualization")),
        Picture.objects.filter(pk__in=pictures),
    ]


def progress(study: Study) -> dict[str, Any]:
    """How much of what the study needs is computed: {"done", "total", "failed", "errors": sentences}."""
    counts: Counter[str] = Counter()
    errors = []
    for rows in works(study):
        counts.update(rows.order_by().values_list("state", flat=True))
        errors += [f"{row}: {row.error}" for row in rows.filter(state=State.FAILED)]
    return {
        "done": counts[State.DONE],
        "total": counts.total(),
        "failed": counts[State.FAILED],
        "errors": errors,
    }


def retry(study: Study) -> int:
    """Let what failed be tried again; how many rows that were."""
    count = 0
    for rows in works(study):
        failed = list(rows.filter(state=State.FAILED).values_list("pk", flat=True))
        count += rows.model._default_manager.filter(pk__in=failed).retry()
        nudge(rows.model._default_manager.filter(pk__in=failed))
    return count


def _failures(found: Mapping[str, Any]) -> str:
    if not found["failed"]:
        return ""
    more = "" if len(found["errors"]) <= SHOWN_ERRORS else f"\n… and {len(found['errors']) - SHOWN_ERRORS} more."
    shown = "\n".join(found["errors"][:SHOWN_ERRORS])
    return f"{found['failed']} of {found['total']} could not be computed; try them again.\n{shown}{more}"


def diff(study: Study) -> list[str]:
    """What a version's document changed against the previous one, one sentence a key; [] where there is none."""
    return document_changes(study.previous.document, study.document) if study.previous else []
