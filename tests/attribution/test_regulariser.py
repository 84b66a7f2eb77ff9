"""What is the prior's: its template, its judge, and a control that answers."""

import pytest

from attribution import plugins
from attribution.networks import Network, randomized
from tests.attribution import demo_rows, small
from tests.attribution.test_diagnostics import measured, subject


def demo_network() -> Network:
    found: Network = plugins.load("attribution.networks", "scenes").load(demo_rows.CHECKPOINT, None)
    return found


def test_the_regularisers_template_leaves_out_the_class_and_a_second_network_judges() -> None:
    about = subject(small.network(), small.network(seed=4), count=5)
    given = {"index": 2, "steps": 2, "seeds": 2, "priors": ["none", "phase"]}
    rows = [row for row in measured("regulariser_ablation", about, **given) if row["network"] == "network 0"]
    seeds = [row for row in rows if row["kind"] == "seed"]
    assert len(seeds) == 2 * 2 * 2
    assert {row["template"] for row in seeds if row["prior"] == "phase"} == {4}
    assert {row["template"] for row in seeds if row["prior"] == "none"} == {0}
    assert all(1 <= int(row["judged_rank"] or 0) <= 5 for row in seeds)
    for row in rows:
        if row["kind"] == "mean":
            own = [one for one in seeds if (one["prior"], one["weights"]) == (row["prior"], row["weights"])]
            values = [float(one["logit"] or 0) for one in own]
            assert row["logit"] == pytest.approx(sum(values) / 2)
            assert [row["logit_low"], row["logit_high"]] == sorted(values)


def test_ascents_on_shuffled_weights_leave_the_plain_colour_they_begin_at() -> None:
    network = demo_network()
    about = subject(network)
    about.images = None
    plain = network.mean.expand(1, 3, network.view.size, network.view.size)
    rows = measured("regulariser_ablation", about, index=4, steps=20, seeds=2, priors=["none", "fourier"])
    shuffled = [row for row in rows if row["kind"] == "seed" and row["weights"] == "shuffled"]
    assert len(shuffled) == 4
    for row in shuffled:
        before = float(randomized(network, seed=int(row["seed"] or 0))(plain)[0, 4])
        assert float(row["logit"] or 0) > before + 2, row
