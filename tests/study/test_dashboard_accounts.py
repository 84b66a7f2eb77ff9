"""Logging in and out, and what is kept of failed attempts: a user name and a number, nothing else."""

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

PASSWORD = "goose on a lake"
LOGIN = "/dashboard/log-in/"


@pytest.fixture
def ada(db) -> User:
    return User.objects.create_user("ada", password=PASSWORD)


def log_in(client: Client, password: str, **more: str):
    return client.post(
        LOGIN,
        {"username": "ada", "password": password, **more},
        REMOTE_ADDR="203.0.113.9",
        HTTP_USER_AGENT="TellTale/1.0",
        HTTP_X_FORWARDED_FOR="203.0.113.10",
    )


def test_a_page_leads_to_the_log_in_and_back(client, ada):
    asked = client.get("/dashboard/networks/")
    assert asked["Location"] == f"{LOGIN}?next=/dashboard/networks/"
    assert log_in(client, PASSWORD, next="/dashboard/networks/")["Location"] == "/dashboard/networks/"
    assert client.get("/dashboard/networks/").status_code == 200


def test_logging_in_leads_to_no_other_site(client, ada):
    assert log_in(client, PASSWORD, next="https://elsewhere.example/")["Location"] == reverse("dashboard:home")


def test_logging_out_ends_the_session(client, ada):
    log_in(client, PASSWORD)
    client.post(reverse("dashboard:logout"))
    assert client.get(reverse("dashboard:home")).status_code == 302


def test_a_wrong_password_is_said_beside_the_form(client, ada):
    assert "enter a correct username and password" in log_in(client, "wrong").text


def test_after_eight_failures_the_account_is_locked_and_the_page_says_for_how_long(client, ada):
    for _ in range(8):
        response = log_in(client, "wrong")
    assert response.status_code == 429
    assert "Wait 15 minutes" in response.text
    assert log_in(Client(), PASSWORD).status_code == 429, "the lock is on the name, wherever somebody comes from"


def test_another_account_is_not_locked_with_it(client, ada):
    User.objects.create_user("vi", password=PASSWORD)
    for _ in range(8):
        log_in(client, "wrong")
    assert client.post(LOGIN, {"username": "vi", "password": PASSWORD}).status_code == 302


def test_nothing_tells_who_tried_from_where(client, ada, caplog):
    caplog.set_level("DEBUG")
    log_in(client, "wrong")
    log_in(Client(HTTP_USER_AGENT="Other/2.0"), "wrong")
    attempt = AccessAttempt.objects.get()
    assert attempt.failures_since_start == 2
    kept = " ".join(str(value) for value in vars(attempt).values()) + caplog.text
    for secret in ("203.0.113", "TellTale", "Other/2.0", "wrong"):
        assert secret not in kept
    assert not AccessLog.objects.exists()


def test_a_password_is_changed_and_a_poor_one_is_refused(client, ada):
    log_in(client, PASSWORD)
    address = reverse("dashboard:password")
    poor = client.post(address, {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"})
    assert "at least 10 characters" in poor.text
    new = "another lake entirely"
    done = client.post(address, {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert done["Location"] == reverse("dashboard:home")
    ada.refresh_from_db()
    assert ada.check_password(new)


def test_error_pages_are_whole_without_anybody_logged_in(client, db):
    missing = client.get("/nowhere/")
    assert missing.status_code == 404
    assert "There is nothing here" in missing.text
