"""What all tests share."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that touch the database are also worth running on PostgreSQL and Redis (``tests.backends``)."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        touches = item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(fixtures)
        if touches and not item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.services)
