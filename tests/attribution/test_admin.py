"""The admin shows where computing stands and changes nothing."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.test.client import Client
from django.urls import path

from attribution.models import Image, Measurement, Network, NetworkUpload, Picture, SaliencyMap, Visualization, Worker

from . import demo_rows

MODELS = [Image, Measurement, Network, NetworkUpload, Picture, SaliencyMap, Visualization, Worker]
urlpatterns = [path("admin/", admin.site.urls)]


@pytest.mark.django_db
@pytest.mark.urls(__name__)
@pytest.mark.parametrize("model", MODELS)
def test_every_kind_of_row_is_listed_for_an_administrator_and_can_only_be_read(model: type, rf: RequestFactory) -> None:
    (row,) = demo_rows.maps(1)
    demo_rows.class_model()
    demo_rows.picture_of(row)
    administrator = User.objects.create_superuser("administrator")
    client = Client()
    client.force_login(administrator)
    assert client.get(f"/admin/attribution/{model.__name__.lower()}/").status_code == 200
    request = rf.get("/")
    request.user = administrator
    allowed = admin.site._registry[model].get_model_perms(request)  # type: ignore[index]
    assert allowed == {"add": False, "change": False, "delete": False, "view": True}
