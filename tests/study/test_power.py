"""Power: as the slow test finds it, as formulas give it where there are any; kept when a worker dies."""

import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from scipy import stats
from statsmodels.stats.power import TTestIndPower

import study.tasks
from attribution.leases import Lease, LostLeaseError
from attribution.models import State
from attribution.tasks import do
from study import power, power_curve, power_simulation
from study.document import completed
from study.models import PowerAnalysis
from study.power_plan import PowerError, plan
from study.power_verdict import assumptions, verdict
from study.statistics import crossed_power
from study.statistics.crossed_means import UndefinedError, crossed_difference
from study.statistics.crossed_power import Arm, Layout, Population, ceiling, simulate
from tests.study import factories
from tests.study.answered_study import answered_study

PHOTO = {"name": "photo", "photo": True, "role": "positive_control"}


def between(participants, items):
    every = np.arange(participants)
    return Layout(
        tuple(Arm(every[c::2], np.arange(items), np.full(items, c)) for c in range(2)), participants, items, 2
    )


def counterbalanced(participants, items):
    every, things = np.arange(participants), np.arange(items)
    return Layout(tuple(Arm(every[a::2], things, (things + a) % 2) for a in range(2)), participants, items, 2)


def document(**changes):
    return completed(factories.document(**{"conditions": [*factories.DOCUMENT["conditions"], PHOTO], **changes}))


@pytest.mark.parametrize("layout", [between(11, 7), counterbalanced(9, 6), between(4, 3)])
@pytest.mark.parametrize("is_binary", [True, False])
def test_all_studies_at_once_are_tested_as_each_alone(layout, is_binary, monkeypatch):
    given = []
    summed = crossed_power._summed

    def recorded(layout, answers, kept):
        given.append((answers, kept))
        return summed(layout, answers, kept)

    monkeypatch.setattr(crossed_power, "_summed", recorded)
    population = Population(
        np.array([0.7, 0.4]), 0.8, 0.8, 0.4, 0.4, residual_sd=0.0 if is_binary else 1.0, is_binary=is_binary
    )

    def some(rights, careless, rng):
        return rng.random(rights.shape) < 0.8

    found = crossed_power.tested(simulate(layout, population, 40, np.random.default_rng(3), some), 0, 1)
    answers, kept = given[0]
    defined = 0
    for study in range(40):
        rows = [
            (given_[study, place, k], arm.conditions[k] == 0, person, arm.items[k])
            for arm, given_ in zip(layout.arms, answers, strict=True)
            for place, person in enumerate(arm.people)
            if kept[study, person]
            for k in range(len(arm.items))
        ]
        try:
            y, first, people, things = (np.array(column) for column in zip(*rows, strict=True))
            slow = crossed_difference(y.astype(float), first, people, things)
            p = slow.t_test().p
        except (UndefinedError, ValueError):
            assert found.p[study] == 1
            continue
        defined += 1
        assert found.difference[study] == pytest.approx(slow.difference, abs=1e-6)
        assert found.se[study] == pytest.approx(slow.standard_error, rel=1e-5)
        if slow.shares is not None:
            assert found.se_under(0.1)[study] == pytest.approx(slow.shares.standard_error(0.1), rel=1e-5)
        assert found.df[study] == pytest.approx(slow.df, rel=1e-5)
        assert found.p[study] == pytest.approx(p, rel=1e-4, abs=1e-12)
    assert defined >= 10


def test_power_of_independent_answers_is_that_of_a_t_test():
    """Every participant answers once, each about another item."""
    arms = tuple(Arm(np.array([one]), np.array([one]), np.array([one % 2])) for one in range(200))
    population = Population(np.array([0.4, 0.0]), 0.5, 0.5, 0, 0, residual_sd=np.sqrt(0.5), is_binary=False)
    found = crossed_power.tested(
        simulate(Layout(arms, 200, 200, 2), population, 4000, np.random.default_rng(0)), 0, 1
    )  # fmt: skip
    assert (found.p < 0.05).mean() == pytest.approx(TTestIndPower().power(0.4, 100, 0.05), abs=0.02)


@pytest.mark.parametrize(("participants", "items"), [(40, 16), (16, 40), (60, 60)])
def test_power_of_crossed_ratings_is_westfall_judd_and_kennys(participants, items):
    """Their closed form for the counterbalanced design, by noncentral t with Satterthwaite's df."""
    effect, slope_p, slope_i, noise = 0.5, 0.9, 0.6, 1.5
    by_participant, by_item = slope_p**2 / participants, slope_i**2 / items
    residual = 4 * noise**2 / (participants * items)
    variance = by_participant + by_item + residual
    df = variance**2 / ((by_participant + residual) ** 2 / (participants - 1) + (by_item + residual) ** 2 / (items - 1))
    ncp, bound = effect / np.sqrt(variance), stats.t.isf(0.025, df)
    expected = stats.nct.sf(bound, df, ncp) + stats.nct.cdf(-bound, df, ncp)
    population = Population(
        np.array([3.0 + effect, 3.0]), 1.0, 1.0, slope_p, slope_i, residual_sd=noise, is_binary=False
    )
    layout = counterbalanced(participants, items)
    rng = np.random.default_rng(1)
    p = np.concatenate([crossed_power.tested(simulate(layout, population, 500, rng), 0, 1).p for _ in range(6)])
    assert (p < 0.05).mean() == pytest.approx(expected, abs=0.045)


def test_the_ceiling_of_a_fixed_item_sample_is_a_t_test_over_items_and_many_participants_come_near_it():
    effect, slope_i, items = 0.5, 0.6, 8
    population = Population(np.array([3.5, 3.0]), 1.0, 1.0, 0.5, slope_i, residual_sd=1.0, is_binary=False)
    rng = np.random.default_rng(2)
    df = items - 1
    bound, ncp = stats.t.isf(0.025, df), effect / (slope_i / np.sqrt(items))
    expected = stats.nct.sf(bound, df, ncp) + stats.nct.cdf(-bound, df, ncp)
    top = ceiling(population, items, [(0, 1)], rng)[0]
    assert top == pytest.approx(expected, abs=0.015)
    many = crossed_power.tested(simulate(counterbalanced(2000, items), population, 600, rng), 0, 1)
    assert (many.p < 0.05).mean() == pytest.approx(top, abs=0.07)
    assert ceiling(population, 64, [(0, 1)], rng)[0] > 0.99 > top


@pytest.mark.parametrize("layout", [between(30, 20), counterbalanced(30, 20)])
@pytest.mark.parametrize("chance", [0.5, 0.25, 0.1])
def test_without_an_effect_the_test_errs_as_often_as_it_may(layout, chance):
    population = Population(np.array([chance, chance]), 0.8, 0.8, 0.4, 0.4)
    found = crossed_power.tested(simulate(layout, population, 3000, np.random.default_rng(5)), 0, 1)
    assert 0.02 <= (found.p < 0.05).mean() <= 0.062


def test_means_are_those_over_participants_and_items_not_those_of_the_average_person():
    population = Population(np.array([0.1, 0.365]), 1.2, 1.2, 0.5, 0.5)
    drawn = simulate(between(400, 200), population, 5, np.random.default_rng(0))
    for condition, mean in enumerate(population.means):
        side = drawn.people[condition]
        assert side.sums.sum() / side.counts.sum() == pytest.approx(mean, abs=0.02)


def test_the_design_of_the_study_is_simulated_with_its_arms_and_chance():
    made = plan(document(design={"name": "latin_square"}), 12)
    layout = made.layout(20, 12)
    assert len(layout.arms) == 3
    assert sorted(np.concatenate([arm.people for arm in layout.arms])) == list(range(20))
    assert all(sorted(arm.items) == list(range(12)) for arm in layout.arms)
    assert made.guess == 0.25
    assert dict(zip(made.conditions, made.means, strict=True)) == {"trained": 0.35, "shuffled": 0.25, "photo": 0.9}
    assert made.pairs == [["trained", "shuffled"]]
    assert made.gates == [["photo", "shuffled"]]


def test_declared_rules_are_asked_about_simulated_participants():
    rules = [{"rule": "catch_ratio", "parameters": {"at_least": 1.0}}]
    lenient = plan(document(catch={"count": 2}), 12, dropout=0.0, careless=0.5)
    strict = plan(document(catch={"count": 2}, exclusions=rules), 12, dropout=0.0, careless=0.5)
    cells = [power_simulation.compute(_small(one, participants=[60], items=[12]))[0] for one in (lenient, strict)]
    assert cells[0]["analysed"] == 60
    # Attentive participants get both right with probability .97², careless ones with .25².
    assert cells[1]["analysed"] == pytest.approx(60 * (0.5 * 0.97**2 + 0.5 * 0.25**2), rel=0.03)
    outcome = [{"rule": "accuracy_at_most", "parameters": {"value": 0.5}}]
    harsh = plan(document(exclusions=outcome), 12, dropout=0.0, careless=0.0)
    assert power_simulation.compute(_small(harsh, participants=[60], items=[12]))[0]["analysed"] < 40


def _small(made, *, simulations=200, **changes):
    return type(made)(**{**made.as_json(), "simulations": simulations, **changes})


def test_a_cell_that_is_certain_ends_early_and_says_so():
    made = _small(plan(document(), 12), participants=[10, 300], items=[12], simulations=1000, equivalence={}, gates=[])
    few, many = power_simulation.compute(made)
    assert few["stopped_early"]
    assert few["simulations"] < 1000
    assert few["effect"][0]["low"] < few["effect"][0]["power"] < few["effect"][0]["high"] < 0.8
    to_the_end = power_simulation.compute(_small(made, simulations=400, stops_early=False))
    assert [cell["simulations"] for cell in to_the_end] == [400, 400]
    assert many["participants"] == 300


def test_items_that_cannot_answer_are_told_from_too_few_participants():
    few = _small(plan(document(), 4, effect=0.06, spread={"item_slope_sd": 1.5}), participants=[20, 40], items=[4, 64])
    cells, tops = power_simulation.compute(few), power_simulation.ceilings(few)
    said = verdict(few, cells, tops)
    assert not said["can_answer"]
    assert said["participants"] is None
    assert said["sentences"][0].startswith("The study cannot answer with these 4 items: even endlessly many")
    enough = _small(plan(document(), 64, effect=0.4), participants=[20, 80], items=[64])
    told = verdict(enough, power_simulation.compute(enough), power_simulation.ceilings(enough))
    assert told["can_answer"]
    assert told["sentences"][0].startswith(f"With 64 items, {told['participants']} participants give")


@pytest.mark.parametrize(
    ("changes", "given", "words"),
    [
        ({"analysis": {"primary": "preference"}}, {}, "There is no power simulation for “preference”; it is for"),
        ({"conditions": [PHOTO]}, {}, "Power is that of a comparison, and this study has one condition."),
        ({}, {"dropout": 1.0}, "dropout = 1 should be a share of participants"),
        ({}, {"effect": 0.9}, "should be between 0 and 100 %"),
        ({}, {"items": [2]}, "2 items are fewer than the 3 conditions"),
        ({}, {"spread": {"item": 1}}, "“item” = 1 should be one of participant_sd"),
        ({}, {"simulations": 3}, "simulations = 3 are too few"),
    ],
)
def test_a_power_analysis_that_makes_no_sense_is_refused_with_what_would(changes, given, words):
    with pytest.raises(PowerError, match=words):
        plan(document(**changes), 12, **given)


@pytest.fixture
def study(db):
    return answered_study(origin="simulated", participants=2)


SMALL = {"participants": [10, 20], "items": [8], "simulations": 60, "early": False}  # and its own 4 items


@pytest.fixture
def real(db, study):
    return factories.ready_study(conditions=[*factories.DOCUMENT["conditions"], PHOTO])


def test_a_killed_analysis_goes_on_with_what_was_not_finished(real, monkeypatch):
    row = power.ask(real, **SMALL)
    computed, cell = [], power_simulation._cell

    def dying(plan, participants, items, **others):
        if len(computed) == 2:
            raise KeyboardInterrupt
        computed.append((participants, items))
        return cell(plan, participants, items, **others)

    monkeypatch.setattr(power_simulation, "_cell", dying)
    with pytest.raises(KeyboardInterrupt):
        do([row])
    row.refresh_from_db()
    assert row.state == State.PENDING
    assert len(row.cells) == 2
    after = []
    monkeypatch.setattr(power_simulation, "_cell", lambda p, n, k, **o: after.append((n, k)) or cell(p, n, k, **o))
    again = power.ask(real, **SMALL)
    assert again.pk == row.pk
    do([again])
    again.refresh_from_db()
    assert again.state == State.DONE
    assert set(computed) | set(after) == {(10, 4), (20, 4), (10, 8), (20, 8)}
    assert not set(computed) & set(after)
    monkeypatch.setattr(power_simulation, "_cell", cell)
    whole = power_simulation.compute(power.Plan(**again.plan))
    assert again.results["cells"] == json.loads(json.dumps(whole))


def test_the_command_writes_table_and_curve_and_says_the_verdict(real, tmp_path, capsys):
    arguments = ["--participants", "10,20", "--items", "8", "--simulations", "60", "--effect", "30", "--cost", "2.5"]
    call_command("power", real.slug, "--out", str(tmp_path), *arguments)
    said = capsys.readouterr().out
    assert "endlessly many" in said or "participants" in said
    assert "trained 55 %" in said
    assert {path.name for path in tmp_path.iterdir()} == {"power.json", "power.csv", "power.svg"}
    header, *rows = (tmp_path / "power.csv").read_text().splitlines()
    assert header.startswith("question,comparison,participants,items,power,low,high")
    assert len(rows) == 2 * (2 * 3 + 1)
    assert json.loads((tmp_path / "power.json").read_text())["cells"][1]["cost"] == 50.0
    assert "<title>Power by participants and items</title>" in (tmp_path / "power.svg").read_text()
    assert PowerAnalysis.objects.get().state == State.DONE


def test_the_numbers_of_a_pilot_can_be_assumed(real, study):
    pilot = answered_study("pilot", participants=20, conditions=(
        ("trained", "Trained", "treatment", 0.7), ("shuffled", "Shuffled", "blind_control", 0.3),
    ))  # fmt: skip
    made = power.Plan(**power.ask(real, like=pilot, **SMALL).plan)
    assert made.source == "estimated from pilot v1"
    assert made.means[0] == pytest.approx(0.7, abs=0.12)
    assert 0 < made.spread["participant_sd"] < 1.5
    assert made.spread["participant_slope_sd"] == 0.4  # nobody saw both conditions: it stays assumed
    assert assumptions(made)[1].count("(assumed)") == 1
    assert "participant slope 0.4 (assumed)" in assumptions(made)[1]


def test_the_command_refuses_what_cannot_be_simulated(real):
    with pytest.raises(CommandError, match="should be a power between 0 and 1"):
        call_command("power", real.slug, "--target", "80")


def test_a_worker_that_lost_its_lease_stores_nothing(real):
    row = power.ask(real, **SMALL)
    with Lease(PowerAnalysis, [row.pk]) as lease:
        PowerAnalysis.objects.update(lease="another")
        with pytest.raises(LostLeaseError):
            power.simulate(lease, lease.rows[0])
    row.refresh_from_db()
    assert row.cells == []


def test_what_the_simulation_leaves_aside_is_said_and_only_then():
    plain = " ".join(assumptions(plan(document(), 4)))
    assert "together" not in plain
    assert "hangs on the outcome" not in plain
    analyses = [{"name": name} for name in ("accuracy_by_condition", "rating_by_condition")]
    both = [one["name"] for one in analyses]
    given = document(
        analysis={"primary": both[0], "analyses": analyses},
        preregistration={"family": both},
        exclusions=[{"rule": "accuracy_at_most", "parameters": {"value": 0.1}}],
    )
    told = assumptions(plan(given, 4))
    assert any("accuracy_by_condition, rating_by_condition together" in one and "power is lower" in one for one in told)
    assert any(one.startswith("Whom accuracy_at_most leaves out hangs on the outcome itself") for one in told)


def test_a_mean_of_no_condition_is_refused():
    with pytest.raises(PowerError, match="There is no condition “traned” to have a mean; there are: trained, shuffled"):
        plan(document(), 4, means={"traned": 0.6})


@pytest.mark.parametrize("origin", ["person", "simulated"])
def test_a_pilot_that_was_simulated_is_called_so(real, origin):
    pilot = answered_study("pilot", participants=6, origin=origin)
    source = power.ask(real, like=pilot, **SMALL).plan["source"]
    assert source == "estimated from pilot v1" + (", whose participants are simulated" if origin == "simulated" else "")


def test_the_target_of_the_curve_looks_like_no_curve_and_the_axis_says_what_it_is():
    made = plan(document(), 4, items=[4, 8], participants=[4, 8])
    drawn = power_curve.curve(made, [], [])
    assert drawn.count(power_curve.TARGET) == 1
    assert power_curve.TARGET not in power_curve.COLOURS
    assert "power: how often such a study finds the effect" in drawn
