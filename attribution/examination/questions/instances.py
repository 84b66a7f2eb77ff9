"""S15: one goose or many?"""

from collections.abc import Mapping
from typing import Any

from ..drawing import Bar, bars
from ..results import Results
from ..section import Section
from ..wording import Row, number, plain, ranged, within

SEVERAL = 1.5  # instances, from which on a mean is more than one


def answer(row: Row, count: Row | None) -> str:
    """Likeness of restarts in pixels and features, and how many separate instances they show."""
    many = row["pixels"] < 0.5
    first = (
        f"Other starts end in other images (SSIM {plain(row['pixels'])}) that mean the same to the network (cosine of "
        f"features {plain(row['features'])}): a local optimum, one of many"
        if many and row["features"] > 0.8
        else f"Other starts end in other images (SSIM {plain(row['pixels'])}, cosine of features "
        f"{plain(row['features'])}): local optima of several kinds"
        if many
        else f"Other starts end in much the same image (SSIM {plain(row['pixels'])}): nearly a single optimum"
    )
    if count is None or count.get("count") is None:
        return f"{first}."
    low, high = (
        count["count"] if count.get(f"count_{end}") is None else count[f"count_{end}"] for end in ("low", "high")
    )
    words = (
        "more than one separate instance"
        if low >= SEVERAL
        else "a single instance"
        if high < SEVERAL
        else "one or several"
    )
    return f"{first}; on average they show {words} ({within(count, 'count', 1, is_nested=True)})."


def experiment(one: Row, difference: Row) -> str:
    """Networks trained on one and on many: ``difference`` with its limits, ``count`` of the arm of one with its own."""
    low, high = difference["difference_low"], difference["difference_high"]
    numbers = (
        f"{plain(one['count'] + difference['difference'], 1)} against {plain(one['count'], 1)}, a difference of "
        f"{plain(difference['difference'])} (95 % Welch {plain(low)} to {plain(high)} over {difference['networks']} "
        f"networks; p = {difference['p_permutation']:.3f} by permuting them)"
    )
    if low > 0:
        first = f"Networks trained on many instances draw more: {numbers}."
    elif high < 0:
        first = f"Networks trained on many instances draw fewer, not more: {numbers}."
    else:
        first = f"Training on many instances made no sure difference: {numbers}."
    count = within(one, "count", 1)
    if one["count_low"] is not None and one["count_low"] > SEVERAL:
        return (
            f"{first} Networks that only ever saw one draw many as well, {count}: a score that adds up evidence over "
            "positions asks for it everywhere, whatever the training images showed."
        )
    if one["count_high"] is not None and one["count_high"] < SEVERAL:
        return f"{first} Networks that only ever saw one draw about one, {count}."
    return f"{first} Whether networks that only ever saw one draw more than one stays open, {count}."


def robust(differences: Mapping[float, Row]) -> str:
    """Does the verdict hang on the share of the most from which on a place counts? Rows of “difference”, by it."""
    signs = {
        threshold: (row["difference_low"] > 0) - (row["difference_high"] < 0) for threshold, row in differences.items()
    }
    told = "; ".join(
        f"{threshold:g}: {plain(row['difference'])} ({plain(row['difference_low'])} to {plain(row['difference_high'])})"
        for threshold, row in sorted(differences.items())
    )
    if len(set(signs.values())) == 1:
        return f"That holds wherever the line is drawn from which on a place counts as an instance ({told})."
    return f"That hangs on where the line is drawn from which on a place counts as an instance ({told})."


def ask(found: Results) -> Section:
    plan = found.plan
    section = Section(
        "S15",
        "One goose or many?",
        "The paper’s goose is a flock. Is that because the optimum is local, because the training images show several, "
        "or because pooling adds evidence from everywhere?",
        how="Restarts differ only in the noise they begin with. Instances are separate places where covering lowers "
        "the score by at least half of the most. The experiment: networks trained on exactly one instance an image and "
        "on two to four, matched in object size, area and contrast, eight seeds each. The network is the unit: "
        "visualizations of one network are no independent evidence.",
    )
    images = found.arrays("restarts").get("images")
    starts = range(0 if images is None else len(images))
    section.show(
        f"Restarts of {found.label(plan.index)}",
        [found.made("restarts", f"start {place + 1}", place=place) for place in starts],
        is_large=True,
    )
    restarts = found.table("restarts")
    alike = next((row for row in restarts if row["kind"] == "all"), None)
    counted = next((row for row in found.table("instance_count") if row["kind"] == "network"), None)
    if alike:
        section.answer = answer(alike, counted)
        pairs = [row["pixels"] for row in restarts if row["kind"] == "pair"]
        section.count(ranged(pairs, "SSIM of two restarts", "pairs"))
    if counted:
        section.count(number(counted, "count", "separate instances in a class model", 1))
        if counted.get("validity") is not None:
            good = "follows" if counted["validity"] > 0.5 else "does not reliably follow"
            section.more.append(
                f"On {counted['images']} real images the count {good} the number of boxes (Spearman "
                f"{plain(counted['validity'])})."
            )
        else:
            section.miss("Too few images with boxes of one and of several objects to check the counting of instances.")
    _experiment(found, section)
    section.miss(*found.trouble("restarts", "instance_count", "instances_by_training"))
    return section


def _experiment(found: Results, section: Section) -> None:
    rows = found.table("instances_by_training")
    if not rows:
        section.miss(
            "The controlled experiment needs at least two networks trained on one instance and two on many; --arms "
            "names them."
        )
        return
    main = rows[0]["threshold"]
    arms = {row["arm"]: row for row in rows if row["kind"] == "arm" and row["threshold"] == main}
    differences = {row["threshold"]: row for row in rows if row["kind"] == "difference"}
    section.more += [experiment(arms["one"], differences[main]), robust(differences)]
    section.count(
        number(differences[main], "difference", "difference in instances, trained on many less trained on one")
    )
    index = found.plan.counted[0]
    for arm, title in (("one", "exactly one instance"), ("many", "two to four instances")):
        shown = [
            found.made(f"{network.name} {index}", f"seed {place}") for place, network in enumerate(found.plan.arms[arm])
        ]
        section.show(f"The {found.label(found.plan.index)} of networks that were trained on {title}", shown)
    section.draw(
        bars(
            [bar for arm, row in arms.items() for bar in (_arm(arm, row), *_networks(rows, arm, main))],
            x="separate instances in a class model, mean over its classes",
            title="Instances by training",
        ),
        "Arms with 95 % t intervals over networks, and below each its networks.",
    )
    known = [row for row in rows if row["kind"] == "image"]
    section.tell(
        "What the same count says of real scenes whose number of instances is known: means over networks",
        ("trained on", *(f"{boxes} shown" for boxes in sorted({row["boxes"] for row in known}))),
        [
            (arm, *(_mean_count(known, arm, boxes) for boxes in sorted({row["boxes"] for row in known})))
            for arm in arms
            if known
        ],
    )


def _arm(arm: str, row: Row) -> Bar:
    return Bar(f"trained on {arm}: {row['networks']} networks", row["count"], row["count_low"], row["count_high"])


def _networks(rows: list[dict[str, Any]], arm: str, threshold: float) -> list[Bar]:
    own = [row for row in rows if row["kind"] == "network" and row["arm"] == arm and row["threshold"] == threshold]
    return [Bar("", row["count"], is_small=True) for row in own]


def _mean_count(rows: list[dict[str, Any]], arm: str, boxes: int) -> str:
    values = [row["count"] for row in rows if row["arm"] == arm and row["boxes"] == boxes]
    return plain(sum(values) / len(values), 1) if values else "–"
