"""Designs are balanced, whatever the items and conditions; checked as properties."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution import plugins
from study import designs

FOLDER = "study.designs"


def named(letter: str, low: int, high: int) -> Any:
    return st.integers(low, high).map(lambda count: [f"{letter}{n}" for n in range(count)])


seeds = st.integers(0, 2**53)
orders = st.sampled_from(["interleaved", "blocked"])


def schedule(name: str, items: list[str], conditions: list[str], **parameters: Any) -> list[designs.Arm]:
    arms: list[designs.Arm] = plugins.load(FOLDER, name).schedule(items, conditions, **parameters)
    return arms


@pytest.mark.parametrize("name", plugins.names(FOLDER))
@given(items=named("i", 6, 30), conditions=named("c", 2, 6), seed=seeds)
def test_every_design_gives_every_condition_to_every_item_equally_often(
    name: str, items: list[str], conditions: list[str], seed: int
) -> None:
    arms = schedule(name, items, conditions, seed=seed)
    pairs = Counter((p.item, p.condition) for arm in arms for p in arm.presentations)
    assert set(pairs) == {(item, condition) for item in items for condition in conditions}
    assert len(set(pairs.values())) == 1
    assert len({arm.name for arm in arms}) == len(arms)
    assert schedule(name, items, conditions, seed=seed) == arms  # replay


@given(items=named("i", 1, 20), conditions=named("c", 1, 5), seed=seeds)
def test_between_shows_each_participant_one_condition(items: list[str], conditions: list[str], seed: int) -> None:
    arms = schedule("between", items, conditions, seed=seed)
    assert [arm.name for arm in arms] == conditions
    for arm in arms:
        assert {p.condition for p in arm.presentations} == {arm.name}
        assert sorted(p.item for p in arm.presentations) == sorted(items)


@given(items=named("i", 6, 40), conditions=named("c", 2, 6), seed=seeds, order=orders)
def test_a_latin_square_shows_each_participant_each_item_once_and_conditions_equally_often(
    items: list[str], conditions: list[str], seed: int, order: str
) -> None:
    for arm in schedule("latin_square", items, conditions, seed=seed, order=order):
        assert sorted(p.item for p in arm.presentations) == sorted(items)
        counts = Counter(p.condition for p in arm.presentations)
        assert set(counts) == set(conditions)
        assert max(counts.values()) - min(counts.values()) <= 1


@given(items=named("i", 8, 20), conditions=named("c", 2, 8), seed=seeds)
def test_blocked_conditions_take_every_place_and_follow_each_other_equally_often(
    items: list[str], conditions: list[str], seed: int
) -> None:
    arms = schedule("latin_square", items, conditions, seed=seed, order="blocked")
    places, successions = Counter[Any](), Counter[Any]()
    for arm in arms:
        block_of = {p.block: p.condition for p in arm.presentations}
        assert len({(p.block, p.condition) for p in arm.presentations}) == len(conditions)  # a block is one condition
        order = [block_of[block] for block in range(len(conditions))]
        places.update(enumerate(order))
        successions.update(pairwise(order))
    assert len(set(places.values())) == 1
    assert len(places) == len(conditions) ** 2
    assert len(set(successions.values())) == 1
    assert len(successions) == len(conditions) * (len(conditions) - 1)
    assert len(arms) == len(conditions) * (1 + len(conditions) % 2)


@given(items=named("i", 2, 9), conditions=named("c", 2, 4), seed=seeds)
def test_interleaved_conditions_share_one_block(items: list[str], conditions: list[str], seed: int) -> None:
    if len(items) < len(conditions):
        return
    for arm in schedule("latin_square", items, conditions, seed=seed):
        assert {p.block for p in arm.presentations} == {0}


def test_another_seed_deals_the_items_anew() -> None:
    items, conditions = [f"i{n}" for n in range(12)], ["a", "b", "c"]
    one, other = (schedule("latin_square", items, conditions, seed=seed) for seed in (1, 2))
    assert one != other


@pytest.mark.parametrize(
    ("name", "items", "conditions", "parameters", "words"),
    [
        ("between", [], ["a"], {}, "at least one item"),
        ("latin_square", ["i"] * 9, ["a"], {}, "at least two conditions; with one, use the design “between”"),
        ("latin_square", ["i", "j"], ["a", "b", "c"], {}, "3 conditions needs at least as many items; there are 2"),
        ("latin_square", ["i", "j"], ["a", "b"], {"order": "mixed"}, "should be one of: interleaved, blocked"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    name: str, items: list[str], conditions: list[str], parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(designs.DesignError, match=words):
        schedule(name, items, conditions, seed=0, **parameters)
