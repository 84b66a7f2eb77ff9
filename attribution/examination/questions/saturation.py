"""S6: where the first derivative does not work."""

from ..drawing import Bar, bars
from ..results import TITLES, Results
from ..section import Section
from ..wording import UNKNOWN, Row, number, plain, within

MODELS = {
    "constant": "r2_order_0",
    "derivative at the image": "r2_point",
    "first order, smoothed": "r2_order_1",
    "second order, smoothed": "r2_order_2",
}
COLUMNS = {
    "p of the answer": "probability",
    "margin": "margin",
    "‖∇p‖ / ‖∇S‖": "ratio",
    "curvature of log p along ∇p, by the softmax, / ‖∇S‖²": "curvature",
    "κ from the mean colour": "kappa_mean",
    "κ from black": "kappa_black",
    "κ from a blurred copy": "kappa_blurred",
    "share of ReLUs shut": "shut",
}
BLIND, FAINT = 0.01, 0.1  # shares of the score's derivative, below which that of p is called so
STRAIGHT = (0.75, 1.25)  # between which κ is called 1


def answer(row: Row) -> str:
    """Is the first derivative blind, and where? ``probability``, ``ratio``, ``kappa_mean``."""
    ratio, kappa = row.get("ratio"), row.get("kappa_mean")
    if ratio is None:
        return UNKNOWN
    share = f"{ratio:.2g}" if ratio >= 0.0001 else "less than 0.0001"
    at_output = (
        f"The softmax is saturated (mean p {row['probability']:.3f}): its derivative is {share} of the score’s, so a "
        "map of p would be nearly blind while one of the score is not"
        if ratio < BLIND
        else f"The softmax fades (mean p {row['probability']:.3f}): its derivative is {share} of the score’s, so a map "
        "of p grows faint where the network is sure, and one of the score does not"
        if ratio < FAINT
        else f"The softmax is not saturated (mean p {row['probability']:.3f}): its derivative is still "
        f"{ratio:.2f} of the score’s"
    )
    if kappa is None:
        return f"{at_output}."
    low, high = (kappa if row.get(f"kappa_mean_{end}") is None else row[f"kappa_mean_{end}"] for end in ("low", "high"))
    inside = (
        "the score itself is close to a straight line on the way from the mean colour"
        if STRAIGHT[0] < low and high < STRAIGHT[1]
        else "inside the network the derivative at the image does not tell the rise from the mean colour"
        if high < STRAIGHT[0] or STRAIGHT[1] < low
        else "whether the score itself is a straight line from the mean colour stays open on these images"
    )
    return f"{at_output}; {inside} (κ = {within(row, 'kappa_mean', is_nested=True)}, 1 where it is straight)."


def second_order(row: Row) -> str:
    """Does a second order help? ``verdict``, ``r2_order_1``, ``r2_order_2``."""
    one, two = row.get("r2_order_1"), row.get("r2_order_2")
    if one is None or two is None:
        return UNKNOWN
    numbers = f"R² {plain(one)} with the first order, {plain(two)} with the second"
    words = {
        "order 2 helps": f"a smoothed second order tells more of the score ({numbers}).",
        "order 2 does not help": f"a smoothed second order tells less than the first alone ({numbers}).",
        "too noisy": f"the second order’s estimate is too noisy to be used ({numbers}): its two halves hardly agree.",
    }
    return words.get(str(row.get("verdict")), f"whether a second order helps stays open on so few images ({numbers}).")


def ask(found: Results) -> Section:
    section = Section(
        "S6",
        "Where the first derivative does not work",
        "Where the network is confident the derivative vanishes, says the critique. Of which number, and would a "
        "second order help?",
        how="A ReLU network’s raw second derivative is 0 almost everywhere, so the second order is that of the score’s "
        "Gaussian average (Stein’s lemma), on a 5 × 5 grid, shrunk, and judged on fresh perturbations. κ is the rise "
        "foretold by the derivative over the real rise; a network without biases has κ = 1 from black.",
    )
    row = found.summary("saturation")
    section.answer = answer(row)
    section.count(
        number(row, "ratio", "the softmax’s derivative as a share of the score’s", 4),
        number(row, "kappa_mean", "κ from the mean colour, 1 where the score is straight"),
    )
    section.tell(
        "Saturation, mean over images with 95 % intervals",
        ("measured", "mean", "interval"),
        [
            (title, plain(row[name], 3), f"{plain(row[f'{name}_low'], 3)} to {plain(row[f'{name}_high'], 3)}")
            for title, name in COLUMNS.items()
            if row.get(name) is not None and row.get(f"{name}_low") is not None
        ],
    )
    for order in found.summaries("second_order_fidelity"):
        section.more.append(f"At noise of {order['deviation']:g} of the range {second_order(order)}")
        section.draw(
            bars(
                [
                    Bar(title, max(order[name], -1), _cut(order.get(f"{name}_low")), _cut(order.get(f"{name}_high")))
                    for title, name in MODELS.items()
                    if order.get(name) is not None
                ],
                x="R² on fresh perturbations (cut off at −1)",
                title=f"Fidelity by order at noise of {order['deviation']:g}",
                low=-1,
                high=1,
            ),
            f"Noise of {order['deviation']:g} that shifts whole cells; {order['images']} images, 95 % intervals.",
        )
    _flips(section, row)
    for image in found.plan.few[:2]:
        shown = [
            found.map("smoothgrad", image, TITLES["smoothgrad"]),
            found.map("integrated_gradients", image, TITLES["integrated_gradients"]),
            found.map(
                "second_order",
                image,
                "smoothed second derivative: yellow up, blue down",
                scale="signed",
                colours="managua_r",
            ),
        ]
        section.show(found.name(image), [found.photo(image), *shown], is_large=True)
    section.miss(*found.trouble("saturation", "second_order_fidelity"))
    return section


def _flips(section: Section, row: Row) -> None:
    sizes = sorted((float(name[8:]), name) for name in row if name.startswith("flipped_") and name.count("_") == 1)
    if sizes and row.get("shut") is not None:
        section.draw(
            bars(
                [
                    Bar(f"noise of {size:g}", row[name], row.get(f"{name}_low"), row.get(f"{name}_high"))
                    for size, name in sizes
                ],
                x="share of ReLUs that change side",
                title="ReLUs that flip by the size of the noise",
            ),
            f"Each flip is a corner the derivative cannot see beyond. {100 * row['shut']:.0f} % of the ReLUs are shut.",
        )
    elif row:
        section.miss("The network has no ReLU, so none can flip; its corners are round.")


def _cut(value: float | None) -> float | None:
    return None if value is None else max(value, -1.0)
