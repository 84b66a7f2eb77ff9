"""S14: why is the image regularised?"""

from collections.abc import Mapping

from ..drawing import Bar, bars
from ..ordering import PRIORS, WEIGHTS
from ..results import Results
from ..section import Section
from ..wording import UNKNOWN, Row, number, plain

HEAD = ("prior", "weights", "score S_c", "p", "power above f = 0.25", "score elsewhere", "rank elsewhere", "SSIM")
COLUMNS = {
    "logit": 1,
    "probability": 2,
    "high_frequencies": 3,
    "judged_logit": 1,
    "judged_rank": 0,
    "likeness": 2,
}


def answer(rows: Mapping[str, Row]) -> str:
    """Of each prior the ``high_frequencies``’ share and the ``likeness`` to what it draws with shuffled weights."""
    if "none" not in rows or len(rows) < 2:
        return UNKNOWN
    smoothest = min((name for name in rows if name != "none"), key=lambda name: rows[name]["high_frequencies"])
    alike = max(rows, key=lambda name: rows[name]["likeness"])
    bare, best = rows["none"]["high_frequencies"], rows[smoothest]["high_frequencies"]
    first = (
        f"Without a prior {100 * bare:.0f} % of the image’s power is at high frequencies, with “{smoothest}” "
        f"{100 * best:.0f} %: the smoothness is the prior’s"
        if best < 0.7 * bare
        else f"No prior makes the image much smoother than none ({100 * bare:.0f} % of the power at high frequencies "
        f"without, {100 * best:.0f} % with “{smoothest}”)"
    )
    second = (
        f"“{alike}” draws much the same on a network that has learned nothing (SSIM {plain(rows[alike]['likeness'])})"
        if rows[alike]["likeness"] > 0.5
        else f"none of them draws the same on a network that has learned nothing (SSIM at most "
        f"{plain(rows[alike]['likeness'])})"
    )
    return f"{first}; {second}."


def elsewhere(rows: Mapping[str, Row], judge: str) -> str:
    """Which priors’ images a second network takes for the class: ``judged_rank``, 1 the first."""
    ranks = {name: row["judged_rank"] for name, row in rows.items() if row.get("judged_rank") is not None}
    if not ranks:
        return ""
    best = min(ranks, key=lambda name: ranks[name])
    if ranks[best] > 1.5:
        return f"No prior’s image is the class to {judge}, which did not draw it: the best, “{best}”, ranks it " + (
            f"{plain(ranks[best], 1)} on average."
        )
    taken = [name for name, rank in ranks.items() if rank <= 1.5]
    named = "the images of all priors" if len(taken) == len(ranks) else " and ".join(f"“{name}”" for name in taken)
    return f"To {judge}, which did not draw them, {named} {'shows' if len(taken) == 1 else 'show'} the class as well."


def ask(found: Results) -> Section:
    section = Section(
        "S14",
        "Why is the image regularised?",
        "What in the picture is the network’s, and what is the regulariser’s?",
        how="Each prior on the trained network and on ones whose weights are shuffled, other weights with every seed: "
        "what it draws where nothing was learned is its own. Frequencies are in cycles a pixel. “phase” climbs phases "
        "alone (MACO); its magnitudes are the mean of {images}. SSIM compares trained with shuffled.",
    )
    rows = [row for row in found.table("regulariser_ablation") if row["kind"] == "mean"]
    means = {row["prior"]: row for row in rows if row["weights"] == "trained"}
    template = max((int(row["template"]) for row in rows), default=0)
    images = f"{template} images that are not of the class" if template else "1/f, for there are no other images"
    section.how = section.how.format(images=images)
    for weights in WEIGHTS:
        shown = [found.made(f"{prior} {weights} 0", prior) for prior in PRIORS]
        section.show(f"{weights.capitalize()} weights", shown, is_large=True)
    if means:
        section.answer = answer(means)
        section.count(
            number(
                means["none"],
                "high_frequencies",
                "of the power above f = 0.25 without a prior",
                0,
                factor=100,
                unit=" %",
            )
            if "none" in means
            else None
        )
        judge = found.plan.judge
        if judge and (words := elsewhere(means, judge.name)):
            section.more.append(words)
        elif not judge:
            section.miss("No second network knows the class, so none could judge the images; --beside names one.")
        for column, x, caption in (
            (
                "high_frequencies",
                "share of power above f = 0.25",
                "How rough each prior’s image is",
            ),
            ("likeness", "SSIM of trained and shuffled weights’ images", "How much of the image is the prior’s"),
        ):
            section.draw(
                bars(
                    [
                        Bar(prior, row[column], row[f"{column}_low"], row[f"{column}_high"])
                        for prior, row in means.items()
                    ],
                    x=f"{x} (line: range)",
                    title=caption,
                ),
                f"{caption}.",
            )
        section.tell(
            f"Mean and range over {found.plan.level.seeds} seeds; elsewhere: {judge.name if judge else 'no network'}",
            HEAD,
            [
                (
                    str(row["prior"]),
                    str(row["weights"]),
                    *(_cell(row, name, digits) for name, digits in COLUMNS.items()),
                )
                for row in rows
            ],
        )
    section.miss(*found.trouble("regulariser_ablation", *(f"{p} {w} 0" for p in PRIORS for w in WEIGHTS)))
    return section


def _cell(row: Row, name: str, digits: int) -> str:
    value, low, high = (row.get(f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None or low is None or high is None:
        return "–"
    return f"{plain(value, digits)} ({plain(low, digits)} to {plain(high, digits)})"
