"""Networks' pages: a checkpoint is sent and waits for a worker; predictions stand beside labels."""

import html
import pickle
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from attribution.models import Image, Measurement, Network, NetworkUpload, State
from attribution.tasks import do
from study.dashboard import predictions

from . import factories


@pytest.fixture
def client(client, db):
    client.force_login(User.objects.create_user("ada"), backend="django.contrib.auth.backends.ModelBackend")
    return client


def send(client, plugin="torchvision", **changes):
    data = {
        "name": "mine",
        "checkpoint": SimpleUploadedFile("weights.pth", b"not read by any page"),
        "parameters-architecture": "squeezenet1_1",
        "parameters-weights": "DEFAULT",
        **changes,
    }
    return client.post(f"{reverse('dashboard:add_network')}?plugin={plugin}", data)


def predict(network: Network, image: Image, *answers: str) -> None:
    """Store what a worker would: these labels, the best first."""
    (row,) = Measurement.predictions(network, [image])
    row.table = [
        {"rank": rank, "index": network.labels.index(label), "label": label, "logit": 5.0 - rank, "probability": 0.5}
        for rank, label in enumerate(answers, start=1)
    ]
    row.state = State.DONE
    row.save()


def test_a_checkpoint_waits_for_a_worker(client):
    response = send(client, labels=SimpleUploadedFile("labels.txt", b"goose\nlemon\n"), source="trained here")
    upload = NetworkUpload.objects.get()
    assert response["Location"] == reverse("dashboard:upload", args=[upload.pk])
    assert upload.state == State.PENDING
    assert upload.labels == ["goose", "lemon"]
    assert upload.parameters == {"architecture": "squeezenet1_1", "weights": "DEFAULT"}
    with upload.file.open("rb") as stored:
        assert stored.read() == b"not read by any page"
    assert "waits for a worker" in client.get(response["Location"]).text
    assert not Network.objects.exists()


def test_what_was_sent_becomes_a_network_once_a_worker_has_checked_it(client):
    checkpoint = (Path(settings.BASE_DIR) / "fixtures" / "demo" / "demo.safetensors").read_bytes()
    file = SimpleUploadedFile("demo.safetensors", checkpoint)
    sent = send(client, "scenes", checkpoint=file, **{"parameters-activation": "relu"})
    do(NetworkUpload.objects.all())
    assert NetworkUpload.objects.get().error == ""
    network = Network.objects.get(name="mine")
    assert reverse("dashboard:network", args=["mine"]) in client.get(sent["Location"]).text
    page = client.get(reverse("dashboard:network", args=["mine"])).text
    assert network.weights_hash in page
    assert "goose" in page


def test_a_checkpoint_that_holds_code_is_refused_in_words_and_its_code_never_runs(client, tmp_path):
    class Code:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    sent = send(client, checkpoint=SimpleUploadedFile("weights.pth", pickle.dumps({"weight": Code()})))
    do(NetworkUpload.objects.all())
    assert not (tmp_path / "ran").exists()
    assert not Network.objects.exists()
    assert "weights.pth" in client.get(sent["Location"]).text
    assert NetworkUpload.objects.get().error in html.unescape(client.get(sent["Location"]).text)


def test_the_same_checkpoint_sent_twice_waits_once(client):
    send(client)
    send(client)
    assert NetworkUpload.objects.count() == 1


def test_a_refused_checkpoint_says_why_and_may_be_sent_again(client):
    send(client)
    NetworkUpload.objects.update(state=State.FAILED, error="weights.pth holds code, which is never run.")
    assert "weights.pth holds code, which is never run." in client.get(reverse("dashboard:networks")).text
    send(client)
    assert NetworkUpload.objects.get().state == State.PENDING


def test_a_refused_checkpoint_is_removed_from_the_list(client):
    send(client)
    upload = NetworkUpload.objects.get()
    address = reverse("dashboard:upload", args=[upload.pk])
    client.post(address)
    assert NetworkUpload.objects.exists(), "one that waits is not removed"
    NetworkUpload.objects.update(state=State.FAILED)
    client.post(address)
    assert not NetworkUpload.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "two words"}, "Enter a valid “slug”"),
        ({"name": "tested"}, "There is a network “tested” already; choose another name."),
        ({"labels": SimpleUploadedFile("names.txt", b"\xff\xfe\x00")}, "names.txt is not UTF-8 text"),
        ({"labels": SimpleUploadedFile("names.txt", b"goose\n\nlemon")}, "names.txt, line 2 is empty"),
        ({"checkpoint": ""}, "This field is required"),
    ],
)
def test_what_is_wrong_with_the_form_is_said(client, changes, words):
    factories.network()
    response = send(client, **changes)
    assert response.status_code == 200
    assert words in response.text
    assert not NetworkUpload.objects.exists()


def test_the_part_that_follows_the_check_stops_asking_when_it_is_over(client):
    send(client)
    address = reverse("dashboard:upload", args=[NetworkUpload.objects.get().pk])
    waiting = client.get(address, headers={"HX-Request": "true"}).text
    assert "hx-trigger" in waiting
    assert "<html" not in waiting
    NetworkUpload.objects.update(state=State.DONE, network=factories.network())
    over = client.get(address, headers={"HX-Request": "true"}).text
    assert "hx-trigger" not in over
    assert reverse("dashboard:network", args=["tested"]) in over


def test_predictions_stand_beside_labels_as_right_or_wrong(client):
    network, images = factories.network(), factories.images(3)
    predict(network, images[0], "goose", "lemon")
    predict(network, images[1], "goose", "lemon")
    text = client.get(reverse("dashboard:network", args=["tested"])).text
    assert "1 of 2 labelled images right at the first answer" in text
    assert text.count("is-correct") == text.count("is-wrong") == 1
    assert "no prediction yet" in text
    assert "1 right, 1 wrong" in client.get(reverse("dashboard:networks")).text


def test_a_label_that_the_network_does_not_know_is_neither_right_nor_wrong(client):
    network, (image,) = factories.network(), factories.images(1)
    image.label, image.label_index = "teapot", 0  # another data set's first class
    image.save()
    predict(network, image, "goose")
    assert predictions.for_images(network, [image])[image.pk].is_correct is None


def test_asking_about_all_images_orders_each_prediction_once(client):
    factories.network()
    factories.images(3)
    address = reverse("dashboard:predict", args=["tested"])
    assert "The workers have 3 predictions to make." in client.post(address, follow=True).text
    client.post(address)
    assert Measurement.objects.filter(plugin="predictions").count() == 3
