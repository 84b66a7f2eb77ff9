"""Designs are balanced, whatever the items and conditions; checked as properties."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution import plugins
from study import designs

from .design_examples import fitting

FOLDER = "study.designs"
REPEATING = [name for name in plugins.names(FOLDER) if "repeat_items" in plugins.describe(FOLDER, name).parameters]

quickly = settings(max_examples=25, deadline=None)


def named(letter: str, low: int, high: int) -> Any:
    return st.integers(low, high).map(lambda count: [f"{letter}{n}" for n in range(count)])


seeds = st.integers(0, 2**53)
orders = st.sampled_from(["interleaved", "blocked"])
counts = st.integers(2, 5)


def schedule(
    name: str, items: list[str], conditions: list[str], strata: Mapping[str, str] | None = None, **parameters: Any
) -> list[designs.Arm]:
    arms: list[designs.Arm] = plugins.load(FOLDER, name).schedule(items, conditions, strata, **parameters)
    return arms


def differ_by(counts: Iterable[int]) -> int:
    found = list(counts)
    return max(found) - min(found)


def conditions_of(arm: designs.Arm) -> set[str]:
    return {one.condition for one in arm.presentations}


@pytest.mark.parametrize("name", plugins.names(FOLDER))
@quickly
@given(items=named("i", 6, 30), count=counts, seed=seeds)
def test_every_design_gives_every_condition_to_every_item_equally_often(
    name: str, items: list[str], count: int, seed: int
) -> None:
    conditions, parameters = fitting(name, count)
    arms = schedule(name, items, conditions, seed=seed, **parameters)
    pairs = Counter((p.item, p.condition) for arm in arms for p in arm.presentations)
    assert set(pairs) == {(item, condition) for item in items for condition in conditions}
    assert len(set(pairs.values())) == 1
    assert len({arm.name for arm in arms}) == len(arms)
    assert schedule(name, items, conditions, seed=seed, **parameters) == arms  # replay


@pytest.mark.parametrize("name", plugins.names(FOLDER))
@quickly
@given(items=named("i", 6, 30), count=counts, seed=seeds)
def test_no_design_shows_anybody_an_item_twice_unless_asked(name: str, items: list[str], count: int, seed: int) -> None:
    conditions, parameters = fitting(name, count)
    arms = schedule(name, items, conditions, seed=seed, **parameters)
    assert designs.shown_twice(arms) == ""
    for arm in arms:
        assert len({p.item for p in arm.presentations}) == len(arm.presentations)


@pytest.mark.parametrize("name", REPEATING)
@quickly
@given(items=named("i", 1, 12), count=counts, seed=seeds)
def test_asked_to_repeat_items_everybody_sees_each_of_theirs_under_each_condition_of_theirs(
    name: str, items: list[str], count: int, seed: int
) -> None:
    conditions, parameters = fitting(name, count)
    for arm in schedule(name, items, conditions, seed=seed, repeat_items=True, **parameters):
        shown = Counter((p.item, p.condition) for p in arm.presentations)
        expected = {(p.item, condition) for p in arm.presentations for condition in conditions_of(arm)}
        assert shown == Counter(expected)


@pytest.mark.parametrize("name", plugins.names(FOLDER))
@quickly
@given(items=named("i", 6, 30), count=counts, seed=seeds, data=st.data())
def test_what_the_network_gets_right_and_wrong_is_dealt_evenly_over_arms_and_conditions(
    name: str, items: list[str], count: int, seed: int, data: st.DataObject
) -> None:
    kinds = st.sampled_from(["right", "wrong", ""])
    strata = {item: kind for item in items if (kind := data.draw(kinds))}  # of some nothing is known
    conditions, parameters = fitting(name, count)
    arms = schedule(name, items, conditions, strata, seed=seed, **parameters)
    for kind in ("right", "wrong"):
        in_arms = []
        for arm in arms:
            shown = Counter(dict.fromkeys(conditions_of(arm), 0))
            shown.update(p.condition for p in arm.presentations if strata.get(p.item) == kind)
            assert differ_by(shown.values()) <= 1
            in_arms.append(shown.total())
        assert differ_by(in_arms) <= 1


@quickly
@given(items=named("i", 1, 20), conditions=named("c", 1, 5), seed=seeds)
def test_between_shows_each_participant_one_condition(items: list[str], conditions: list[str], seed: int) -> None:
    arms = schedule("between", items, conditions, seed=seed)
    assert [arm.name for arm in arms] == conditions
    for arm in arms:
        assert conditions_of(arm) == {arm.name}
        assert sorted(p.item for p in arm.presentations) == sorted(items)


@quickly
@given(items=named("i", 6, 40), conditions=named("c", 2, 6), seed=seeds, order=orders)
def test_a_latin_square_shows_each_participant_each_item_once_and_conditions_equally_often(
    items: list[str], conditions: list[str], seed: int, order: str
) -> None:
    for arm in schedule("latin_square", items, conditions, seed=seed, order=order):
        assert sorted(p.item for p in arm.presentations) == sorted(items)
        shown = Counter(p.condition for p in arm.presentations)
        assert set(shown) == set(conditions)
        assert differ_by(shown.values()) <= 1


@quickly
@given(items=named("i", 8, 20), conditions=named("c", 2, 8), seed=seeds, repeat_items=st.booleans())
def test_blocked_conditions_take_every_place_and_follow_each_other_equally_often(
    items: list[str], conditions: list[str], seed: int, repeat_items: bool
) -> None:
    arms = schedule("latin_square", items, conditions, seed=seed, order="blocked", repeat_items=repeat_items)
    places, successions = Counter[Any](), Counter[Any]()
    for arm in arms:
        block_of = {p.block: p.condition for p in arm.presentations}
        assert sorted(block_of) == list(range(len(conditions)))
        order = [block_of[place] for place in sorted(block_of)]
        places.update(enumerate(order))
        successions.update(pairwise(order))
    assert len(set(places.values())) == 1
    assert len(places) == len(conditions) ** 2
    assert len(set(successions.values())) == 1
    assert len(successions) == len(conditions) * (len(conditions) - 1)
    assert len(arms) == len(conditions) * (1 + len(conditions) % 2)


@pytest.mark.parametrize("name", [name for name in REPEATING if "order" in plugins.describe(FOLDER, name).parameters])
@quickly
@given(items=named("i", 6, 20), count=counts, seed=seeds)
def test_interleaved_conditions_share_one_block_and_blocked_ones_have_one_each(
    name: str, items: list[str], count: int, seed: int
) -> None:
    conditions, parameters = fitting(name, count)
    for arm in schedule(name, items, conditions, seed=seed, order="interleaved", **parameters):
        assert {p.block for p in arm.presentations} == {0}
    for arm in schedule(name, items, conditions, seed=seed, order="blocked", **parameters):
        blocks = {(p.block, p.condition) for p in arm.presentations}
        assert len(blocks) == len({block for block, _ in blocks}) == len(conditions_of(arm))


@quickly
@given(items=named("i", 4, 12), conditions=named("c", 2, 4), seed=seeds, repeat_items=st.booleans())
def test_all_permutations_are_there_equally_often_and_items_meet_conditions_at_every_place(
    items: list[str], conditions: list[str], seed: int, repeat_items: bool
) -> None:
    arms = schedule("all_permutations", items, conditions, seed=seed, repeat_items=repeat_items)
    found, met = Counter[Any](), Counter[Any]()
    for arm in arms:
        block_of = {p.block: p.condition for p in arm.presentations}
        found[tuple(block_of[place] for place in sorted(block_of))] += 1
        met.update((p.item, p.condition, p.block) for p in arm.presentations)
    assert set(found) == set(permutations(conditions))
    assert set(found.values()) == {1 if repeat_items else len(conditions)}
    assert len(met) == len(items) * len(conditions) ** 2
    assert len(set(met.values())) == 1


@quickly
@given(
    sizes=st.lists(st.integers(2, 3), min_size=1, max_size=3),
    between=st.sets(st.integers(0, 2)),
    seed=seeds,
    order=orders,
)
def test_a_factorial_design_keeps_factors_between_constant_and_crosses_the_others_within(
    sizes: list[int], between: set[int], seed: int, order: str
) -> None:
    conditions = [""]
    for size in sizes:
        conditions = [f"{name}.{level}".lstrip(".") for name in conditions for level in range(size)]
    factors = [f"factor{number}" for number in range(len(sizes))]
    held = [number for number in range(len(sizes)) if number in between]
    items = [f"i{number}" for number in range(30)]
    cells = math.prod(sizes[number] for number in held)
    names = {"factors": factors, "between": [factors[number] for number in held]}
    arms = schedule("factorial", items, [*conditions, "photo"], seed=seed, order=order, outside=["photo"], **names)
    groups: dict[tuple[str, ...], list[designs.Arm]] = defaultdict(list)
    for arm in arms:
        crossed = conditions_of(arm) - {"photo"}
        assert "photo" in conditions_of(arm)  # a control outside the factors is everybody's
        levels = {tuple(name.split(".")[number] for number in held) for name in crossed}
        assert len(levels) == 1
        groups[next(iter(levels))].append(arm)
        assert len(crossed) * cells == len(conditions)
    assert len(groups) == cells
    assert len({len(one) for one in groups.values()}) == 1
    for group in groups.values():
        pairs = Counter((p.item, p.condition) for arm in group for p in arm.presentations)
        assert len(set(pairs.values())) == 1


@quickly
@given(seed=seeds, order=orders)
def test_mixed_groups_see_their_own_conditions_and_have_equally_many_arms(seed: int, order: str) -> None:
    items = [f"i{number}" for number in range(12)]
    groups = [["a", "photo"], ["b", "c", "photo"], ["d"]]
    arms = schedule("mixed", items, ["a", "b", "c", "d", "photo"], seed=seed, order=order, groups=groups)
    assert Counter(arm.name.split(",")[0] for arm in arms) == {"group 1": 6, "group 2": 6, "group 3": 6}
    for number, group in enumerate(groups, start=1):
        own = [arm for arm in arms if arm.name.startswith(f"group {number}")]
        assert all(conditions_of(arm) == set(group) for arm in own)
        pairs = Counter((p.item, p.condition) for arm in own for p in arm.presentations)
        assert len(pairs) == len(items) * len(group)
        assert len(set(pairs.values())) == 1
    texts = [", ".join(group) for group in groups]  # as a form has them, one group a line
    conditions = ["a", "b", "c", "d", "photo"]
    assert schedule("mixed", items, conditions, seed=seed, order=order, groups=texts) == arms


@quickly
@given(
    items=named("i", 6, 40),
    conditions=named("c", 2, 3),
    seed=seeds,
    items_each=st.integers(6, 15),
    responses_each=st.integers(1, 3),
    one_condition=st.booleans(),
)
def test_item_lists_are_bounded_and_hold_each_item_so_often_under_each_condition(
    items: list[str], conditions: list[str], seed: int, items_each: int, responses_each: int, one_condition: bool
) -> None:
    arms = schedule(
        "item_lists",
        items,
        conditions,
        seed=seed,
        items_each=items_each,
        responses_each=responses_each,
        one_condition=one_condition,
    )
    pairs = Counter((p.item, p.condition) for arm in arms for p in arm.presentations)
    assert pairs == Counter({(item, one): responses_each for item in items for one in conditions})
    sizes = [len(arm.presentations) for arm in arms]
    assert max(sizes) <= items_each
    assert differ_by(sizes) <= 1
    for arm in arms:
        shown = Counter(p.condition for p in arm.presentations)
        assert set(shown) <= set(conditions)
        assert len(shown) == (1 if one_condition else len(conditions))
        assert differ_by(shown.values()) <= 1


def test_items_of_one_list_seldom_meet_again_in_another() -> None:
    items = [f"i{number}" for number in range(24)]

    def repeated(arms: list[designs.Arm]) -> int:
        met = Counter(pair for arm in arms for pair in combinations(sorted(one.item for one in arm.presentations), 2))
        return sum(count > 1 for count in met.values())

    lists = {"items_each": 6, "one_condition": True}
    chosen = [repeated(schedule("item_lists", items, ["a"], seed=n, responses_each=3, **lists)) for n in range(20)]
    by_chance = []
    for seed in range(0, 60, 3):
        apart = [schedule("item_lists", items, ["a"], seed=n, **lists) for n in range(seed, seed + 3)]
        by_chance.append(repeated([arm for arms in apart for arm in arms]))
    assert sum(chosen) < 0.8 * sum(by_chance)


def test_another_seed_deals_the_items_anew() -> None:
    items, conditions = [f"i{n}" for n in range(12)], ["a", "b", "c"]
    one, other = (schedule("latin_square", items, conditions, seed=seed) for seed in (1, 2))
    assert one != other


def test_an_item_that_somebody_would_see_twice_is_found() -> None:
    shown = [designs.Presentation("goose", condition) for condition in ("gradient", "occlusion")]
    arms = [designs.Arm("list 1", tuple(shown[:1])), designs.Arm("list 2", tuple(shown))]
    assert designs.shown_twice(arms) == "the arm “list 2” shows “goose” as gradient and as occlusion"


CROSSED = ["a.x", "a.y", "b.x", "b.y"]
TWO = {"factors": ["letter", "sign"]}
NINE = [f"i{number}" for number in range(9)]


@pytest.mark.parametrize(
    ("name", "items", "conditions", "parameters", "words"),
    [
        ("between", [], ["a"], {}, "at least one item"),
        ("latin_square", NINE, ["a"], {}, "at least two conditions; with one, use the design “between”"),
        ("latin_square", NINE[:2], ["a", "b", "c"], {}, "3 conditions need at least as many; there are 2. Have more"),
        ("latin_square", NINE[:2], ["a", "b"], {"order": "mixed"}, "should be one of: interleaved, blocked"),
        ("all_permutations", NINE, ["a"], {}, "All orders of 1 conditions: there should be from 2 to 5"),
        ("all_permutations", NINE, list("abcdef"), {}, "More are balanced by the design “latin_square” with order"),
        ("all_permutations", NINE[:2], ["a", "b", "c"], {}, "3 conditions need at least as many; there are 2"),
        ("factorial", NINE, CROSSED, {}, "factors should name each factor once"),
        ("factorial", NINE, CROSSED, {**TWO, "between": ["shape"]}, "between: “shape” is no factor; there are: letter"),
        ("factorial", NINE, CROSSED, {**TWO, "outside": ["photo"]}, "outside: “photo” is no condition"),
        ("factorial", NINE, [*CROSSED, "photo"], TWO, "“photo” should be called by its 2 levels"),
        ("factorial", NINE, CROSSED[:3], TWO, "The factors are not crossed: add “b.y”."),
        ("factorial", NINE, CROSSED[:2], TWO, "The factor “letter” has one level, “a”"),
        ("factorial", NINE, ["photo"], {**TWO, "outside": ["photo"]}, "All conditions are outside the factors"),
        ("factorial", NINE[:3], CROSSED, TWO, "4 conditions need at least as many; there are 3"),
        ("mixed", NINE, ["a", "b"], {}, "groups should be two or more lists of conditions"),
        ("mixed", NINE, ["a", "b"], {"groups": [["a"], ["c"]]}, "“c” of group 2 is no condition; there are: a, b"),
        ("mixed", NINE, ["a", "b"], {"groups": [["a"], []]}, "group 2 should name one or more conditions, each once"),
        ("mixed", NINE, ["a", "b", "c"], {"groups": [["a"], ["b"]]}, "nobody sees “c”; add it to a group"),
        ("item_lists", NINE, ["a", "b"], {"items_each": 0}, "items_each = 0 and responses_each = 1 should be at least"),
        ("item_lists", NINE, ["a", "b", "c"], {"items_each": 2}, "makes lists of 1 items, too few for the 3 condi"),
        ("item_lists", NINE, ["a"], {"one_condition": True, "repeat_items": True}, "exclude each other"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    name: str, items: list[str], conditions: list[str], parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(designs.DesignError, match=words):
        schedule(name, items, conditions, seed=0, **parameters)
