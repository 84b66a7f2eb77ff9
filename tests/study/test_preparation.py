"""From a document to what is shown: items, controls, photos, pictures, versions, launch."""

import copy
import re
from typing import Any

import pytest
from django.contrib.auth.models import User

from attribution.models import Image, Measurement, Network, Picture, SaliencyMap, State, Visualization
from study import preparation
from study.models import AuditEntry, Item, Membership, Participant, Stimulus, StimulusSlot, Study

from . import factories
from .factories import LABELS

pytestmark = pytest.mark.django_db

MAPS: list[dict[str, Any]] = [
    {"name": "gradient", "method": "gradient", "rendering": {"display": "overlay"}},
    {"name": "other_class", "method": "gradient", "control": "other_class", "role": "blind_control"},
    {"name": "other_image", "method": "gradient", "control": "other_image", "rendering": {"display": "overlay"}},
    {"name": "shuffled", "method": "gradient", "control": "randomized_network"},
    {"name": "photo", "photo": True, "role": "positive_control"},
]
PHOTO = {"name": "photo", "photo": True, "role": "positive_control"}


def of_maps(**changes: Any) -> dict[str, Any]:
    values = {"conditions": copy.deepcopy(MAPS), "items": {"images": ["*"]}, "design": {"name": "latin_square"}}
    return factories.document(**{**values, **changes})


def predict(wrong: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Write what the network would say: every label right, but that of the images named ``wrong``."""
    for row in Measurement.objects.unfinished():
        image = Image.objects.get(content_hash=row.image_hashes[0])
        index = (LABELS.index(image.label) if image.label else 0) + (image.name in wrong)
        row.table = [
            {"rank": 2, "index": 5, "label": "second", "logit": 1.0, "probability": 0.1},
            {"rank": 1, "index": index % 6, "label": LABELS[index % 6], "logit": 9.0, "probability": 0.9},
        ]
        row.state = State.DONE
        row.save()


def prepared(document: dict[str, Any], *, wrong: set[str] = frozenset()) -> Study:  # type: ignore[assignment]
    factories.network()
    factories.images()
    study = preparation.add(document)
    preparation.prepare(study)
    predict(wrong)
    preparation.advance(study)
    return study


def picture(study: Study, item: str, condition: str, role: str = "explanation") -> Picture:
    slot = StimulusSlot.objects.get(
        stimulus__study=study, stimulus__item__name=item, stimulus__condition__name=condition, role=role
    )
    assert slot.picture
    return slot.picture


def offered(stimulus: Stimulus) -> list[str]:
    return [slot.text for slot in stimulus.slots.filter(role="alternative")]


def test_a_document_that_is_wrong_is_refused_with_all_its_problems_and_leaves_nothing() -> None:
    with pytest.raises(preparation.DocumentError) as raised:
        preparation.add(factories.document(title="x", seed=-1))
    assert len(raised.value.problems) == 2
    with pytest.raises(preparation.DocumentError, match="network: = “tested” is not stored; there are: none"):
        preparation.add(factories.document())
    assert not Study.objects.exists()


def test_a_study_is_its_rows_and_belongs_to_who_added_it() -> None:
    factories.network()
    user = User.objects.create_user("ada")
    study = preparation.add(factories.document(), user)
    assert study.state == Study.State.DRAFT
    trained, shuffled = study.condition_set.all()
    assert (trained.name, shuffled.role) == ("trained", "blind_control")
    assert shuffled.specification["randomized_seed"] >= 0
    assert "shuffled" in shuffled.specification["control_rule"]
    assert "randomized_seed" not in trained.specification
    assert study.role_of(user) == Membership.Role.OWNER
    assert [(entry.user, entry.action) for entry in AuditEntry.objects.all()] == [("ada", "added the study")]
    assert study.recruitment_set.get().name == "link"


def test_every_condition_of_an_item_offers_the_same_alternatives_and_has_the_same_key() -> None:
    study = factories.ready_study()
    for item in study.item_set.all():
        one, other = study.stimulus_set.filter(item=item)
        assert offered(one) == offered(other) == sorted(offered(one))
        assert one.key == other.key == {"identify": {"correct": item.truth["class"]}}


def test_several_of_a_class_are_restarts_of_one_ascent_and_different_photos() -> None:
    conditions = [*factories.DOCUMENT["conditions"], PHOTO]
    study = factories.ready_study(
        conditions=conditions, items={"classes": LABELS[:4], "per_class": 2}, practice={}, catch={}
    )
    assert Visualization.objects.count() == 8  # a class under two networks, whatever the number of its items
    assert {row.parameters["restarts"] for row in Visualization.objects.all()} == {2}
    one, two = (picture(study, f"goose {n}", "trained") for n in (1, 2))
    assert one.visualization == two.visualization
    assert (one.index, two.index) == (0, 1)
    shuffled = picture(study, "goose 1", "shuffled").visualization
    assert shuffled
    assert one.visualization
    assert shuffled.randomized_seed is not None
    assert one.visualization.randomized_seed is None
    photos = [picture(study, f"{label} {n}", "photo").image for label in LABELS[:4] for n in (1, 2)]
    assert [photo.label for photo in photos if photo] == [label for label in LABELS[:4] for _ in (1, 2)]
    assert len(set(photos)) == 8


def test_practice_and_catch_show_photos_that_no_condition_shows_of_unjudged_classes_first() -> None:
    conditions = [*factories.DOCUMENT["conditions"], PHOTO]
    study = factories.ready_study(conditions=conditions, practice={"count": 2}, catch={"count": 3})
    special = study.stimulus_set.filter(item=None)
    shown = [StimulusSlot.objects.get(stimulus=one, role="explanation").picture.image for one in special]  # type: ignore[union-attr]
    of_conditions = Picture.objects.filter(stimulusslot__stimulus__condition__name="photo").values_list(
        "image", flat=True
    )
    assert len({image.pk for image in shown if image}) == 5
    assert not {image.pk for image in shown if image} & set(of_conditions)
    assert sorted(image.label for image in shown if image)[-5:].count("kettle") == 2  # of six classes, four are judged
    for stimulus in special:
        assert stimulus.is_practice != stimulus.is_catch
        assert stimulus.key["identify"]["correct"] in offered(stimulus)
    assert {one["stimulus"] for arm in study.arm_set.all() for one in arm.presentations}.isdisjoint(
        special.values_list("name", flat=True)
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"items": {"classes": ["goose", "unicorn", "lemon", "kettle"]}},
            "items.classes: tested has no class “unicorn”; it has: goose, lemon,",
        ),
        (
            {"conditions": [PHOTO], "items": {"classes": LABELS[:4], "per_class": 3}},
            r"conditions.photo: of “goose” needs 3 photos; there are 2 (goose_0.png, goose_6.png).",
        ),
        ({"catch": {"count": 30}}, "catch.count: = 30 needs 30 labelled photos that no condition shows; there are 11"),
        ({"catch": {"count": 2, "images": ["goose_0.png"]}}, "there is 1 (goose_0.png). Add images with labels"),
    ],
)
def test_what_is_not_there_is_told_in_sentences(changes: dict[str, Any], words: str) -> None:
    factories.network()
    factories.images()
    study = preparation.add(factories.document(**changes))
    preparation.prepare(study)
    study.refresh_from_db()
    assert study.state == Study.State.DRAFT
    assert words in study.problem
    assert not Item.objects.exists()


def test_studies_of_images_wait_for_predictions_before_their_maps() -> None:
    factories.network()
    factories.images()
    study = preparation.add(of_maps(practice={}, catch={}))
    preparation.prepare(study)
    study.refresh_from_db()
    assert study.state == Study.State.PREPARING
    assert (Measurement.objects.count(), SaliencyMap.objects.count()) == (12, 0)
    assert preparation.progress(study) == {"done": 0, "total": 12, "failed": 0, "errors": []}
    preparation.advance(study)
    assert SaliencyMap.objects.count() == 0
    predict(wrong={"goose_0.png"})
    preparation.advance(study)
    assert SaliencyMap.objects.count() > 0
    right, wrong = (study.item_set.get(name=name) for name in ("lemon_1.png", "goose_0.png"))
    assert right.strata == {"label": "lemon", "network_is_right": True}
    assert right.measurements == {"predicted": "lemon", "logit": 9.0, "probability": 0.9}
    assert wrong.strata == {"label": "goose", "network_is_right": False}
    assert wrong.truth == {"class": "goose", "index": 0}
    factories.compute(study)
    assert study.state == Study.State.READY


def test_practice_and_catch_images_are_never_items() -> None:
    study = prepared(of_maps(practice={"count": 2, "images": ["lemon_*"]}, catch={"count": 1}))
    names = set(study.item_set.values_list("name", flat=True))
    assert len(names) == 9  # twelve images, two kept for practice, one for catch trials
    assert not names & {"lemon_1.png", "lemon_7.png"}


def test_items_that_the_network_gets_wrong_are_dealt_evenly_over_the_conditions_of_every_arm() -> None:
    wrong = {"goose_0.png", "lemon_1.png", "dumbbell_2.png", "kettle_4.png", "ostrich_5.png"}
    study = prepared(of_maps(practice={}, catch={}), wrong=wrong)  # by a Latin square of as many conditions
    conditions = [condition.name for condition in study.condition_set.all()]
    assert len(conditions) == len(wrong)
    for arm in study.arm_set.all():
        shown = [one["stimulus"].split(" / ") for one in arm.presentations]
        assert sorted(condition for item, condition in shown if item in wrong) == sorted(conditions)


def test_maps_can_be_for_what_the_network_predicts() -> None:
    items = {"images": ["*"], "target": "predicted"}
    study = prepared(of_maps(items=items, practice={}, catch={}), wrong={"goose_0.png"})
    item = study.item_set.get(name="goose_0.png")
    assert item.truth == {"class": "lemon", "index": 1}
    assert item.strata == {"label": "goose", "network_is_right": False}
    assert picture(study, "goose_0.png", "gradient").saliency_map.target["index"] == 1  # type: ignore[union-attr]


def test_an_image_without_a_label_stops_a_study_of_labels_in_words() -> None:
    factories.network()
    factories.images()
    Image.objects.filter(name="kettle_4.png").update(label="", label_index=None)
    study = preparation.add(of_maps(practice={}, catch={}))
    preparation.prepare(study)
    study.refresh_from_db()
    assert study.state == Study.State.DRAFT
    assert "items.images: of 1 (kettle_4.png) no label is stored that tested knows" in study.problem
    assert 'target = "predicted"' in study.problem


def test_a_label_is_the_networks_class_whatever_another_networks_numbers_are() -> None:
    factories.network()
    factories.images()
    Image.objects.update(label_index=400)
    study = preparation.add(of_maps(practice={}, catch={}))
    preparation.prepare(study)
    predict()
    preparation.advance(study)
    assert study.item_set.get(name="lemon_1.png").truth == {"class": "lemon", "index": 1}


def test_the_control_other_class_is_a_class_that_is_neither_right_nor_offered() -> None:
    study = prepared(of_maps(practice={}, catch={}))
    others = set()
    for item in study.item_set.all():
        stimulus = study.stimulus_set.get(item=item, condition__name="other_class")
        saliency_map = picture(study, item.name, "other_class").saliency_map
        assert saliency_map
        other = LABELS[saliency_map.target["index"]]
        assert saliency_map.image == item.image
        assert other != item.truth["class"]
        assert other not in offered(stimulus)
        assert stimulus.key["identify"]["correct"] == item.truth["class"]
        others.add(other)
    assert len(others) > 2


def test_the_control_other_image_is_another_items_map_over_this_photo() -> None:
    study = prepared(of_maps(practice={}, catch={}))
    for item in study.item_set.all():
        shown = picture(study, item.name, "other_image")
        other = shown.saliency_map
        assert other
        assert other.image != item.image
        assert other.target["index"] == LABELS.index(other.image.label) != item.truth["index"]
        assert shown.image == item.image  # the photo beneath the overlay
        assert picture(study, item.name, "gradient").image == item.image


def test_the_randomized_network_is_one_for_the_study_and_its_seed_is_stored() -> None:
    study = prepared(of_maps(practice={}, catch={}))
    seed = study.condition_set.get(name="shuffled").specification["randomized_seed"]
    maps = [picture(study, item.name, "shuffled").saliency_map for item in study.item_set.all()]
    assert {one.randomized_seed for one in maps if one} == {seed}


def test_a_photo_beside_the_map_is_there_only_where_a_task_shows_it() -> None:
    document = of_maps(practice={"count": 1}, catch={})
    document["tasks"][1]["options"]["panels"] = ["photo", "explanation"]
    study = prepared(document)
    for item in study.item_set.all():
        assert picture(study, item.name, "other_image", "photo").image == item.image
    preparation.add(of_maps(practice={"count": 1}, catch={}))
    preparation.prepare(study)
    preparation.advance(study)
    assert not StimulusSlot.objects.filter(role="photo").exists()


def test_names_and_orders_of_what_is_shown_carry_no_meaning() -> None:
    study = factories.ready_study()
    for shown in Picture.objects.filter(stimulusslot__stimulus__study=study):
        assert re.fullmatch(r"pictures/[A-Za-z0-9_-]{32}\.png", shown.file.name)
    for stimulus in study.stimulus_set.all():
        texts = offered(stimulus)
        assert texts == sorted(texts)


def test_preparing_and_advancing_again_doubles_nothing() -> None:
    study = factories.ready_study()
    counts = [model.objects.count() for model in (Item, Stimulus, StimulusSlot, Picture, Visualization)]
    for _ in range(3):
        preparation.advance(study)
    preparation.prepare(study)
    preparation.advance(study)
    assert [model.objects.count() for model in (Item, Stimulus, StimulusSlot, Picture, Visualization)] == counts
    assert study.state == Study.State.READY  # its pictures are there still


def test_images_that_come_while_predictions_are_computed_are_chosen_from_too() -> None:
    factories.network()
    factories.images(6)
    study = preparation.add(of_maps(practice={}, catch={}))
    preparation.prepare(study)
    factories.images(8)
    predict()
    preparation.advance(study)
    assert study.state == Study.State.PREPARING
    predict()
    preparation.advance(study)
    assert study.item_set.count() == 8
    assert study.stimulus_set.count() == 8 * len(MAPS)


def test_what_fails_is_told_and_tried_again() -> None:
    factories.network()
    factories.images()
    study = preparation.add(factories.document())
    preparation.prepare(study)
    failing = Visualization.objects.all()[0]
    Visualization.objects.filter(pk=failing.pk).update(state=State.FAILED, error="The weights are damaged.")
    factories.compute(study)
    assert study.state == Study.State.PREPARING
    assert "1 of 18 could not be computed" in study.problem
    assert "class_model of goose: The weights are damaged." in study.problem
    assert preparation.progress(study)["failed"] == 1
    assert preparation.retry(study) == 1
    factories.compute(study)
    assert (study.state, study.problem) == (Study.State.READY, "")


def test_the_same_document_again_is_the_same_study() -> None:
    study = factories.running_study()
    assert preparation.add(factories.document()) == study
    assert Study.objects.count() == 1
    assert AuditEntry.objects.filter(action="added the study").count() == 1


def test_a_change_before_launch_keeps_version_and_link_and_drops_previews() -> None:
    study = factories.ready_study()
    link = study.recruitment_set.get().token
    factories.participant(study, origin="preview", source=study)
    again = preparation.add(factories.document(seed=8))
    assert (again.pk, again.version, again.state) == (study.pk, 1, Study.State.DRAFT)
    assert again.recruitment_set.get().token == link
    assert not Participant.objects.exists()
    assert again.condition_set.count() == 2


def test_a_change_after_launch_is_a_new_version_that_says_what_changed() -> None:
    study = factories.running_study()
    user = User.objects.create_user("ada")
    Membership.objects.create(study=study, user=user, role=Membership.Role.EDITOR)
    document = factories.document(seed=8, questionnaire=factories.DOCUMENT["questionnaire"][:1])
    document["conditions"][0]["parameters"] = {"steps": 50}
    second = preparation.add(document, user)
    assert (second.version, second.previous, second.state) == (2, study, Study.State.DRAFT)
    assert second.role_of(user) == Membership.Role.EDITOR
    assert second.recruitment_set.get().token != study.recruitment_set.get().token
    changes = preparation.diff(second)
    assert "seed was 7, now 8." in changes
    assert "conditions.trained.parameters.steps was added: 50." in changes
    assert any(change.startswith("questionnaire.comment was removed") for change in changes)
    assert preparation.diff(study) == []
    study.refresh_from_db()
    assert study.state == Study.State.RUNNING


def test_a_slug_of_somebody_else_is_refused() -> None:
    factories.network()
    preparation.add(factories.document(), User.objects.create_user("ada"))
    with pytest.raises(preparation.DocumentError, match="slug: = “sense-of-geese” is taken; choose another"):
        preparation.add(factories.document(seed=9), User.objects.create_user("bob"))


def test_launch_freezes_and_hashes_everything_that_answers_depend_on() -> None:
    study = factories.ready_study()
    user = User.objects.create_user("ada")
    preparation.launch(study, user)
    assert study.state == Study.State.RUNNING
    frozen = study.frozen
    assert frozen["document"] == study.document
    stimulus = frozen["stimuli"]["goose / trained"]
    assert stimulus["key"] == {"identify": {"correct": "goose"}}
    keys = [slot[3] for one in frozen["stimuli"].values() for slot in one["slots"] if slot[3]]
    assert set(keys) == set(Picture.objects.values_list("content_key", flat=True))
    assert set(frozen["arms"]) == {"trained", "shuffled"}
    assert frozen["conditions"]["shuffled"]["randomized_seed"]
    entry = AuditEntry.objects.filter(action="launched the study").get()
    assert (entry.user, entry.detail["hash"]) == ("ada", study.hash)
    with pytest.raises(preparation.StateError, match="is running; only a study that is ready can be launched"):
        preparation.launch(study)
    with pytest.raises(preparation.StateError, match="what was launched is not prepared again"):
        preparation.prepare(study)


def test_another_seed_gives_another_hash_and_the_same_document_the_same_one() -> None:
    hashes = []
    for slug, seed in (("one", 1), ("one", 2)):
        study = factories.ready_study(slug=slug, seed=seed)
        hashes.append(preparation.frozen(study))
    assert hashes[0] != hashes[1]
    study = preparation.add(factories.document(slug="one", seed=1))
    preparation.prepare(study)
    factories.compute(study)
    assert preparation.frozen(study) == hashes[0]


def test_only_what_is_ready_is_launched() -> None:
    factories.network()
    study = preparation.add(factories.document())
    with pytest.raises(preparation.StateError, match="sense-of-geese v1 is draft; only a study that is ready"):
        preparation.launch(study)


def test_a_study_is_paused_resumed_and_closed_in_this_order_only() -> None:
    study = factories.running_study()
    with pytest.raises(preparation.StateError, match="is running; to resume it, it should be paused"):
        preparation.resume(study)
    preparation.pause(study)
    preparation.resume(study)
    preparation.close(study)
    with pytest.raises(preparation.StateError, match="is closed; to pause it, it should be running"):
        preparation.pause(study)
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-3:] == ["paused the study", "resumed the study", "closed the study"]


def test_network_and_images_of_a_study_cannot_be_deleted_under_it() -> None:
    factories.ready_study()
    with pytest.raises(Exception, match="protected"):
        Network.objects.all().delete()


def test_balanced_items_are_as_many_that_the_network_gets_wrong_as_right() -> None:
    wrong = {"goose_0.png", "lemon_1.png", "dumbbell_2.png", "dalmatian_3.png", "kettle_4.png"}
    study = prepared(of_maps(items={"images": ["*"], "balanced": True}, design={"name": "between"}), wrong=wrong)
    assert study.problem == ""
    kept = {item.name: item.strata["network_is_right"] for item in study.item_set.all()}
    assert len(kept) == 2 * sum(not is_right for is_right in kept.values())
    assert {name for name, is_right in kept.items() if not is_right} <= wrong
    assert sum(kept.values()) >= 3  # two of the five may be for practice or a catch trial
    shown = set(study.stimulus_set.filter(item__isnull=False).values_list("item__name", flat=True))
    assert shown == set(kept)
    preparation.prepare(study)
    preparation.advance(study)
    assert {item.name for item in study.item_set.all()} == set(kept)  # drawn by the seed


def test_balanced_items_need_photos_of_both_kinds() -> None:
    study = prepared(of_maps(items={"images": ["*"], "balanced": True}))
    assert "items.balanced: = true, but of the 10 images with known labels the network gets 10 right" in study.problem
