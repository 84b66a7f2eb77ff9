"""A plain sentence for each question, chosen from its number and the number's interval. No sentence is fixed."""

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
UNKNOWN = "This could not be measured here."


def within(row: Row, name: str, digits: int = 2, *, is_nested: bool = False) -> str:
    """“0.41 (95 % interval 0.30 to 0.52)”, in square brackets where nested; the number alone without an interval."""
    value, low, high = row.get(name), row.get(f"{name}_low"), row.get(f"{name}_high")
    if value is None:
        return "not measured"
    text = f"{value:.{digits}f}"
    if low is not None and high is not None:
        ends = f"95 % interval {low:.{digits}f} to {high:.{digits}f}"
        text += f" [{ends}]" if is_nested else f" ({ends})"
    return text.replace("-", "−")


def duality(cosines: Mapping[str, float]) -> str:
    """S1: are the penalty's and the ball's image one?"""
    if "ball" not in cosines:
        return UNKNOWN
    value = cosines["ball"]
    if value > 0.9:
        return (
            f"At the same distance from the mean image, the norm ball of Erhan et al. (2009) and the penalty of "
            "Simonyan "
            f"et al. (2013) draw the same image (cosine {value:.2f}): for this network the method was not new."
        )
    if value > 0.5:
        return (
            f"At the same distance from the mean image, ball and penalty draw related images (cosine {value:.2f}), not "
            "the same one: in theory they are dual, but each ascent ends in a local optimum of its own."
        )
    return (
        f"At the same distance from the mean image, ball and penalty draw different images (cosine {value:.2f}): "
        "they are dual in theory, yet the ascents end in different local optima, so what differs is the search."
    )


def class_model(before: float, after: float, real: float | None) -> str:
    """S2: how far did the ascent of the score come?"""
    rise = f"The score rises from {before:.1f} at the mean image to {after:.1f}"
    if real is None:
        return f"{rise}."
    if after > real:
        return f"{rise}, above the {real:.1f} that real images of the class reach on average."
    return f"{rise} and stays below the {real:.1f} that real images of the class reach on average."


def softmax(score: Row, chance: Row) -> str:
    """S3: what differs when log p is maximised? Rows: logit, others, probability, distance at the end."""
    ratio = chance["logit"] / score["logit"] if score["logit"] else 0.0
    lowered = chance["others"] < score["others"]
    first = (
        f"Maximising the softmax stops early: its class score ends at {chance['logit']:.1f}, that of the score's "
        f"ascent at {score['logit']:.1f}"
        if ratio < 0.9
        else f"Maximising the softmax climbs as far as maximising the score ({chance['logit']:.1f} against "
        f"{score['logit']:.1f})"
    )
    second = (
        "and it does so in part by lowering the other classes' scores further."
        if lowered
        else "and it does not lower the other classes' scores any further than the score's ascent does."
    )
    return f"{first}, {second}"


def linearity(row: Row) -> str:
    """S4: how far does the linear model hold? ``radius`` with its ends."""
    radius = row.get("radius")
    if radius is None:
        return UNKNOWN
    levels = 255 * radius
    where = f"up to noise of {radius:.4f} of the image's range ({levels:.1f} grey levels of 255)"
    if levels < 2:
        return (
            f"The linear model tells 90 % of what the score does only {where}: less than two "
            "steps of an 8-bit image, so the map describes a neighbourhood nobody lives in."
        )
    if levels < 13:
        return f"The linear model tells 90 % of what the score does {where}: a small change."
    return f"The linear model tells 90 % of what the score does {where}: no small change, so it is a fair description."


def influence(rows: Mapping[tuple[str, str], Row]) -> str:
    """S5: do definitions of influence agree? Rows with ``correlation``, by pair of definitions."""
    known = {pair: row["correlation"] for pair, row in rows.items() if row.get("correlation") is not None}
    if not known:
        return UNKNOWN
    worst, best = min(known, key=lambda pair: known[pair]), max(known, key=lambda pair: known[pair])
    middle = sum(known.values()) / len(known)
    verdict = (
        "so for this network it matters little which one is meant"
        if known[worst] > 0.7
        else "so “influence” means nothing until one of them is named"
    )
    return (
        f"Definitions of influence agree with each other at {middle:.2f} on average, from {known[worst]:.2f} "
        f"({' and '.join(worst)}) to {known[best]:.2f} ({' and '.join(best)}): {verdict}."
    )


def saturation(row: Row) -> str:
    """S6: is the first derivative blind, and where? ``probability``, ``ratio``, ``kappa_mean``."""
    ratio, kappa = row.get("ratio"), row.get("kappa_mean")
    if ratio is None:
        return UNKNOWN
    share = f"{ratio:.3f}" if ratio >= 0.001 else "less than 0.001"
    at_output = (
        f"The softmax is saturated (mean p {row['probability']:.3f}): its derivative is {share} of the score's, so a "
        "map of p would be nearly blind while one of the score is not"
        if ratio < 0.1
        else f"The softmax is not saturated (mean p {row['probability']:.3f}): its derivative is still "
        f"{ratio:.2f} of the score's"
    )
    if kappa is None:
        return f"{at_output}."
    inside = (
        "the score itself is close to a straight line on the way from the mean colour"
        if abs(kappa - 1) < 0.25
        else "inside, too, the derivative at the image does not tell the rise from the mean colour"
    )
    return f"{at_output}; {inside} (κ = {within(row, 'kappa_mean', is_nested=True)}, 1 where it is straight)."


def second_order(row: Row) -> str:
    """S6: does a second order help? ``verdict``, ``r2_order_1``, ``r2_order_2``."""
    one, two = row.get("r2_order_1"), row.get("r2_order_2")
    if one is None or two is None:
        return UNKNOWN
    numbers = f"R² {one:.2f} with the first order, {two:.2f} with the second"
    words = {
        "order 2 helps": f"A smoothed second order tells more of the score ({numbers}).",
        "order 2 does not help": f"A smoothed second order tells less than the first alone ({numbers}).",
        "too noisy": f"The second order's estimate is too noisy to be used ({numbers}): its two halves hardly agree.",
    }
    return words.get(str(row.get("verdict")), f"Whether a second order helps stays open on so few images ({numbers}).")


def saliency_of_visualization(cosine: float, smoothed: float, ratio: float) -> str:
    """S7: cosines of the map with the class model, at the point and smoothed; |∇S| there over that of real images."""
    best = max(cosine, smoothed)
    size = f"its gradient is {ratio:.1f} times as long as on real images"
    if best > 0.9:
        return (
            f"The saliency map of the class model is the class model itself (cosine {cosine:.2f}, {smoothed:.2f} once "
            f"smoothed) and does not vanish: {size}."
        )
    return (
        f"The saliency map of the class model resembles it only in part (cosine {cosine:.2f}, {smoothed:.2f} once "
        f"smoothed), so the ascent had not come to rest; {size}."
    )


def cross_saliency(trained: Row, shuffled: Row | None) -> str:
    """S8: mean rank correlation of different classes' maps, beside that of a network with shuffled weights."""
    value = trained.get("correlation")
    if value is None:
        return UNKNOWN
    first = f"On one image the maps of different classes correlate at {within(trained, 'correlation')}"
    beside = shuffled.get("correlation") if shuffled else None
    verdict = (
        "a map mostly shows where something is, not which class it speaks for"
        if value > 0.6
        else "a map depends on the class it is asked about"
    )
    if beside is None:
        return f"{first}: {verdict}."
    compared = "less than" if value < beside - 0.05 else "more than" if value > beside + 0.05 else "much as"
    return f"{first}, {compared} with shuffled weights ({beside:.2f}): {verdict}."


def editing(raw: Row, smooth: Row) -> str:
    """S9: of raw and smooth steps ``probability`` at the end, ``change`` (RMS) where it passes one half."""
    reached = raw["probability"] > 0.5
    beside = smooth["probability"] > 0.5
    first = (
        f"Raw steps need a change of {255 * raw['change']:.1f} grey levels until the network sees the other class: an "
        "adversarial example"
        if reached and raw["change"] < 0.03
        else f"Raw steps need a change of {255 * raw['change']:.1f} grey levels until the network sees the "
        "other class: no longer a small one"
        if reached
        else f"Raw steps within the budget do not make the network see the other class (p {raw['probability']:.2f})"
    )
    second = (
        f"smooth steps get there at {255 * smooth['change']:.1f} grey levels, and have to draw something"
        if beside
        else f"smooth steps do not get there (p {smooth['probability']:.2f})"
    )
    return f"{first}; {second}."


def score_gap(restarts: int, above: int, real: int, median: float | None, made: float) -> str:
    """S10: how many restarts score above every real image of the class."""
    if not real:
        return f"Class models score {made:.1f} on average, and there is no labelled image of the class to compare with."
    numbers = f"{made:.1f} on average against a median of {median:.1f}"
    if real == 1:
        higher = "Every" if above == restarts else f"{above} of {restarts}" if above else "No"
        return f"{higher} class model scores higher than the one real image of its class ({numbers})."
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


def rules(row: Row) -> str:
    """S12: the cosine of deconvolution's and back-propagation's maps at the image."""
    value = row.get("cosine")
    if value is None:
        return UNKNOWN
    numbers = f"cosine {within(row, 'cosine', is_nested=True)} at the image"
    if value > 0.95:
        return f"Deconvolution and back-propagation send nearly the same to this network's images ({numbers})."
    if value > 0.5:
        return (
            f"Deconvolution and back-propagation are similar, not equivalent ({numbers}): each ReLU parts them further."
        )
    return f"Deconvolution and back-propagation are different things here ({numbers}): each ReLU parts them further."


def localisation(row: Row) -> str:
    """S13: the pointing game against the centre, and boxes at IoU 0.5."""
    hit, centre = row.get("pointing"), row.get("centre_pointing")
    if hit is None or centre is None:
        return "There are no boxes, so nobody can say whether the maps lie on the objects."
    low, high = row.get("pointing_low"), row.get("pointing_high")
    numbers = f"{100 * hit:.0f} % of the maps peak on the object, the image's centre lies on it in {100 * centre:.0f} %"
    found = f"{100 * row['is_found']:.0f} % of the objects get a box at IoU 0.5"
    if low is None or high is None or low <= centre <= high:
        return f"{numbers}: no sure difference on so few images; {found}."
    return f"{numbers}: the map {'knows more than' if hit > centre else 'does worse than'} the centre; {found}."


def regulariser(rows: Mapping[str, Row]) -> str:
    """S14: of each prior ``high`` frequencies' share and ``likeness`` to what it draws with shuffled weights."""
    if "none" not in rows or len(rows) < 2:
        return UNKNOWN
    smoothest = min((name for name in rows if name != "none"), key=lambda name: rows[name]["high"])
    alike = max(rows, key=lambda name: rows[name]["likeness"])
    bare, best = rows["none"]["high"], rows[smoothest]["high"]
    first = (
        f"Without a prior {100 * bare:.0f} % of the image's power is at high frequencies, with “{smoothest}” "
        f"{100 * best:.0f} %: the smoothness is the prior's"
        if best < 0.7 * bare
        else f"No prior makes the image much smoother than none ({100 * bare:.0f} % of the power at high frequencies "
        f"without, {100 * best:.0f} % with “{smoothest}”)"
    )
    second = (
        f"“{alike}” draws much the same on a network that has learned nothing (SSIM {rows[alike]['likeness']:.2f})"
        if rows[alike]["likeness"] > 0.5
        else f"none of them draws the same on a network that has learned nothing (SSIM at most "
        f"{rows[alike]['likeness']:.2f})"
    )
    return f"{first}; {second}."


def restarts(row: Row, count: Row | None) -> str:
    """S15: likeness of restarts in pixels and features, and how many separate instances they show."""
    many = row["pixels"] < 0.5
    first = (
        f"Other starts end in other images (SSIM {row['pixels']:.2f}) that mean the same to the network (cosine of "
        f"features {row['features']:.2f}): a local optimum, one of many"
        if many and row["features"] > 0.8
        else f"Other starts end in other images (SSIM {row['pixels']:.2f}, cosine of features {row['features']:.2f}): "
        "local optima of several kinds"
        if many
        else f"Other starts end in much the same image (SSIM {row['pixels']:.2f}): nearly a single optimum"
    )
    if count is None or count.get("count") is None:
        return f"{first}."
    words = "more than one separate instance" if count["count"] >= 1.5 else "a single instance"
    return f"{first}; on average they show {words} ({within(count, 'count', 1, is_nested=True)})."


def arms(one: tuple[float, ...], many: tuple[float, ...], p: float) -> str:
    """S15's experiment: counts of networks trained on one and on many instances; ``p`` of a permutation of networks."""
    means = sum(one) / len(one), sum(many) / len(many)
    numbers = f"{means[1]:.1f} against {means[0]:.1f} instances; {len(many)} and {len(one)} networks; p = {p:.3f}"
    pooling = (
        "Networks that only ever saw one draw more than one as well: pooling adds evidence over positions."
        if means[0] >= 1.5
        else "Networks that only ever saw one draw about one."
    )
    if p < 0.05:
        more = "more" if means[1] > means[0] else "fewer"
        return f"Networks trained on many instances draw {more} ({numbers}). {pooling}"
    return f"Training on many instances made no sure difference ({numbers}). {pooling}"


def discrimination(images: Row, score: Row, contrast: Row) -> str:
    """S16: the cosine of g_c and g_d, and the closest class's probability in the two class models."""
    value = images.get("cosine")
    if value is None:
        return UNKNOWN
    shared = (
        f"The class's gradient and its closest rival's share their direction (cosine "
        f"{within(images, 'cosine', is_nested=True)}), so a map of the class alone speaks for both"
        if value > 0.3
        else f"The class's gradient has little in common with its closest rival's (cosine "
        f"{within(images, 'cosine', is_nested=True)})"
    )
    gap = contrast["score"] - contrast["score_against"], score["score"] - score["score_against"]
    drawn = (
        f"subtracting the rival widens the visualization's lead from {gap[1]:.1f} to {gap[0]:.1f}"
        if gap[0] > 1.1 * gap[1]
        else f"subtracting the rival does not widen the visualization's lead ({gap[1]:.1f} before, {gap[0]:.1f} after)"
    )
    return f"{shared}; {drawn}."


def faithfulness(rows: Mapping[str, Row], control: str = "random_map") -> str:
    """Are the maps more faithful than noise? ``deletion_probability`` (lower is better) by method."""
    beside = rows.get(control)
    others = {
        name: row for name, row in rows.items() if name != control and row.get("deletion_probability") is not None
    }
    if beside is None or not others:
        return UNKNOWN
    best = min(others, key=lambda name: others[name]["deletion_probability"])
    high, low = others[best].get("deletion_probability_high"), beside.get("deletion_probability_low")
    numbers = (
        f"mean p while deleting: {within(others[best], 'deletion_probability', is_nested=True)} with {best}, "
        f"{within(beside, 'deletion_probability', is_nested=True)} with noise"
    )
    if high is not None and low is not None and high < low:
        return f"The class hangs on what the maps mark ({numbers})."
    return f"Deleting what the maps mark is not surely worse for the class than deleting at random ({numbers})."


def randomisation(rows: Mapping[str, Row]) -> str:
    """How alike maps stay when every layer is shuffled: ``ssim`` by method."""
    if not rows:
        return UNKNOWN
    stuck = [name for name, row in rows.items() if (row.get("ssim") or 0) > 0.5]
    numbers = ", ".join(f"{name} {row['ssim']:.2f}" for name, row in rows.items())
    if stuck:
        return (
            f"{' and '.join(stuck)} would look much the same had nothing been learned (SSIM with all "
            f"shuffled: {numbers})."
        )
    return f"Every map changes when the network forgets what it learned (SSIM with all layers shuffled: {numbers})."
