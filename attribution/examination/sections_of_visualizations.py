"""The questions about visualizations: S1, S2, S3, S7, S9, S10, S14, S15, S16."""

import itertools
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from . import answers
from .drawing import Bar, Series, bars, lines, picture, scores
from .plan import PRIORS
from .results import Results, Row, Section


def duality(found: Results) -> Section:
    section = Section(
        "S1",
        "Was it new?",
        "Erhan, Bengio, Courville and Vincent maximised units by gradient ascent in 2009. With the weights fixed "
        "and the "
        "image changed, that is visualization; with the image fixed and the weights changed, it is training. What does "
        "a penalty add to a norm ball?",
        how="Ball and penalty are dual: at the distance ‖x − x̄‖ that the penalty reached, both have the same "
        "optimum; both begin at the same noise on the ball. "
        "Neither ascent is clipped here. Below, Erhan’s own contribution: channels inside the network.",
    )
    penalty, ball = found.arrays("penalty").get("images"), found.arrays("ball").get("images")
    cosines: dict[str, float] = {}
    if penalty is not None and ball is not None:
        mean = found.mean
        alike = [_cosine(one - mean, other - mean) for one, other in zip(penalty, ball, strict=True)]
        cosines["ball"] = sum(alike) / len(alike)
    section.answer = answers.duality(cosines)
    name = found.label(found.plan.index)
    section.show(
        f"The {name}, by penalty and on the ball",
        [
            found.made("free", "penalty, its own start (Simonyan 2013)", scale="stretch"),
            found.made("penalty", "penalty, the ball’s start", scale="stretch"),
            found.made("ball", "norm ball of that radius (Erhan 2009)", scale="stretch"),
        ],
    )
    images = {image.name: image for image in found.plan.pool}
    for key in [name for name in found.plan.visualizations if name.startswith("unit ")]:
        channel = int(key.split()[1])
        rows = [row for row in found.table("unit_activation") if row["channel"] == channel and row["end"] == "most"]
        shown = [found.made(key, "made for it", scale="stretch")]
        shown += [found.photo(images[row["image"]], f"excites it by {row['activation']:.1f}") for row in rows]
        section.show(f"Channel {channel} of {rows[0]['module'] if rows else 'the last convolution'}", shown)
    section.miss(*found.trouble("free", "penalty", "ball", "unit_activation"))
    return section


def class_models(found: Results) -> Section:
    section = Section(
        "S2",
        "The class model",
        "Which image does the network score highest? argmax S_c(x) − λ‖x − x̄‖², with the score before the softmax.",
        how="Normalised gradient ascent from near the mean image, clipped to [0, 1] after every step; λ = 0.02 "
        "in squared units of the image’s own range; each picture is one restart, as it is.",
    )
    names = [name for name in found.plan.visualizations if name.startswith("class ")]
    section.show(
        "Class models",
        [found.made(name, found.label(int(name.split()[1])), place=0) for name in names],
    )
    own = found.curve("restarts", "logit")
    real = [row["logit"] for row in found.table("score_gap") if row["kind"] == "image" and row["is_of_class"]]
    if own:
        section.answer = answers.class_model(own[0], own[-1], sum(real) / len(real) if real else None)
        curves = found.curves("restarts")
        section.draw(
            lines(
                [
                    Series("score S_c", range(len(own)), own, _ends(curves["logit"])[0], _ends(curves["logit"])[1]),
                    Series("distance ‖x − x̄‖", range(len(own)), found.curve("restarts", "distance")),
                ],
                x="step",
                y="score, distance",
                title="Score and distance along the ascent",
            ),
            f"The ascent for {found.label(found.plan.index)}: mean of {len(curves['logit'][0])} restarts, band: "
            "their range.",
        )
    section.miss(*found.trouble("restarts", *names))
    return section


def softmax(found: Results) -> Section:
    section = Section(
        "S3",
        "What if the softmax is maximised?",
        "The paper maximises the unnormalised score “because the class posterior can be maximised by lowering "
        "the scores of other classes”, and shows no comparison.",
        how="The same start, steps and seeds; only the scalar differs. The sum of the other scores tells whether "
        "they are pushed down.",
    )
    titles = {"logit": "score S_c", "log_probability": "log p_c", "margin": "margin"}
    section.show(
        f"{found.label(found.plan.index).capitalize()} by the scalar that is climbed",
        [found.made(name, title) for name, title in titles.items()],
    )
    there = [name for name in titles if found.curve(name, "logit")]
    for column, y, caption in (
        ("logit", "S_c", "The class’s score along each ascent."),
        ("others", "Σ of the other S_k", "The sum of all other classes’ scores along each ascent."),
    ):
        section.draw(
            lines(
                [_line(titles[name], found.curve(name, column)) for name in there],
                x="step",
                y=y,
                title=caption,
            ),
            caption,
        )
    if {"logit", "log_probability"} <= set(there):
        ends = [
            {column: found.curve(name, column)[-1] for column in ("logit", "others")}
            for name in ("logit", "log_probability")
        ]
        section.answer = answers.softmax(ends[0], ends[1])
    section.miss(*found.trouble(*titles))
    return section


def of_visualization(found: Results) -> Section:
    section = Section(
        "S7",
        "The saliency map of the visualization",
        "What is the saliency map of the visualized image? Does the gradient vanish there?",
        how="At rest the penalised ascent has ∇S_c = 2λ(x − x̄), so the map of the visualization is the visualization. "
        "A network with corners (ReLU, max-pool) never quite rests; smoothed, it nearly does. Neither ascent is "
        "clipped. Concentration is Gini’s coefficient of |∇S|: 0 all pixels alike, 1 a single pixel.",
    )
    rows = found.table("saliency_of_visualization")
    kinds = {kind: [row for row in rows if row["kind"] == kind] for kind in ("penalised", "free", "image")}
    if kinds["penalised"]:
        here = kinds["penalised"]
        real = _mean(kinds["image"], "gradient_norm") or float("nan")
        section.answer = answers.saliency_of_visualization(
            _mean(here, "cosine"), _mean(here, "cosine_smoothed"), _mean(here, "gradient_norm") / real
        )
        titles = {"penalised": "class model", "free": "no penalty", "image": "real images"}
        section.draw(
            bars(
                [_spread(titles[kind], [row["gini"] for row in some]) for kind, some in kinds.items() if some],
                x="Gini coefficient of |∇S| (line: range)",
                title="How concentrated saliency maps are",
                high=1,
            ),
            "How concentrated the map is, on class models and on real images.",
        )
        section.draw(
            bars(
                [_spread(titles[kind], [row["gradient_norm"] for row in some]) for kind, some in kinds.items() if some],
                x="‖∇S‖ (line: range)",
                title="How long the gradient is",
            ),
            "How long the gradient is.",
        )
    section.miss(*found.trouble("saliency_of_visualization"))
    return section


def editing(found: Results) -> Section:
    toward = found.label(found.plan.other_class)
    section = Section(
        "S9",
        "Editing an image through back-propagation",
        f"Back-propagation can change an image as well as explain it. What happens on the way to “{toward}”?",
        how="Gradient ascent on a real image within a root mean square change of 0.1 of its range. Raw steps are "
        "adversarial examples (Szegedy et al. 2014); smoothed and low-pass steps have to show something.",
    )
    start = found.photos[found.plan.images[0].pk].astype(float).transpose(2, 0, 1) / 255
    ends: dict[str, dict[str, float]] = {}
    series = []
    for prior in ("raw", "smoothed", "low_pass"):
        name = f"edit {prior}"
        arrays, p = found.arrays(name), found.curve(name, "probability")
        if not arrays or not p:
            continue
        after = arrays["images"][0].astype(float)
        there = next((step for step, value in enumerate(p) if value > 0.5), len(p) - 1)
        ends[prior] = {"probability": p[-1], "change": found.curve(name, "distance")[there] / start.size**0.5}
        series.append(_line(prior.replace("_", "-"), p))
        pictures = [found.photo(found.plan.images[0], "before")]
        for place in range(1, len(arrays.get("path", [])), 2):
            frame = arrays["path"][place][0]
            pictures.append(picture("visualization", f"frame {place + 1} of {len(arrays['path'])}", array=frame))
        pictures.append(picture("visualization", "the change, stretched", array=after - start, scale="stretch"))
        section.show(f"{prior.replace('_', '-').capitalize()} steps: p rises to {p[-1]:.2f}", pictures)
    section.draw(
        lines(series, x="step", y=f"p of {toward}", title="The probability along the edit", low=0, high=1),
        f"The probability of {toward} along the three edits.",
    )
    if {"raw", "smoothed"} <= set(ends):
        section.answer = answers.editing(ends["raw"], ends["smoothed"])
    covered = found.arrays("occluded").get("images")
    row = found.plan.visualizations.get("occluded")
    if covered is not None and row is not None:
        section.show(
            "Taken away instead: the squares whose loss costs the score most, filled from their surroundings",
            [picture("visualization", f"loss {place + 1}", array=image) for place, image in enumerate(covered)],
        )
    section.miss(*found.trouble("edit raw", "edit smoothed", "edit low_pass", "occluded"))
    return section


def score_gap(found: Results) -> Section:
    section = Section(
        "S10",
        "Scores of real images against those of visualized ones",
        "How high do real images of the class score, and where do the visualized ones lie?",
        how="Cumulative shares of the real images’ scores; lines mark restarts of the class model. The distance of "
        "features (Mahalanobis, covariance shrunk) is only given where there are images enough to estimate it.",
    )
    rows = found.table("score_gap")
    real = [row["logit"] for row in rows if row["kind"] == "image" and row["is_of_class"]]
    others = [row["logit"] for row in rows if row["kind"] == "image" and not row["is_of_class"]]
    made = [row for row in rows if row["kind"] == "restart"]
    if made:
        reached = [row["logit"] for row in made]
        section.answer = answers.score_gap(
            len(made),
            sum(bool(row["is_above_all"]) for row in made),
            len(real),
            median(real) if real else None,
            sum(reached) / len(reached),
        )
        section.draw(
            scores(real, others, reached, x=f"score of {found.label(found.plan.index)}", title="Scores"),
            f"{len(real)} images of the class, {len(others)} others, {len(made)} restarts.",
        )
    for row in rows:
        if row["kind"] == "features" and row.get("refused"):
            section.miss(str(row["refused"]))
        elif row["kind"] == "features":
            section.more.append(
                f"In the {row['features']} features before the last layer the class models lie {row['restarts']:.1f} "
                f"from the nearest class, held-out images {row['held_out']:.1f} (97.5 % of them within "
                f"{row['held_out_high']:.1f})."
            )
    section.miss(*found.trouble("score_gap"))
    return section


def regulariser(found: Results) -> Section:
    section = Section(
        "S14",
        "Why is the image regularised?",
        "What in the picture is the network’s, and what is the regulariser’s?",
        how="Each prior on the trained network and on one whose weights are shuffled: what it draws where nothing was "
        "learned is its own. Power is counted above a quarter of a cycle a pixel. MACO’s magnitudes are 1/f here.",
    )
    rows: dict[str, Row] = {}
    table = found.table("regulariser_ablation")
    for prior in PRIORS:
        own = [row for row in table if row["prior"] == prior and row["weights"] == "trained"]
        if own:
            rows[prior] = {
                "high": _mean(own, "high_frequencies"),
                "likeness": _mean(own, "likeness"),
                "logit": _mean(own, "logit"),
            }
    for weights in ("trained", "shuffled"):
        section.show(
            f"{weights.capitalize()} weights",
            [found.made(f"{prior} {weights}", prior) for prior in PRIORS],
        )
    if rows:
        section.answer = answers.regulariser(rows)
        section.draw(
            bars(
                [Bar(prior, row["high"]) for prior, row in rows.items()],
                x="share of power at high frequencies",
                title="Share of power at high frequencies by prior",
            ),
            "How rough each prior’s image is.",
        )
        section.draw(
            bars([Bar(prior, row["logit"]) for prior, row in rows.items()], x="score S_c", title="Score by prior"),
            "What each prior costs or gains in score.",
        )
    section.miss(*found.trouble("regulariser_ablation", *(f"{p} {w}" for p in PRIORS for w in ("trained", "shuffled"))))
    return section


def restarts(found: Results) -> Section:
    section = Section(
        "S15",
        "One goose or many?",
        "The paper’s goose is a flock. Is that because the optimum is local, because the training images show "
        "several, or because pooling adds evidence from everywhere?",
        how="Restarts differ only in the noise they begin with. Instances are places where covering lowers the "
        "score by "
        "at least half of the most. The experiment trains networks on one instance and on two to four, matched "
        "in size, area and contrast; the network is the unit.",
    )
    images = found.arrays("restarts").get("images")
    section.show(
        f"Restarts of {found.label(found.plan.index)}",
        [
            found.made("restarts", f"start {place + 1}", place=place)
            for place in range(0 if images is None else len(images))
        ],
    )
    alike = next((row for row in found.table("restarts") if row["kind"] == "all"), None)
    counted = next((row for row in found.table("instance_count") if row["kind"] == "network"), None)
    if alike:
        section.answer = answers.restarts(alike, counted)
    if counted and counted.get("validity") is not None:
        good = "follows" if counted["validity"] > 0.5 else "does not reliably follow"
        section.more.append(
            f"On {counted['images']} real images the count {good} the number of boxes (Spearman "
            f"{counted['validity']:.2f})."
        )
    elif counted:
        section.miss("Too few images with boxes of one and of several objects to check the counting of instances.")
    arms = {arm: _counts(found, arm) for arm in ("one", "many")}
    if all(len(counts) >= 2 for counts in arms.values()):
        p = permutation(arms["one"], arms["many"])
        section.more.append(answers.arms(tuple(arms["one"]), tuple(arms["many"]), p))
        section.draw(
            bars(
                [_spread(f"trained on {arm}, {len(counts)} networks", counts) for arm, counts in arms.items()],
                x="separate instances in a class model (line: range over networks)",
                title="Instances by training",
            ),
            "Instances drawn by networks that were trained on scenes with one and with many.",
        )
    else:
        section.miss(
            "The controlled experiment needs at least two networks trained on one instance (named one_…) and two "
            "on many (many_…); they are not here."
        )
    section.miss(*found.trouble("restarts", "instance_count"))
    return section


def discrimination(found: Results) -> Section:
    section = Section(
        "S16",
        "What sets the class apart?",
        "A discriminative network was trained to tell classes apart, not to draw them. What changes when the "
        "closest class is subtracted?",
        how="The closest class is the one with the highest mean score besides the class’s own. Maps: the "
        "gradient of S_c beside that of S_c − S_d.",
    )
    rows = {row["ascended"]: row for row in found.table("discrimination") if row["kind"] == "visualization"}
    summary = found.summary("discrimination", kind="image")
    if rows and summary:
        section.answer = answers.discrimination(summary, rows["score"], rows["difference"])
        rival = str(rows["score"]["against_label"]).replace("_", " ")
        section.draw(
            bars(
                [
                    Bar(f"{title}: the lead over {rival}", row["score"] - row["score_against"])
                    for title, row in (
                        ("score", rows["score"]),
                        ("margin", rows["margin"]),
                        ("difference", rows["difference"]),
                    )
                ],
                x=f"S_c − S_d in the visualization (d: {rival})",
                title="Lead over the closest class",
            ),
            "What is climbed, and how far the class then leads its closest rival.",
        )
    section.show(
        f"{found.label(found.plan.index).capitalize()} alone, by its margin, and against its rival",
        [found.made("logit", "S_c"), found.made("margin", "margin"), found.made("contrast", "S_c − S_d")],
    )
    for image in found.plan.few[:2]:
        section.show(
            image.name,
            [
                found.photo(image),
                found.map("gradient", image, "gradient of S_c"),
                found.map("contrast", image, "of S_c − S_d"),
            ],
        )
    section.miss(*found.trouble("discrimination", "contrast"), found.trouble_of_map("contrast"))
    return section


def permutation(one: Sequence[float], many: Sequence[float]) -> float:
    """The two-sided p of the difference of means over all ways (or 20,000 of them) to share out the networks."""
    pooled = np.asarray([*one, *many], dtype=float)
    seen = abs(np.mean(many) - np.mean(one)) - 1e-12
    chosen: Any = itertools.combinations(range(len(pooled)), len(one))
    ways = np.asarray(list(itertools.islice(chosen, 20000)))
    means = pooled[ways].mean(axis=1)
    rest = (pooled.sum() - means * len(one)) / len(many)
    return float((np.abs(rest - means) >= seen).mean())


def _counts(found: Results, arm: str) -> list[float]:
    names = [name for name in found.plan.measurements if name.startswith(f"{arm} ")]
    rows = [row for name in names for row in found.table(name) if row["kind"] == "network"]
    return [float(row["count"]) for row in rows if row["count"] is not None]


def _line(name: str, values: Sequence[float]) -> Series:
    return Series(name, range(len(values)), values)


def _ends(curve: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    return [min(point) for point in curve], [max(point) for point in curve]


def _spread(name: str, values: Sequence[float]) -> Bar:
    return Bar(name, sum(values) / len(values), min(values), max(values))


def _mean(rows: Sequence[Row], column: str) -> float:
    values = [float(row[column]) for row in rows if row.get(column) is not None]
    return sum(values) / len(values) if values else 0.0


def _cosine(one: Any, other: Any) -> float:
    a, b = np.asarray(one, dtype=float).ravel(), np.asarray(other, dtype=float).ravel()
    return float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-30))
