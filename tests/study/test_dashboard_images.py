"""Images' pages: files, archives and tables come in whole or not at all; labels, boxes and predictions are shown."""

import io
import zipfile

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image as PillowImage

from attribution.models import Image

from . import factories
from .test_dashboard_networks import predict

ADD = "/dashboard/images/add/"


@pytest.fixture
def client(client, db):
    client.force_login(User.objects.create_user("ada"), backend="django.contrib.auth.backends.ModelBackend")
    return client


def photo(name: str, seed: int = 1) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, factories.png(seed), content_type="image/png")


def text(name: str, content: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode())


def archive(**files: bytes) -> SimpleUploadedFile:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in files.items():
            packed.writestr(name.replace("__", "."), data)
    return SimpleUploadedFile("photos.zip", out.getvalue())


def test_several_files_come_in_with_labels_and_boxes(client):
    data = {
        "pictures": [photo("a.png", 1), photo("b.png", 2)],
        "labels": text("labels.csv", "file,label_index,label\na.png,0,goose\n"),
        "boxes": text("boxes.csv", "file,object,left,top,right,bottom\nb.png,lemon,1,2,30,40\n"),
        "source": "my garden",
        "licence": "CC0",
    }
    page = client.post(ADD, data, follow=True).text
    assert "2 images added." in page
    a, b = Image.objects.order_by("name")
    assert (a.label, a.source, a.licence) == ("goose", "my garden", "CC0")
    assert b.boxes == [{"object": "lemon", "left": 1.0, "top": 2.0, "right": 30.0, "bottom": 40.0}]
    assert 'd="M1.0 2.0H30.0V40.0H1.0z"' in page, "the box is drawn"


def test_an_archive_brings_its_tables(client):
    packed = archive(a__png=factories.png(1), labels__csv=b"file,label\na.png,goose\n")
    assert "1 image added." in client.post(ADD, {"pictures": [packed]}, follow=True).text
    assert Image.objects.get().label == "goose"


def test_tables_may_be_among_the_files(client):
    client.post(ADD, {"pictures": [photo("a.png"), text("labels.csv", "file,label\na.png,goose\n")]})
    assert Image.objects.get().label == "goose"


def test_a_form_without_an_image_is_refused_in_words(client):
    assert "This field is required." in client.post(ADD, {"source": "nowhere"}).text
    for content in ({}, {"inner__zip": archive(a__png=factories.png(1)).read()}):
        page = client.post(ADD, {"pictures": [archive(**content)]})
        assert (page.status_code, "There is no image in it" in page.text) == (200, True)


def test_every_file_that_cannot_be_taken_is_named_and_none_is_added(client):
    page = client.post(ADD, {"pictures": [photo("good.png"), text("words.jpg", "none"), text("drawing.svg", "<svg/>")]})
    assert page.status_code == 200
    assert "words.jpg" in page.text
    assert "drawing.svg" in page.text
    assert not Image.objects.exists()


def test_a_table_that_speaks_of_no_image_is_refused_by_row_and_nothing_is_added(client):
    table = text("labels.csv", "file,label\nstranger.png,goose\n")
    page = client.post(ADD, {"pictures": [photo("good.png")], "labels": table})
    assert "labels.csv row 2, column file: there is no image “stranger.png”" in page.text
    assert not Image.objects.exists()


def test_what_is_there_already_is_said_and_not_stored_again(client):
    client.post(ADD, {"pictures": [photo("a.png")]})
    page = client.post(ADD, {"pictures": [photo("a.png"), photo("b.png", 2)]}, follow=True).text
    assert "1 image added. 1 was there already and not stored again." in page
    assert Image.objects.count() == 2


def test_more_images_than_fit_at_once_are_refused_with_the_way_out(client):
    sent = [photo(f"{number}.png", number) for number in range(101)]
    assert "101 images added." in client.post(ADD, {"pictures": sent}, follow=True).text
    many = archive(**{f"{number}__png": b"" for number in range(301)})
    page = client.post(ADD, {"pictures": [many]}).text
    assert "These are 301 images; 300 are the most at once." in page
    assert "manage.py add_images" in page


def test_the_gallery_finds_by_name_and_label_and_shows_what_a_network_says(client):
    network, images = factories.network(), factories.images(6)
    predict(network, images[0], "goose")
    found = client.get(reverse("dashboard:images"), {"words": "GOOSE"}).text
    assert "1 image with “GOOSE” in name or label." in found
    assert "50.0 %" in found
    assert "is-correct" in found
    assert "lemon_1.png" not in found


def test_markup_in_a_label_is_shown_and_never_run(client):
    (image,) = factories.images(1)
    image.label = "<script>alert(1)</script>"
    image.save()
    assert "<script>alert(1)" not in client.get(reverse("dashboard:images")).text


def test_numbers_in_drawings_are_the_same_in_every_language(client):
    (image,) = factories.images(1)
    image.boxes = [{"object": "goose", "left": 1.5, "top": 2.5, "right": 30.5, "bottom": 40.5}]
    image.save()
    page = client.get(reverse("dashboard:image", args=[image.pk]), headers={"Accept-Language": "de"}).text
    assert 'd="M1.5 2.5H30.5V40.5H1.5z"' in page


def test_one_image_is_shown_with_its_five_answers(client):
    network, (image,) = factories.network(), factories.images(1)
    predict(network, image, "lemon", "goose", "kettle", "ostrich", "dumbbell")
    page = client.get(reverse("dashboard:image", args=[image.pk])).text
    assert page.count("<progress") == 5
    assert "is-wrong" in page


def test_a_thumbnail_is_small_and_the_file_is_whole(client):
    client.post(ADD, {"pictures": [SimpleUploadedFile("big.png", factories.png(3, 900))]})
    image = Image.objects.get()
    small = client.get(reverse("dashboard:image_small", args=[image.pk]))
    assert PillowImage.open(io.BytesIO(small.content)).size == (360, 360)
    whole = b"".join(client.get(reverse("dashboard:image_file", args=[image.pk])).streaming_content)
    assert PillowImage.open(io.BytesIO(whole)).size == (900, 900)
