"""One goose or many: places are counted, networks are the unit, and arms are compared over networks."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ttest_ind

from attribution.diagnostics._instances import components, permutation, welch
from tests.attribution import small
from tests.attribution.test_diagnostics import measured, subject


def test_separate_places_are_counted() -> None:
    evidence = np.zeros((40, 40))
    evidence[5:10, 5:10] = 1
    evidence[25:32, 25:32] = 0.7
    evidence[20:22, 2:4] = 0.4
    assert components(evidence, threshold=0.5, least=0.004) == 2
    assert components(evidence, threshold=0.8, least=0.004) == 1
    assert components(-evidence, threshold=0.5, least=0.004) == 0


def test_networks_are_compared_by_permuting_networks_and_by_welch() -> None:
    assert permutation([1, 1, 1, 1], [5, 5, 5, 5]) == pytest.approx(2 / 70)
    assert permutation([1, 5, 1, 5], [5, 1, 5, 1]) == 1
    one, many = [1.0, 2.0, 2.5, 3.0], [2.0, 4.0, 4.5, 6.0]
    difference, low, high, p = welch(one, many)
    se = (np.var(one, ddof=1) / 4 + np.var(many, ddof=1) / 4) ** 0.5
    assert p == pytest.approx(float(ttest_ind(many, one, equal_var=False).pvalue))
    assert difference == pytest.approx(2.0) == pytest.approx((low + high) / 2)
    assert (high - difference) / se == pytest.approx(2.655, abs=0.01)  # t of 4.25 degrees of freedom, less than 8 - 2
    assert welch([1, 1], [1, 1]) == (0, 0, 0, 1)


def test_too_many_ways_to_share_networks_out_are_drawn_from_both_ends_alike() -> None:
    rng = np.random.default_rng(0)
    one, many = list(rng.normal(size=12)), list(rng.normal(size=12))
    both = permutation(one, many, seed=1), permutation(many, one, seed=2)
    expected = float(ttest_ind(one, many).pvalue)
    assert both == pytest.approx((expected, expected), abs=0.02)


class Places:
    """Stands in for class models and covering: a network's evidence is as many spots as its class model is bright."""

    def __call__(self, folder: str, name: str, **arguments: Any) -> Any:
        assert (folder, name) == ("methods", "occlusion")
        maps = torch.zeros(len(arguments["images"]), 1, 32, 32)
        for row, image in enumerate(arguments["images"]):
            for spot in range(int(image.max())):
                maps[row, 0, 2 + 8 * (spot // 4) :, 2 + 8 * (spot % 4) :][:4, :4] = 1
        return maps


def test_instances_are_counted_by_network_and_the_arms_compared_over_networks() -> None:
    counts = {"one_0": [1, 3], "one_1": [2, 2], "many_0": [4, 6], "many_1": [5, 7]}
    about = subject()
    about.networks, about.run = {name: small.network(classes=2) for name in counts}, Places()
    about.visualizations = {
        f"{name} {index}": torch.full((1, 3, 32, 32), float(count))
        for name, some in counts.items()
        for index, count in enumerate(some)
    }
    about.images, about.boxes = None, []
    arms = {"one": ["one_0", "one_1"], "many": ["many_0", "many_1"]}
    rows = measured("instances_by_training", about, **arms, thresholds=[0.5])
    assert [row["count"] for row in rows if row["kind"] == "network"] == [2, 2, 5, 6]
    (difference,) = [row for row in rows if row["kind"] == "difference"]
    assert difference["difference"] == pytest.approx(3.5)
    assert difference["p_permutation"] == pytest.approx(2 / 6)
    assert [row["count"] for row in rows if row["kind"] == "arm"] == [2, 5.5]
    with pytest.raises(ValueError, match="in the parameters one and many; gone is not here"):
        measured("instances_by_training", about, one=["gone", "one_0"], many=arms["many"])
