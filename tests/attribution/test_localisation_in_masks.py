"""Where a map lies, against exact masks."""

import pytest
import torch

from attribution.diagnostics.localisation import is_near
from tests.attribution.test_diagnostics import measured, subject, summary


def test_a_map_is_placed_against_the_exact_mask_as_well() -> None:
    about = subject()
    about.labels, about.boxes = [None] * 4, []
    about.masks = torch.zeros(4, 1, 24, 24, dtype=torch.bool)
    about.masks[:, :, 2:6, 2:6] = True
    about.masks[3] = False  # nobody drew one
    map_ = torch.zeros(4, 1, 24, 24)
    map_[:, :, 2:6, 2:4] = 3  # half of the object, and as many pixels elsewhere, fainter
    map_[:, :, 12:16, 12:14] = 1
    about.maps = {"gradient": map_}
    rows = measured("localisation", about)
    assert len([row for row in rows if row["image"] is not None]) == 3
    row = summary(rows)
    assert (row["mask_pointing"], row["mask_centre_pointing"]) == (1, 0)
    assert row["mask_lead"] == 1
    assert row["lead"] is None
    assert row["mask_mass"] == pytest.approx(3 / 4)
    assert row["mask_rank"] == pytest.approx(1 / 2)
    assert row["mask_area"] == pytest.approx(16 / 576)
    assert row["pointing"] is None
    assert is_near(about.masks[0, 0], (2, 9), 4)
    assert not is_near(about.masks[0, 0], (2, 10), 4)
