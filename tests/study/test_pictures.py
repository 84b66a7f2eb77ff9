"""Public pictures: served to everybody under names nobody guesses, before all other work; nothing else is."""

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from attribution.models import Network, Picture
from tests.study import factories

HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Type": "image/png",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def picture(db: None) -> Picture:
    picture = Picture(plugin="photo", image=factories.images(1)[0], network=factories.network()).fill()
    picture.file.save("any.png", ContentFile(factories.png(1)))
    return picture


def test_a_picture_is_served_with_headers_for_ever_and_without_a_query_or_a_cookie(
    picture: Picture, client: Client, django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        reply = client.get(picture.url)
    assert b"".join(reply.streaming_content) == factories.png(1)  # type: ignore[attr-defined]
    assert {name: reply.headers[name] for name in HEADERS} == HEADERS
    assert reply.headers["Content-Disposition"].startswith("inline")
    assert not reply.cookies
    assert "Vary" not in reply.headers


def test_a_pictures_name_says_nothing_and_cannot_be_guessed(picture: Picture) -> None:
    assert picture.file.name.startswith("pictures/")
    assert len(picture.file.name) == len("pictures/") + 32 + len(".png")
    other = Picture(plugin="photo", image=factories.images(2)[1], network=factories.network()).fill()
    other.file.save("any.png", ContentFile(factories.png(1)))
    assert other.file.name != picture.file.name


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_a_picture_is_only_read(picture: Picture, client: Client, method: str) -> None:
    assert getattr(client, method)(picture.url).status_code == 405


def test_nothing_else_of_the_media_folder_is_public(picture: Picture, client: Client) -> None:
    image = picture.image
    assert image is not None
    name = default_storage.save("networks/" + "a" * 32 + ".png", ContentFile(b"weights"))
    assert Network.objects.exists()
    for path in (image.file.name, name, "pictures/", "", "pictures/" + "x" * 32 + ".png"):
        assert client.get(settings.MEDIA_URL + path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "pictures/../networks/secret.safetensors",
        "pictures/%2e%2e/secret_key",
        "pictures/..%2f..%2fsecret_key",
        "pictures//etc/passwd",
        "pictures/" + "a" * 32 + ".png/../../secret_key",
        "pictures/" + "a" * 32 + ".png\n",
    ],
)
def test_no_path_leads_out_of_the_folder(client: Client, path: str) -> None:
    assert client.get(settings.MEDIA_URL + path).status_code == 404


def test_a_path_with_a_nul_is_refused_before_it_is_looked_for(client: Client) -> None:
    assert client.get(settings.MEDIA_URL + "pictures/a.png%00.txt").status_code == 400
