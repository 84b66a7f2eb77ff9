"""A NUL anywhere in a request: refused in words, on every database alike."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from . import factories

pytestmark = [pytest.mark.django_db, pytest.mark.services]
ADDRESSES = [
    *("/take/%00/", "/take/%00/trials/", "/take/%00/withdraw/", "/take/%00/responses/", "/join/%00/"),
    *("/dashboard/images/?words=%00", "/dashboard/images/?network=a%00", "/dashboard/pictures/?network=%00"),
    *("/dashboard/pictures/order/methods/gradient/cost/?network=%00", "/admin/attribution/image/?q=%00"),
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_address_with_a_nul_is_refused_in_words(address: str, method: str) -> None:
    client = Client()
    superuser = User.objects.create_superuser("ada")
    client.force_login(superuser, backend="django.contrib.auth.backends.ModelBackend")
    reply = getattr(client, method)(address)
    assert (reply.status_code, "NUL character" in reply.text) == (400, True)
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_a_cookie_with_a_nul_is_refused_in_words() -> None:
    address = reverse("survey:join", args=[factories.recruitment(factories.running_study()).token])
    assert Client().get(address, headers={"cookie": 'participation="\\000"'}).status_code == 400
    assert Client().get(address, headers={"cookie": 'participation="x"'}).status_code == 200


def test_a_withdrawal_code_with_a_nul_is_no_code() -> None:
    assert Client().post("/withdraw/", {"code": "\0ABC"}).status_code == 422


def test_a_form_with_a_nul_is_refused_by_the_form() -> None:
    reply = Client().post(reverse("dashboard:login"), {"username": "\0", "password": "\0"})
    assert (reply.status_code, "Null characters are not allowed." in reply.text) == (200, True)
