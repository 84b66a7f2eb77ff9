"""S10: scores of real images against those of visualized ones."""

from statistics import median

from ..drawing import scores
from ..results import Results
from ..section import Section
from ..wording import column_of, plain, ranged


def answer(restarts: int, above: int, real: int, middle: float | None, made: float) -> str:
    """How many restarts score above every real image of the class; ``middle`` is their median."""
    if not real or middle is None:
        return (
            f"Class models score {plain(made, 1)} on average, and there is no labelled image of the class to compare "
            "with."
        )
    numbers = f"{plain(made, 1)} on average against {'a median of ' if real > 1 else ''}{plain(middle, 1)}"
    if real == 1:
        higher = "Every class model" if above == restarts else f"{above} of {restarts} class models"
        higher = higher if above else "No class model"
        verb = "score" if 0 < above < restarts else "scores"
        return f"{higher} {verb} higher than the one real image of the class ({numbers})."
    if above == restarts:
        return (
            f"Every class model scores higher than all {real} real images of its class ({numbers}): "
            "they are no members."
        )
    if above:
        return (
            f"{above} of {restarts} class models score higher than all {real} real images of their class ({numbers})."
        )
    return f"No class model scores higher than all {real} real images of its class ({numbers})."


def ask(found: Results) -> Section:
    section = Section(
        "S10",
        "Scores of real images against those of visualized ones",
        "How high do real images of the class score, and where do the visualized ones lie?",
        how="Cumulative shares of the real images’ scores; lines mark restarts of the class model. The distance of "
        "features (Mahalanobis, covariance shrunk) is only given where there are images enough to estimate it.",
    )
    rows = found.table("score_gap")
    images, made = ([row for row in rows if row["kind"] == kind] for kind in ("image", "restart"))
    real = [row["logit"] for row in images if row["is_of_class"]]
    name = found.label(found.plan.index)
    if made:
        reached = [row["logit"] for row in made]
        above = sum(bool(row["is_above_all"]) for row in made)
        middle = median(real) if real else None
        section.answer = answer(len(made), above, len(real), middle, sum(reached) / len(reached))
        section.count(
            ranged(reached, f"score of the class models of {name}", "restarts", 1),
            ranged(real, f"score of real images of {name}", "images", 1),
            ranged(column_of(made, "percentile"), "percentile of the class models among them", "restarts", 0),
        )
        for column, x in (("logit", f"score of {name}"), ("probability", f"p of {name}")):
            section.draw(
                scores(
                    [row[column] for row in images if row["is_of_class"]],
                    [row[column] for row in images if not row["is_of_class"]],
                    [row[column] for row in made],
                    x=x,
                    title=x.capitalize(),
                ),
                f"{_counted(len(real), 'image')} of the class, {len(images) - len(real)} others, "
                f"{_counted(len(made), 'restart')}.",
            )
    first = found.plan.images[0]
    if found.plan.network.class_of(first) == found.plan.index:
        section.show(
            "A real image of the class, and class models of it",
            [found.photo(first, "real"), *(found.made("restarts", f"start {n + 1}", place=n) for n in range(3))],
            is_large=True,
        )
    for row in rows:
        if row["kind"] == "features" and row.get("refused"):
            section.miss(str(row["refused"]))
        elif row["kind"] == "features":
            section.more.append(
                f"In the {row['features']} features before the last layer the class models lie "
                f"{plain(row['restarts'], 1)} from the nearest class, held-out images {plain(row['held_out'], 1)} "
                f"(97.5 % of them within {plain(row['held_out_high'], 1)})."
            )
    section.miss(*found.trouble("score_gap"))
    return section


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
