"""The questions about saliency maps: S4, S5, S6, S8, S11, S12, S13, and whether maps are faithful at all."""

from . import answers
from .drawing import Bar, Series, bars, lines, matrix
from .plan import INFLUENCES, JUDGED
from .results import Results, Section

TITLES = {
    "gradient": "derivative",
    "gradient_input": "derivative × input",
    "occlusion": "covering",
    "sobol_total": "Sobol total",
    "prediction_difference": "prediction difference",
    "smoothgrad_squared": "variance, upper bound",
    "gaussian_variance": "variance, lower bound",
    "integrated_gradients": "integrated gradients",
    "random_map": "noise",
    "guided_backprop": "guided back-propagation",
    "deconvnet": "deconvolution",
    "vargrad": "curvature (VarGrad)",
    "smoothgrad": "smoothed derivative",
    "second_order": "second derivative, smoothed",
}


def linearity(found: Results) -> Section:
    section = Section(
        "S4",
        "The saliency map and the linear model",
        "S_c(I) ≈ wᵀI + b, with w the derivative: “a linear function”, the paper says, without saying how far.",
        how="R² of the tangent plane under Gaussian noise of several sizes, not clipped; the radius is where R² falls "
        "below 0.9 (geometric mean over images). The map takes the largest absolute value over the three "
        "colours, as the paper does.",
    )
    rows = [row for row in found.summaries("linearity") if row.get("deviation") and row.get("r2") is not None]
    radius = next((row for row in found.summaries("linearity") if "radius" in row), {})
    section.answer = answers.linearity(radius)
    if rows:
        bands = all(row["r2_low"] is not None for row in rows)
        section.draw(
            lines(
                [
                    Series(
                        "tangent plane",
                        [row["deviation"] for row in rows],
                        [row["r2"] for row in rows],
                        [row["r2_low"] for row in rows] if bands else (),
                        [row["r2_high"] for row in rows] if bands else (),
                    )
                ],
                x="standard deviation of the noise (1 is the whole range)",
                y="R² (cut off at −1)",
                title="Fidelity of the linear model by the size of the change",
                is_log=True,
                reference=0.9,
                low=-1,
                high=1,
            ),
            f"Mean over {rows[0]['images']} images with its 95 % bootstrap interval; dashed: 0.9.",
        )
    for image in found.plan.few[:2]:
        section.show(image.name, [found.photo(image), found.map("gradient", image, "gradient")])
    section.miss(*found.trouble("linearity"))
    return section


def influence(found: Results) -> Section:
    section = Section(
        "S5",
        "What is influence?",
        "The map is said to show the pixels’ “influence”. A derivative, a finite change and a share of variance are "
        "different things, and each names a different distribution of what might have been.",
        how="Spearman’s correlation between absolute values, averaged over an 8 × 8 grid so that a coarse method "
        "is not blamed for its grid; means over images. VarGrad is curvature: it leaves the linear part out.",
    )
    rows = {(TITLES[str(row["one"])], TITLES[str(row["other"])]): row for row in found.summaries("influence_agreement")}
    section.answer = answers.influence(rows)
    names = [TITLES[name] for name in INFLUENCES if any(TITLES[name] in pair for pair in rows)]
    if rows:
        values = {(names.index(one), names.index(other)): row["correlation"] for (one, other), row in rows.items()}
        values |= {(place, place): 1.0 for place in range(len(names))}
        section.draw(
            matrix(names, values, title="Agreement of definitions of influence"),
            f"Agreement over {next(iter(rows.values()))['images']} images; columns in the order of the rows.",
        )
    for image in found.plan.few[:2]:
        shown = [found.map(method, image, TITLES[method], is_size=True) for method in (*INFLUENCES, "vargrad")]
        section.show(image.name, [found.photo(image), *shown])
    section.miss(*found.trouble("influence_agreement"), *(found.trouble_of_map(method) for method in INFLUENCES))
    return section


def saturation(found: Results) -> Section:
    section = Section(
        "S6",
        "Where the first derivative does not work",
        "Where the network is confident the derivative vanishes, says the critique. Of which number, and would a "
        "second order help?",
        how="A ReLU network’s raw second derivative is 0 almost everywhere, so the second order is that of the score’s "
        "Gaussian average (Stein’s lemma), on a 5 × 5 grid, shrunk, and judged on fresh perturbations. κ is the rise "
        "foretold by the derivative over the real rise from the mean colour.",
    )
    row = found.summary("saturation")
    section.answer = answers.saturation(row)
    flips = sorted((float(name[8:]), name) for name in row if name.startswith("flipped_") and name.count("_") == 1)
    if flips and row.get("shut") is not None:
        section.draw(
            bars(
                [
                    Bar(f"noise of {size:g}", row[name], row.get(f"{name}_low"), row.get(f"{name}_high"))
                    for size, name in flips
                ],
                x="share of ReLUs that change side",
                title="ReLUs that flip by the size of the noise",
            ),
            f"Each flip is a corner the derivative cannot see beyond. {100 * row['shut']:.0f} % of the ReLUs are shut.",
        )
    elif row:
        section.miss("The network has no ReLU, so none can flip; its corners are round.")
    for order in found.summaries("second_order_fidelity"):
        section.more.append(f"At noise of {order['deviation']:g}: {answers.second_order(order)}")
        models = {
            "constant": "r2_order_0",
            "derivative at the image": "r2_point",
            "first order, smoothed": "r2_order_1",
            "second order, smoothed": "r2_order_2",
        }
        section.draw(
            bars(
                [
                    Bar(title, max(order[name], -1), _cut(order.get(f"{name}_low")), _cut(order.get(f"{name}_high")))
                    for title, name in models.items()
                    if order.get(name) is not None
                ],
                x="R² on fresh perturbations (cut off at −1)",
                title=f"Fidelity by order at noise of {order['deviation']:g}",
                high=1,
            ),
            f"Noise of {order['deviation']:g} that shifts whole cells; {order['images']} images.",
        )
    for image in found.plan.few[:2]:
        shown = [
            found.map("smoothgrad", image, TITLES["smoothgrad"]),
            found.map("integrated_gradients", image, TITLES["integrated_gradients"]),
            found.map("second_order", image, TITLES["second_order"], scale="signed", colours="managua_r"),
        ]
        section.show(image.name, [found.photo(image), *shown])
    section.miss(*found.trouble("saturation", "second_order_fidelity"))
    return section


def cross_saliency(found: Results) -> Section:
    section = Section(
        "S8",
        "Cross saliency",
        "What does the map of one class show on the image of another? Not one such map is in the paper.",
        how="All classes’ maps from one forward pass; rank correlations of the absolute values, averaged over "
        "images. The network with shuffled weights tells what such a correlation is worth.",
    )
    kinds = {
        weights: found.summary("cross_saliency", weights=weights, pairs="different classes")
        for weights in ("trained", "shuffled")
    }
    section.answer = answers.cross_saliency(kinds["trained"], kinds["shuffled"] or None)
    rows = [row for row in found.summaries("cross_saliency", weights="trained") if "one" in row]
    order = list(dict.fromkeys(row["one"] for row in rows))
    if rows:
        section.draw(
            matrix(
                [found.label(index) for index in order],
                {(order.index(row["one"]), order.index(row["other"])): row["correlation"] for row in rows},
                title="Rank correlation of class maps",
            ),
            "Rank correlation between the maps of two classes on the same image; columns in the order of the rows.",
        )
        signed = kinds["trained"].get("signed")
        if signed is not None:
            section.more.append(
                f"With their signs kept, the same gradients correlate at {answers.within(kinds['trained'], 'signed')}: "
                + ("classes differ in sign more than in place." if signed < 0.5 else "even the signs are alike.")
            )
    image = found.plan.images[0]
    section.show(
        f"{image.name}, asked about each class",
        [
            found.photo(image),
            *(found.map("gradient", image, found.label(index), index=index) for index in found.plan.classes),
        ],
    )
    section.miss(*found.trouble("cross_saliency"))
    return section


def people(found: Results) -> Section:
    return Section(
        "S11",
        "Do they make sense to people?",
        "Nobody was asked. Neither the pictures nor the maps were shown to a sample of people.",
        answer="No computation answers this; people do. A study shows these very pictures to participants, "
        "beside controls that they cannot tell by style.",
        how="Make one with “manage.py add_study --protocol sense_of_class_models --network "
        f"{found.plan.network.name}”, and read its report.",
    )


def rules(found: Results) -> Section:
    section = Section(
        "S12",
        "Deconvolution and back-propagation: equivalent or similar?",
        "The paper calls the deconvolutional network “almost equivalent” to its gradient, but for the ReLU.",
        how="Three rules at a ReLU with input z and what arrives R: R·1[z>0], R·1[R>0], R·1[z>0]·1[R>0]. All "
        "begin at the "
        "class score; convolution, linear and pooling layers send back the same. The cosine of what each two "
        "send, layer by layer.",
    )
    pairs = [("back-propagation", "deconvolution"), ("back-propagation", "guided"), ("deconvolution", "guided")]
    series = []
    for one, other in pairs:
        rows = sorted(found.summaries("rule_agreement", one=one, other=other), key=lambda row: row["depth"])
        if rows:
            bands = all(row["cosine_low"] is not None for row in rows)
            series.append(
                Series(
                    f"{one}, {other}",
                    [row["depth"] for row in rows],
                    [row["cosine"] for row in rows],
                    [row["cosine_low"] for row in rows] if bands else (),
                    [row["cosine_high"] for row in rows] if bands else (),
                )
            )
    section.draw(
        lines(series, x="layers below the answer", y="cosine", title="Agreement of the ReLU rules by layer", high=1),
        "From the class score (left) down to the image (right); bands: 95 % bootstrap over images.",
    )
    section.answer = answers.rules(
        found.summary("rule_agreement", one="back-propagation", other="deconvolution", layer="image")
    )
    for image in found.plan.few[:2]:
        shown = [found.map(method, image, TITLES[method]) for method in ("gradient", "deconvnet", "guided_backprop")]
        section.show(image.name, [found.photo(image), *shown])
    section.miss(*found.trouble("rule_agreement"), found.trouble_of_map("deconvnet"))
    return section


def localisation(found: Results) -> Section:
    section = Section(
        "S13",
        "Better results?",
        "The paper localises objects from maps and compares itself with AlexNet’s error. How does this network do?",
        how="Pointing: the map’s peak within 15 of 224 pixels of a box. Boxes: seeds above the map’s 95 % and "
        "below its 30 % quantile, graph-cut colour segmentation, largest component, IoU at least 0.5.",
    )
    row = found.summary("localisation")
    section.answer = answers.localisation(row)
    wanted = {
        "top-1 right": ("top1", None),
        "top-5 right": ("top5", None),
        "peak on the object (mark: the image’s centre)": ("pointing", "centre_pointing"),
        "share of the map in the boxes (mark: their area)": ("mass", "area"),
        "box at IoU 0.5 (mark: a central box)": ("is_found", "centre_is_found"),
        "right in five and localised": ("top5_found", None),
    }
    section.draw(
        bars(
            [
                Bar(
                    title,
                    row[name],
                    row.get(f"{name}_low"),
                    row.get(f"{name}_high"),
                    row.get(beside) if beside else None,
                )
                for title, (name, beside) in wanted.items()
                if row.get(name) is not None
            ],
            x="share of images, with 95 % bootstrap intervals",
            title="Localisation",
            high=1,
        ),
        f"Over {row.get('images', 0)} images with labels or boxes.",
    )
    others = {found.plan.network.name: row}
    others |= {other.name: found.summary(f"localisation {other.name}") for other in found.plan.beside}
    for name, title in (
        ("top1", "top-1"),
        ("top5", "top-5"),
        ("pointing", "pointing game"),
        ("is_found", "box at IoU 0.5"),
    ):
        if len(others) > 1:
            there = {other: one for other, one in others.items() if one.get(name) is not None}
            section.draw(
                bars(
                    [
                        Bar(other, one[name], one.get(f"{name}_low"), one.get(f"{name}_high"))
                        for other, one in there.items()
                    ],
                    x=f"{title}, share of images",
                    title=title,
                    high=1,
                ),
                f"The same images, {len(there)} networks: {title}.",
            )
    section.miss(*found.trouble(*(f"localisation {other.name}" for other in found.plan.beside)))
    if row and row.get("top1") is None:
        section.miss("No image has a label among the network’s classes, so its accuracy is not known.")
    section.miss(*found.trouble("localisation"))
    return section


def faithfulness(found: Results) -> Section:
    section = Section(
        "+",
        "Are the maps faithful?",
        "Beside every human score stands what a machine can check: does the answer hang on the marked pixels, "
        "and on what the network has learned?",
        how="Deletion covers pixels with a blurred copy, the most important first: p is averaged along the way, "
        "lower is "
        "better. The cascade shuffles the layers’ weights from the answer down and compares maps with the first "
        "(SSIM).",
    )
    rows = {method: row for method in JUDGED if (row := found.summary("faithfulness", method=method))}
    section.answer = answers.faithfulness(rows)
    section.draw(
        bars(
            [
                Bar(TITLES[method], row[name], row.get(f"{name}_low"), row.get(f"{name}_high"))
                for name in ("deletion_probability",)
                for method, row in rows.items()
                if row.get(name) is not None
            ],
            x="mean p while pixels are deleted (lower is better)",
            title="Deletion",
            high=1,
        ),
        f"Deletion over {next(iter(rows.values()), {}).get('images', 0)} images, beside a map of noise.",
    )
    series, last = [], {}
    for method in ("gradient", "guided_backprop"):
        cascade = sorted(found.summaries(f"randomisation {method}", test="cascade"), key=lambda row: row["layers"])
        if cascade:
            series.append(
                Series(TITLES[method], [0, *(row["layers"] for row in cascade)], [1, *(row["ssim"] for row in cascade)])
            )
            last[TITLES[method]] = cascade[-1]
    section.draw(
        lines(
            series,
            x="layers shuffled, from the answer down",
            y="SSIM with the first map",
            title="Cascade",
            low=0,
            high=1,
        ),
        "How alike the map stays while the network forgets.",
    )
    if last:
        section.more.append(answers.randomisation(last))
    section.miss(*found.trouble("faithfulness", "randomisation gradient", "randomisation guided_backprop"))
    return section


def _cut(value: float | None) -> float | None:
    return None if value is None else max(value, -1.0)
