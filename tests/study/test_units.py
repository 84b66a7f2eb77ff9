"""Units as items: what the network was asked decides which photos are shown, and which of a pair is right."""

from typing import Any

import pytest

from attribution.models import Image, Measurement, State
from study import preparation
from study.document import validate
from study.models import Study
from study.survey import session

from . import factories
from .factories import LABELS
from .test_trials_prepared import answered, of

pytestmark = pytest.mark.django_db
UNITS = ["features.3:1", "features.3:4"]
CONDITIONS: list[dict[str, Any]] = [
    {"name": "made", "visualization": "unit"},
    {"name": "photos", "photo": True, "role": "positive_control"},
]


def document(**changes: Any) -> dict[str, Any]:
    items = {"units": UNITS, "images": ["*"], "references": 2}
    made = of("match_activation", CONDITIONS) | {"items": items, "analysis": {"primary": "accuracy_by_condition"}}
    return made | changes


def measure(alike: bool = False) -> None:
    """Write what the network would say: channel 1 is excited in the order of the names, channel 4 the other way."""
    for row in Measurement.objects.unfinished().filter(plugin="unit_activation"):
        names = sorted(Image.objects.filter(content_hash__in=row.image_hashes).values_list("name", flat=True))
        row.table = [
            {"module": row.parameters["module"], "channel": channel, "end": end, "rank": rank + 1}
            | {"image": name, "activation": 1.0 if alike else float(-rank if end == "most" else rank - 99)}
            for channel in row.parameters["channels"]
            for end in ("most", "least")
            for rank, name in enumerate(sorted(names, reverse=(end == "least") != (channel == 4)))
            if rank < row.parameters["top"]
        ]
        row.state = State.DONE
        row.save()


def prepared(given: dict[str, Any], *, alike: bool = False) -> Study:
    factories.network()
    factories.images()
    study = preparation.add(given)
    preparation.prepare(study)
    measure(alike)
    preparation.advance(study)
    return study


def shown(study: Study, item: str, condition: str, role: str) -> list[str]:
    stimulus = study.stimulus_set.get(item__name=item, condition__name=condition)
    return [slot.picture.image.name for slot in stimulus.slots.filter(role=role)]  # type: ignore[union-attr]


def test_a_unit_is_shown_by_the_photos_that_excite_it_most_and_asked_with_the_next_and_the_least() -> None:
    study = prepared(document())
    assert study.problem == ""
    names = sorted(Image.objects.values_list("name", flat=True))
    for unit, ordered in zip(UNITS, (names, names[::-1]), strict=True):
        assert shown(study, unit, "photos", "explanation") == ordered[:2]
        for condition in ("made", "photos"):
            pair = shown(study, unit, condition, "option")
            assert set(pair) == {ordered[2], ordered[-1]}
            key = study.stimulus_set.get(item__name=unit, condition__name=condition).key["asked"]
            assert pair[int(key["correct"]) - 1] == ordered[2]
    made = study.stimulus_set.get(item__name=UNITS[1], condition__name="made").slots.filter(role="explanation")
    pictures = [slot.picture for slot in made]
    assert [picture.index for picture in pictures if picture] == [0, 1]
    row = pictures[0].visualization  # type: ignore[union-attr]
    assert row is not None
    assert (row.target["module"], row.target["channel"], row.parameters["restarts"]) == ("features.3", 4, 2)
    factories.compute(study)
    preparation.launch(study)
    assert all(one["correct"] for one in answered(factories.participant(study)))


def test_what_is_obvious_is_the_photo_itself_under_an_address_of_its_own() -> None:
    study = prepared(document(practice={"count": 1}, catch={"count": 1}))
    factories.compute(study)
    preparation.launch(study)
    judged = {line["image"] for row in Measurement.objects.all() for line in row.table}
    for trial in factories.participant(study).trials.filter(phase__in=["practice", "catch"]):
        assert trial.stimulus
        (own,) = trial.stimulus.slots.filter(role="explanation")
        options = list(trial.stimulus.slots.filter(role="option"))
        right = options[int(trial.stimulus.key["asked"]["correct"]) - 1]
        assert right.picture.image == own.picture.image  # type: ignore[union-attr]
        assert own.picture.image.name not in judged  # type: ignore[union-attr]
        assert len({panel.content for panel in session.screen(trial, study).panels}) == 3


def test_what_is_frozen_says_which_measurement_it_rests_on_and_new_photos_ask_anew() -> None:
    factories.network()
    factories.images()
    study = preparation.add(document())
    preparation.prepare(study)
    first = Measurement.objects.get()
    measure()
    Image.objects.filter(name=f"{LABELS[0]}_0.png").update(name="elsewhere/0.jpg")
    Image.objects.filter(name="elsewhere/0.jpg").delete()
    preparation.advance(study)
    assert study.state == Study.State.PREPARING
    measure()
    preparation.advance(study)
    assert study.stimulus_set.count() == 4
    keys = {item.truth["measured"] for item in study.item_set.all()}
    assert keys == set(Measurement.objects.exclude(pk=first.pk).values_list("content_key", flat=True))


def test_a_unit_that_all_photos_excite_alike_is_refused_in_words() -> None:
    study = prepared(document(), alike=True)
    assert study.problem == (
        "items.units: “features.3:1” is excited alike by all photos that are left to compare; name another unit."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"items": {"units": ["features"], "images": ["*"]}},
            "items.units: should be a list of modules with a channel",
        ),
        ({"items": {"units": UNITS}}, "items: should have images beside units"),
        ({"items": {"units": UNITS, "images": ["*"], "balanced": True}}, "items.balanced: = true belongs to photos"),
        (
            {"conditions": [{"name": "map", "method": "gradient"}]},
            "conditions[1].method: needs items.images: a saliency map is of a photo.",
        ),
        (
            {"conditions": [*CONDITIONS, {"name": "both", "compare": ["made", "photos"]}]},
            "conditions[3].compare: belongs to classes and photos; units are shown one at a time.",
        ),
        ({"training": {"count": 1, "tasks": []}}, "training: shows photos with their maps"),
    ],
)
def test_what_does_not_go_with_units_is_told_by_its_key(changes: dict[str, Any], words: str) -> None:
    found = validate(document(**changes))
    assert any(one.startswith(words) for one in found), found


def test_too_few_photos_are_told_with_how_many_there_should_be() -> None:
    study = prepared(document(items={"units": UNITS, "images": ["goose_*"], "references": 4}))
    assert study.problem.startswith("items.images: should be 6 or more, 4 to show and two to choose from; there are 2")
