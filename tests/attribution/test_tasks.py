"""Rows are computed once, under a lease, whatever the broker loses and whichever worker dies."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from celery.worker import state as celery_worker
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone
from PIL import Image as PillowImage
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from attribution import compute, tasks
from attribution.computing import add_network
from attribution.decoding import png
from attribution.leases import Lease, LostLeaseError, StoppedError
from attribution.models import Measurement, NetworkUpload, Picture, SaliencyMap, State, Visualization, Worker

from . import demo_rows
from .demo_rows import stored_files

pytestmark = pytest.mark.django_db

MAP, PICTURE = "attribution.saliencymap", "attribution.picture"


@pytest.fixture(autouse=True)
def _own_media(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int]]]:
    """The messages that were sent, instead of sending them."""
    messages: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(tasks.work, "apply_async", lambda args, **_: messages.append(args))
    return messages


def ids(rows: list[Any]) -> list[int]:
    return [row.pk for row in rows]


def expire(rows: Any) -> None:
    """As if the worker that holds these rows had died some time ago."""
    rows.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_map_is_stored_with_what_is_needed_to_trust_it_and_shown_at_once() -> None:
    (row,) = demo_rows.maps(1)
    tasks.work(MAP, [row.pk])
    row.refresh_from_db()
    assert (row.state, row.progress, row.attempts, row.lease) == (State.DONE, 1, 1, "")
    assert row.arrays()["map"].dtype == np.float16
    assert row.arrays()["map"].shape == (1, 64, 64)
    assert row.seconds > 0
    assert {"torch", "gander", "device", "scalar"} <= set(row.provenance)
    picture = Picture.objects.get()
    assert (picture.state, picture.plugin, picture.saliency_map) == (State.DONE, "overlay", row)
    with PillowImage.open(picture.file) as shown:
        assert shown.size == (picture.width, picture.height) == (64, 64)


def test_every_image_of_a_visualization_is_shown() -> None:
    row = demo_rows.class_model(restarts=2)
    tasks.work("attribution.visualization", [row.pk])
    row.refresh_from_db()
    assert (row.state, row.count) == (State.DONE, 2)
    assert row.curves["logit"]
    shown = Picture.objects.filter(visualization=row, state=State.DONE).order_by("index")
    assert [picture.index for picture in shown] == [0, 1]


def test_a_map_in_a_batch_equals_the_map_alone() -> None:
    rows = demo_rows.maps(3)
    tasks.work(MAP, ids(rows))
    for row in rows:
        row.refresh_from_db()
    together = rows[2].arrays()["map"]
    SaliencyMap.objects.filter(pk=rows[2].pk).update(state=State.PENDING)
    tasks.work(MAP, [rows[2].pk])
    rows[2].refresh_from_db()
    np.testing.assert_allclose(rows[2].arrays()["map"], together, atol=2e-3)


def test_done_rows_are_not_computed_again() -> None:
    rows = demo_rows.maps(2)
    tasks.work(MAP, ids(rows))
    before = list(SaliencyMap.objects.values_list("array", "finished_at"))
    tasks.work(MAP, ids(rows))
    assert list(SaliencyMap.objects.values_list("array", "finished_at")) == before
    assert SaliencyMap.order([SaliencyMap.objects.get(pk=rows[0].pk)])[0].pk == rows[0].pk


def test_a_row_has_one_holder_at_a_time() -> None:
    rows = demo_rows.maps(2)
    first = Lease(SaliencyMap, ids(rows))
    second = Lease(SaliencyMap, ids(rows))
    assert ids(first.rows) == ids(rows)
    assert second.rows == []


def test_a_worker_that_lost_its_lease_writes_nothing_and_leaves_no_file() -> None:
    (row,) = demo_rows.maps(1)
    slow = Lease(SaliencyMap, [row.pk])
    expire(SaliencyMap.objects)
    quick = Lease(SaliencyMap, [row.pk])
    assert ids(quick.rows) == [row.pk]
    assert quick.finish(quick.rows[0], into="array", data=b"right", seconds=1.0)
    assert not slow.finish(slow.rows[0], into="array", data=b"wrong", seconds=2.0)
    assert not slow.fail(slow.rows[0], "wrong")
    row.refresh_from_db()
    assert (row.state, row.seconds, row.attempts) == (State.DONE, 1.0, 2)
    assert row.array.read() == b"right"
    assert stored_files("arrays") == {row.array.name}


def test_a_lease_lost_while_the_file_is_being_written_costs_the_file_not_the_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (row,) = demo_rows.maps(1)
    slow = Lease(SaliencyMap, [row.pk])
    storage = SaliencyMap._meta.get_field("array").storage
    save: Callable[..., str] = storage.save

    def taken_over(name: str, content: Any, **options: Any) -> str:
        expire(SaliencyMap.objects)
        Lease(SaliencyMap, [row.pk])
        return save(name, content, **options)

    monkeypatch.setattr(storage, "save", taken_over)
    assert not slow.finish(slow.rows[0], into="array", data=b"wrong", seconds=2.0)
    row.refresh_from_db()
    assert row.state == State.RUNNING
    assert stored_files("arrays") == set()


def test_what_a_dead_worker_left_half_written_is_cleared_away() -> None:
    (row,) = demo_rows.maps(1)
    dead = Lease(SaliencyMap, [row.pk])
    storage = SaliencyMap._meta.get_field("array").storage
    left = storage.save(
        "arrays/left-behind.npz", __import__("django.core.files.base", fromlist=["x"]).ContentFile(b"x")
    )
    SaliencyMap.objects.filter(pk=dead.rows[0].pk).update(array=left)
    expire(SaliencyMap.objects)
    tasks.work(MAP, [row.pk])
    row.refresh_from_db()
    assert row.state == State.DONE
    assert stored_files("arrays") == {row.array.name}


def test_a_heartbeat_prolongs_the_lease_and_says_how_far_it_is(settings: Settings) -> None:
    (row,) = demo_rows.maps(1)
    lease = Lease(SaliencyMap, [row.pk])
    SaliencyMap.objects.update(lease_until=timezone.now() + timedelta(seconds=1))
    lease._beaten -= 100
    lease.progress(0.4)
    row.refresh_from_db()
    assert row.progress == 0.4
    assert row.lease_until > timezone.now() + timedelta(seconds=settings.COMPUTE_LEASE_SECONDS / 2)


def test_a_worker_notices_at_its_next_heartbeat_that_it_lost_its_rows() -> None:
    (row,) = demo_rows.maps(1)
    lease = Lease(SaliencyMap, [row.pk])
    expire(SaliencyMap.objects)
    Lease(SaliencyMap, [row.pk])
    lease._beaten -= 100
    with pytest.raises(LostLeaseError):
        lease.progress(0.5)


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(celery_worker, "should_stop", 0)  # what a SIGTERM sets: the exit code of a good end
    return


@pytest.mark.usefixtures("stopping")
def test_a_worker_that_is_asked_to_stop_gives_its_rows_back_untouched() -> None:
    rows = demo_rows.maps(2)
    with pytest.raises(StoppedError), Lease(SaliencyMap, ids(rows)) as lease:
        lease.progress(0.1)
    tasks.work(MAP, ids(rows))
    assert set(SaliencyMap.objects.values_list("state", "attempts", "lease", "nudged_at")) == {
        (State.PENDING, 0, "", None)
    }


def test_an_image_that_cannot_be_read_fails_its_own_map_only() -> None:
    rows = demo_rows.maps(3)
    Path(rows[1].image.file.path).write_bytes(b"not a picture any more")
    tasks.work(MAP, ids(rows))
    states = [SaliencyMap.objects.get(pk=row.pk) for row in rows]
    assert [row.state for row in states] == [State.DONE, State.FAILED, State.DONE]
    assert "cannot identify image file" in states[1].error


def test_a_target_that_the_network_does_not_have_is_said_in_words() -> None:
    (row,) = demo_rows.maps(1, target={"index": 800, "scalar": "logit"})
    tasks.work(MAP, [row.pk])
    row.refresh_from_db()
    assert row.state == State.FAILED
    assert "8" in row.error


def test_another_version_of_a_plugin_is_not_stored_under_the_old_ones_key() -> None:
    (row,) = demo_rows.maps(1)
    SaliencyMap.objects.update(version=row.version + 1)
    tasks.work(MAP, [row.pk])
    row.refresh_from_db()
    assert row.state == State.FAILED
    assert "order it anew" in row.error


def test_a_plugin_that_is_gone_fails_with_words() -> None:
    (row,) = demo_rows.maps(1)
    SaliencyMap.objects.update(plugin="once_was")
    tasks.work(MAP, [row.pk])
    row.refresh_from_db()
    assert row.error.startswith("There is no “once_was” in methods; there are: ")


def test_predictions_are_stored_and_know_their_image() -> None:
    network, (image, other) = demo_rows.network(), demo_rows.scenes(2)
    row = Measurement.predictions(network, [image])[0]
    assert list(row.images.all()) == [image]
    assert Measurement.predictions(network, [other, image])[1] == row
    tasks.work("attribution.measurement", [row.pk])
    row.refresh_from_db()
    assert row.state == State.DONE
    assert {"index", "label", "logit", "probability"} <= set(row.table[0])
    assert row.first_answer == max(row.table, key=lambda line: line["logit"])["index"]


def test_numbers_that_json_does_not_know_are_stored_as_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Measurement.predictions(demo_rows.network(), demo_rows.scenes(1))[0]
    table = [{"logit": np.float32("nan"), "rank": np.int64(1), "probability": float("inf"), "x": np.float64(0.5)}]
    monkeypatch.setattr(compute, "measurement", lambda *args, **options: table)
    tasks.work("attribution.measurement", [row.pk])
    row.refresh_from_db()
    assert row.table == [{"logit": None, "rank": 1, "probability": None, "x": 0.5}]


def test_a_measurement_waits_for_the_maps_it_is_of() -> None:
    (row,) = demo_rows.maps(1)
    subject = {"maps": {"gradient": [row.content_key]}}
    (waiting,) = Measurement.order(
        [Measurement(plugin="predictions", network=row.network, image_hashes=[row.image.content_hash], subject=subject)]
    )
    tasks.work("attribution.measurement", [waiting.pk])
    waiting.refresh_from_db()
    assert waiting.state == State.PENDING
    tasks.work(MAP, [row.pk])
    tasks.work("attribution.measurement", [waiting.pk])
    waiting.refresh_from_db()
    assert waiting.state == State.DONE


def test_a_measurement_fails_with_its_map_and_both_are_tried_again_together() -> None:
    (row,) = demo_rows.maps(1)
    about = {"network": row.network, "image_hashes": [row.image.content_hash]}
    of_map, of_nothing = (
        Measurement(plugin="predictions", subject={"maps": {"gradient": [key]}}, **about)
        for key in (row.content_key, "0" * 64)
    )
    waiting, lost = Measurement.order([of_map, of_nothing])
    lease = Lease(SaliencyMap, [row.pk])
    lease.fail(lease.rows[0], "The moon was in the way.")
    tasks.sweep()
    for measured, words in ((waiting, "The moon was in the way."), (lost, "is no longer there")):
        measured.refresh_from_db()
        assert measured.state == State.FAILED
        assert words in measured.error
    assert tasks.do([waiting]) == 1  # nobody waits for ever
    assert Measurement.objects.filter(pk=waiting.pk).retry() == 1
    row.refresh_from_db()
    assert row.state == State.PENDING
    tasks.work(MAP, [row.pk])
    assert tasks.do([waiting]) == 1
    waiting.refresh_from_db()
    assert waiting.state == State.DONE


def test_the_oracle_is_a_row_that_depends_on_where_the_object_is() -> None:
    network, image = demo_rows.network(), demo_rows.scenes(1)[0]

    def oracle() -> SaliencyMap:
        (row,) = SaliencyMap.order(
            [SaliencyMap(plugin="oracle_mask", network=network, image=image, target={"index": 0})]
        )
        tasks.work(MAP, [row.pk])
        row.refresh_from_db()
        return row

    nowhere = oracle()
    assert nowhere.state == State.FAILED
    assert "neither masks nor boxes" in nowhere.error
    image.boxes = [{"object": "goose", "left": 10, "top": 20, "right": 30, "bottom": 40}]
    image.save()
    boxed = oracle()
    assert boxed.arrays()["map"].sum() == 400
    mask = np.zeros((64, 64), dtype=bool)
    mask[5:10, 5:10] = True
    image.mask.save("", ContentFile(png(mask)))
    masked = oracle()
    assert masked.arrays()["map"].sum() == 25
    assert oracle() == masked
    assert len({nowhere.content_key, boxed.content_key, masked.content_key}) == 3


def test_a_map_is_measured_against_the_mask_that_the_row_names() -> None:
    (row,) = demo_rows.maps(1)
    mask = np.zeros((64, 64), dtype=bool)
    mask[:, :32] = True
    row.image.mask.save("", ContentFile(png(mask)))
    subject = {"maps": {"gradient": [row.content_key]}, "masks": [row.image.mask_hash]}
    about = {"plugin": "localisation", "network": row.network, "image_hashes": [row.image.content_hash]}
    (measured,) = Measurement.order([Measurement(**about, subject=subject)])
    tasks.do([row])
    tasks.do([measured])
    measured.refresh_from_db()
    map_ = np.abs(row.__class__.objects.get(pk=row.pk).arrays()["map"].astype(float))
    assert measured.table[0]["mask_mass"] == pytest.approx(map_[:, :, :32].sum() / map_.sum(), rel=1e-3)
    assert measured.table[0]["mask_area"] == 0.5
    row.image.mask.save("", ContentFile(png(~mask)))
    (later,) = Measurement.order([Measurement(**about, subject=subject, seed=1)])
    tasks.do([later])
    later.refresh_from_db()
    assert "has had another mask since this was ordered" in later.error


def test_a_picture_waits_for_its_map_and_is_rendered_with_it() -> None:
    (row,) = demo_rows.maps(1)
    picture = demo_rows.picture_of(row)
    tasks.work(PICTURE, [picture.pk])
    picture.refresh_from_db()
    assert (picture.state, picture.attempts) == (State.PENDING, 0)
    tasks.work(MAP, [row.pk])
    picture.refresh_from_db()
    assert picture.state == State.DONE


def test_pictures_of_one_scale_wait_for_each_other_and_share_it() -> None:
    rows = demo_rows.maps(2)
    scale = {"scale_group": demo_rows.group(*rows), "parameters": {"scale": "linear"}}
    pictures = [demo_rows.picture_of(row, **scale) for row in rows]
    tasks.work(MAP, [rows[0].pk])
    assert Picture.objects.get(pk=pictures[0].pk).state == State.PENDING
    tasks.work(MAP, [rows[1].pk])
    tasks.work(PICTURE, ids(pictures))
    assert {Picture.objects.get(pk=picture.pk).state for picture in pictures} == {State.DONE}
    alone = [demo_rows.picture_of(row, parameters={"scale": "linear"}) for row in rows]
    tasks.work(PICTURE, ids(alone))
    shown = [Picture.objects.get(pk=picture.pk).file.read() for picture in [*pictures, *alone]]
    assert shown[:2] != shown[2:]


def test_a_picture_fails_with_its_map_and_waits_again_when_the_map_does() -> None:
    (row,) = demo_rows.maps(1)
    picture = demo_rows.picture_of(row)
    lease = Lease(SaliencyMap, [row.pk])
    lease.fail(lease.rows[0], "The moon was in the way.")
    tasks.sweep()
    picture.refresh_from_db()
    assert picture.state == State.FAILED
    assert "The moon was in the way." in picture.error
    assert Picture.objects.filter(pk=picture.pk).retry() == 1
    row.refresh_from_db()
    assert row.state == State.PENDING
    tasks.sweep()
    picture.refresh_from_db()
    assert (picture.state, picture.error) == (State.PENDING, "")


def test_a_row_that_kills_its_worker_too_often_is_failed_with_words(
    settings: Settings, sent: list[tuple[str, list[int]]]
) -> None:
    rows = demo_rows.maps(2)
    for _ in range(settings.COMPUTE_ATTEMPTS):
        assert Lease(SaliencyMap, [rows[0].pk]).rows
        expire(SaliencyMap.objects.filter(pk=rows[0].pk))
    assert not Lease(SaliencyMap, [rows[0].pk]).rows
    tasks.sweep()
    row = SaliencyMap.objects.get(pk=rows[0].pk)
    assert row.state == State.FAILED
    assert row.error.startswith(f"Its worker died {settings.COMPUTE_ATTEMPTS} times while computing this")
    assert sent == [(MAP, [rows[1].pk])]


def test_rows_whose_worker_died_are_tried_again_one_by_one(sent: list[tuple[str, list[int]]]) -> None:
    rows = demo_rows.maps(3)
    Lease(SaliencyMap, ids(rows))
    assert tasks.sweep() == 0
    expire(SaliencyMap.objects)
    tasks.sweep()
    assert sent == [(MAP, [row.pk]) for row in rows]


def test_rows_that_are_alike_travel_together_and_others_do_not(
    sent: list[tuple[str, list[int]]], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    alike, other = demo_rows.maps(3), demo_rows.maps(2, seed=5)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.nudge([*alike, *other, *demo_rows.maps(1)])
    assert sent == [(MAP, ids(alike)), (MAP, ids(other))]


def test_a_nudge_is_sent_after_the_commit_and_not_at_all_without_one(
    sent: list[tuple[str, list[int]]], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    rows = demo_rows.maps(1)
    with django_capture_on_commit_callbacks(execute=True) as callbacks, transaction.atomic():
        tasks.nudge(rows)
        transaction.set_rollback(True)
    assert (sent, callbacks) == ([], [])
    with django_capture_on_commit_callbacks(execute=True):
        tasks.nudge(rows)
        assert sent == []
    assert sent == [(MAP, ids(rows))]


def test_a_broker_that_is_away_is_logged_and_never_raised(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise OSError("nobody listens")

    monkeypatch.setattr(tasks.work, "apply_async", refuse)
    rows = demo_rows.maps(1)
    with caplog.at_level(logging.WARNING), django_capture_on_commit_callbacks(execute=True):
        tasks.nudge(rows)
    assert "nobody listens" in caplog.text
    rows[0].refresh_from_db()
    assert (rows[0].state, rows[0].nudged_at) == (State.PENDING, None)


def test_the_sweep_sends_what_nobody_heard_of_once_until_it_is_taken_for_lost(
    settings: Settings, sent: list[tuple[str, list[int]]]
) -> None:
    rows = demo_rows.maps(1)
    demo_rows.picture_of(rows[0])
    assert (tasks.sweep(), tasks.sweep()) == (1, 0)
    SaliencyMap.objects.update(nudged_at=timezone.now() - timedelta(seconds=settings.COMPUTE_NUDGE_SECONDS + 1))
    assert tasks.sweep() == 1
    assert sent == [(MAP, ids(rows))] * 2  # and never the picture, whose map is not there yet


def test_only_so_many_messages_are_on_their_way_at_once(
    sent: list[tuple[str, list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "MESSAGES", 2)
    (row,) = demo_rows.maps(1)
    SaliencyMap.order(
        [
            SaliencyMap(plugin="gradient", network=row.network, image=row.image, target=row.target, seed=n)
            for n in range(5)
        ]
    )
    assert (tasks.sweep(), tasks.sweep()) == (2, 0)
    for name, some in list(sent):
        tasks.work(name, some)
    sent.clear()
    assert (tasks.sweep(), tasks.sweep()) == (2, 0)


def test_the_embedded_broker_hands_a_message_on_whole_and_once(tmp_path: Path) -> None:
    from kombu import Connection

    from study import broker

    options = broker.options(tmp_path / "broker")
    with Connection("filesystem://localhost/", transport_options=options) as post:
        channel = post.channel()
        for number in range(3):
            channel._put("some", {"number": number})
        assert [channel._get("some")["number"] for _ in range(3)] == [0, 1, 2]
        assert not list((tmp_path / "broker" / "queue").iterdir())
        assert not list((tmp_path / "broker" / "taken").iterdir())


def test_an_uploaded_checkpoint_becomes_a_network() -> None:
    row = upload(demo_rows.CHECKPOINT.read_bytes(), "mine.safetensors")
    tasks.work("attribution.networkupload", [row.pk])
    row.refresh_from_db()
    assert (row.state, row.error) == (State.DONE, "")
    assert row.network is not None
    assert (row.network.name, len(row.network.labels), row.network.view_size) == ("mine", 8, 64)
    assert stored_files("uploads") == set()
    assert stored_files("networks") == {row.network.checkpoint.name}


def test_an_upload_that_is_no_checkpoint_fails_with_words_and_adds_nothing() -> None:
    row = upload(b"cos\nsystem\n(S'true'\ntR.", "evil.pth")
    tasks.work("attribution.networkupload", [row.pk])
    row.refresh_from_db()
    assert (row.state, row.network) == (State.FAILED, None)
    assert "evil.pth" in row.error
    assert stored_files("networks") == set()


def upload(data: bytes, name: str) -> NetworkUpload:
    row = NetworkUpload(plugin="scenes", name="mine", file_name=name, file_hash=str(hash(data))).fill()
    row.file.save(name, ContentFile(data), save=False)
    row.save()
    return row


def test_a_network_of_the_same_name_is_the_same_or_is_refused() -> None:
    network = demo_rows.network()
    assert demo_rows.network() == network
    labels = [f"class {number}" for number in range(8)]
    with pytest.raises(ValueError, match="There is another network “demo” already"):
        add_network("demo", plugin="scenes", parameters={}, checkpoint=str(demo_rows.CHECKPOINT), labels=labels)
    assert stored_files("networks") == {network.checkpoint.name}


def test_workers_are_there_while_they_are_heard(settings: Settings) -> None:
    Worker.objects.heard("celery@here", 41)
    Worker.objects.heard("celery@here", 41)
    assert [str(worker) for worker in Worker.objects.alive()] == ["celery@here (41)"]
    Worker.objects.update(seen_at=timezone.now() - timedelta(seconds=3 * settings.COMPUTE_SWEEP_SECONDS + 11))
    assert not Worker.objects.alive().exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite's test database is in the memory of one connection")
def test_of_many_workers_that_want_the_same_rows_each_row_has_one() -> None:
    from concurrent.futures import ThreadPoolExecutor

    rows = demo_rows.maps(6)

    def claim(_: int) -> list[int]:
        try:
            return ids(Lease(SaliencyMap, ids(rows)).rows)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        taken = [pk for some in pool.map(claim, range(8)) for pk in some]
    assert sorted(taken) == sorted(ids(rows))


def test_visualizations_and_maps_have_no_pictures_before_they_are_done() -> None:
    demo_rows.maps(1)
    demo_rows.class_model()
    assert not Picture.objects.exists()
    assert Visualization.objects.get().count == 0
