"""A study with answers as rows, written straight into the database: what frames, exports and reports start from."""

import random
from datetime import UTC, datetime, timedelta

from attribution import plugins
from study.models import Arm, Condition, Item, Participant, Response, Stimulus, Study, Trial

CLASSES = ["goose", "dalmatian", "lemon", "dumbbell", "ostrich", "teapot", "violin", "kite"]
CONDITIONS = (
    ("class_model", "Class model", "treatment", 0.75),
    ("randomized", "Class model of a randomized network", "blind_control", 0.2),
)
PHOTO = ("photo", "A photo of the class", "positive_control", 0.97)
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def answered_study(
    slug="geese",
    *,
    participants=8,
    origin="person",
    conditions=CONDITIONS,
    classes=CLASSES,
    exclusions=(),
    analyses=None,
    seed=0,
    catch=2,
    catch_skill=1.0,
):
    """A between-participant study that is running; ``participants`` in each arm have answered everything."""
    document = {
        "slug": slug,
        "title": {"en": "Do class models make sense?"},
        "question": {"en": "Can people recognise which class a class model shows?"},
        "languages": ["en"],
        "network": "scenes",
        "seed": seed,
        "conditions": [
            {"name": name, "label": {"en": label}, "role": role, "visualization": "class_model"}
            for name, label, role, _ in conditions
        ],
        "design": {"name": "between"},
        "items": {"classes": list(classes), "per_class": 1, "images": [], "target": "label"},
        "tasks": [{"name": "which", "trial_type": "identify_class"}, {"name": "sense", "trial_type": "rate"}],
        "exclusions": list(exclusions),
        "analysis": {
            "primary": "accuracy_by_condition",
            "alpha": 0.05,
            "analyses": analyses
            or [
                {"name": "accuracy_by_condition", "parameters": {}},
                {"name": "rating_by_condition", "parameters": {}},
            ],
        },
    }
    study = Study(slug=slug, document=document, state=Study.State.RUNNING)
    study.freeze({"document": document, "seeds": {"study": seed}})
    study.frozen_at = START - timedelta(days=1)
    study.save()
    items = [Item.objects.create(study=study, name=name, truth={"class": name}) for name in classes]
    catches = [
        Stimulus.objects.create(study=study, name=f"catch {k}", is_catch=True, key={"which": {"correct": "kite"}})
        for k in range(catch)
    ]
    for position, (name, _, role, _) in enumerate(conditions):
        condition = Condition.objects.create(study=study, name=name, position=position, role=role)
        Arm.objects.create(study=study, name=name, position=position)
        for item in items:
            key = {"which": {"correct": item.name}}
            Stimulus.objects.create(study=study, name=f"{name} {item.name}", item=item, condition=condition, key=key)
    rng = random.Random(seed)
    ease = {item.name: rng.gauss(0, 0.12) for item in items}
    for position, (name, _, _, probability) in enumerate(conditions):
        arm = study.arm_set.get(name=name)
        shown = list(study.stimulus_set.filter(condition__name=name).select_related("item"))
        for number in range(participants):
            person = participant(study, arm, f"{position}{number:03d}", origin)
            skill = rng.gauss(0, 0.08)
            answer(
                person, shown, catches, rng, lambda s, p=probability, k=skill: p + k + ease[s.item.name], catch_skill
            )
    return study


def participant(study, arm, code, origin="person", state="completed"):
    return Participant.objects.create(
        study=study,
        arm=arm,
        code=code,
        origin=origin,
        state=state,
        started_at=START,
        completed_at=START + timedelta(minutes=9) if state == "completed" else None,
    )


def answer(person, shown, catches, rng, probability, catch_skill=1.0):
    """All trials of a participant with their responses; ``probability`` of a right answer for each stimulus."""
    which = plugins.complete(
        "study.trials", "identify_class", {"prompt": "Which class?", "alt": "A picture", "alternatives": 4}
    )
    sense = plugins.complete("study.trials", "rate", {"prompt": "How much sense?", "alt": "A picture", "points": 7})
    trials, scored = [], []

    def add(stimulus, phase, is_right, rating):
        key = stimulus.key["which"]["correct"]
        others = [name for name in CLASSES if name != key]
        chosen = key if is_right else rng.choice(others)
        for task, kind, options, columns in (
            (
                "which",
                "identify_class",
                which,
                {"response": chosen, "answer_key": key, "correct": chosen == key, "is_none": False, "confidence": None},
            ),
            ("sense", "rate", sense, {"rating": float(rating), "scale_low": 1, "scale_high": 7}),
        ):
            trials.append(
                Trial(
                    participant=person,
                    stimulus=stimulus,
                    task=task,
                    trial_type=kind,
                    phase=phase,
                    position=len(trials),
                    options=options,
                )
            )
            scored.append(columns)

    for stimulus in rng.sample(shown, len(shown)):
        chance = min(max(probability(stimulus), 0.02), 0.98)
        add(stimulus, "main", rng.random() < chance, min(max(round(rng.gauss(1 + 6 * chance, 1)), 1), 7))
    for stimulus in catches:
        add(stimulus, "catch", rng.random() < catch_skill, 7)
    Trial.objects.bulk_create(trials)
    Response.objects.bulk_create(
        Response(
            trial=trial,
            answer={},
            columns=columns,
            response_ms=round(rng.lognormvariate(7.6, 0.4), 1),
            quality={"load_ms": 12.5, "viewport": [1280, 720, 1.0]},
        )
        for trial, columns in zip(trials, scored, strict=True)
    )
