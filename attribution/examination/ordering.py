"""What an examination orders: first what waits for nothing, then what is about that."""

from typing import Any

from attribution import plugins
from attribution.costs import GRADIENT
from attribution.models import Image, Network, SaliencyMap, State, Visualization, Work
from attribution.targets import Scalar, Target

from .choosing import varied
from .plan import MOST_CLASSES, Plan

PRIORS = ("none", "l2", "tv", "blur", "jitter", "fourier", "phase")
WEIGHTS = ("trained", "shuffled")
SCALARS: tuple[Scalar, ...] = ("logit", "log_probability", "margin")
EDITS = ("raw", "smoothed", "low_pass")
SHUFFLED = 7  # the seed of the controls with shuffled weights
PENALTY = 0.05  # λ of every class model that is not about its prior
NOISES = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2]  # around which the linear model is tried
NOISY = 0.1  # where ascents on shuffled weights begin: around a plain colour such a network is flat
QUICK_MAPS = ("gradient", "gradient_input", "guided_backprop", "deconvnet")
SLOW_MAPS = (
    "smoothgrad",
    "integrated_gradients",
    "occlusion",
    "smoothgrad_squared",
    "gaussian_variance",
    "sobol_total",
    "prediction_difference",
    "vargrad",
    "second_order",
    "random_map",
)
INFLUENCES = (
    "gradient",
    "gradient_input",
    "occlusion",
    "sobol_total",
    "prediction_difference",
    "smoothgrad_squared",
    "gaussian_variance",
)
REDUCTIONS = ("sum_abs", "l2", "signed")  # beside max_abs, which is the paper's
JUDGED = ("gradient", "integrated_gradients", "occlusion", "random_map")
COARSE: dict[str, dict[str, Any]] = {
    "gaussian_variance": {"grid": 6, "samples": 360},
    "second_order": {"samples": 320},
    "prediction_difference": {"square": 0.125, "stride": 0.125, "samples": 6},
}

# About how many forward passes of one image a measurement of one image takes, at the parameters ordered here.
PASSES = {
    "linearity": 300,
    "second_order_fidelity": 2400,
    "saturation": 40,
    "cross_saliency": 30,
    "rule_agreement": 12,
    "localisation": 5,
    "faithfulness": 500,
    "randomisation": 40,
    "discrimination": 8,
    "instance_count": 225,
}
ASCENTS = {"saliency_of_visualization": 4, "discrimination": 6}  # that a measurement climbs itself


def order_first(plan: Plan) -> list[Work]:
    """Store the rows that wait for no other."""
    _maps(plan)
    _visualizations(plan)
    _measurements(plan)
    return plan.rows


def order_second(plan: Plan) -> list[Work]:
    """Store the rows that are about what is done now; what failed is left out."""
    before = {id(row) for row in plan.rows}
    _on_the_ball(plan)
    _units(plan)
    few = plan.few
    for plugin, methods, given in (("influence_agreement", INFLUENCES, {"cells": 8}), ("faithfulness", JUDGED, {})):
        there = {
            method: [plan.maps[method, image.pk, plan.answers[image.pk]].content_key for image in few]
            for method in methods
            if plan.is_complete(method)
        }
        if len(there) > 1:
            plan.measure(plugin, few, given, maps=there)
    if stored := plan.keys(["restarts"]):
        named = {str(plan.index): stored["restarts"]}
        plan.measure("score_gap", plan.pool, {"index": plan.index}, visualizations=named)
        plan.measure("restarts", plan.images, {"index": plan.index}, visualizations=named)
        counted = varied(plan.pool, 4 * plan.level.few)
        plan.measure("instance_count", counted, {"index": plan.index}, visualizations=named)
    _regulariser(plan)
    _experiment(plan)
    return [row for row in plan.rows if id(row) not in before]


def passes(plan: Plan) -> float:
    """About how many forward passes of one image what is not done yet takes."""
    total = 0.0
    for row in [*plan.maps.values(), *plan.visualizations.values()]:
        total += 0 if row.state == State.DONE else row.forward_passes
    for measured in plan.measurements.values():
        if measured.state != State.DONE:
            total += PASSES.get(measured.plugin, 2) * len(measured.image_hashes)
            total += ASCENTS.get(measured.plugin, 0) * GRADIENT * plan.level.steps
    return total


def _maps(plan: Plan) -> None:
    few, first = plan.few, plan.images[0]
    wanted: list[tuple[str, str, Image, int, dict[str, Any]]] = [
        (method, method, image, plan.answers[image.pk], COARSE.get(method, {}))
        for method in (*QUICK_MAPS, *SLOW_MAPS, "contrast")
        for image in few
    ]
    wanted += [("gradient", "gradient", first, index, {}) for index in plan.classes[:MOST_CLASSES]]
    wanted += [
        (f"gradient {reduction}", "gradient", image, plan.answers[image.pk], {"reduction": reduction})
        for reduction in REDUCTIONS
        for image in few[:2]
    ]
    rows = []
    for _, method, image, index, given in wanted:
        declared = plugins.describe("attribution.methods", method).parameters
        rows.append(
            SaliencyMap(
                plugin=method,
                parameters={name: value for name, value in given.items() if name in declared},
                seed=plan.seed,
                network=plan.network,
                image=image,
                target=Target(index=index).to_json(),
            )
        )
    keys = [(name, image.pk, index) for name, _, image, index, _ in wanted]
    plan.maps = dict(zip(keys, SaliencyMap.order(rows), strict=True))


def _visualizations(plan: Plan) -> None:
    level, alone, make = plan.level, Target(index=plan.index), plan.visualization
    few = {"steps": level.steps, "restarts": 2, "penalty": PENALTY}
    once = {**few, "restarts": 1}
    wanted: dict[str, Visualization] = {
        "free": make("class_model", alone, {**few, "clip": False}),
        "restarts": make("class_model", alone, {**few, "restarts": level.restarts}),
        "own map": make("class_model_saliency", alone, {"steps": 2 * level.steps, "penalty": PENALTY}),
        "contrast": make("contrast", alone, {"steps": level.steps, "restarts": 2, "penalty": PENALTY}),
    }
    for index in plan.classes[: level.classes]:
        wanted[f"class {index}"] = make("class_model", Target(index=index), once)
        seen = {**once, "prior": "fourier", "noise": NOISY}
        wanted[f"seen {index}"] = make("class_model", Target(index=index), seen)
    for scalar in SCALARS:
        wanted[scalar] = make("class_model", Target(index=plan.index, scalar=scalar), few)
    for prior in PRIORS:
        template = [image.content_hash for image in plan.template] if prior == "phase" else []
        given = {"prior": prior, "steps": level.steps, "restarts": 1, "noise": NOISY}
        for turn in range(level.seeds):
            for weights in WEIGHTS:
                shuffled = None if weights == "trained" else SHUFFLED + turn
                wanted[f"{prior} {weights} {turn}"] = make(
                    "class_model",
                    alone,
                    given,
                    seed=SHUFFLED + turn,
                    randomized_seed=shuffled,
                    template_hashes=template,
                )
    for image in plan.few:
        toward = Target(index=plan.edited_toward(image))
        for prior in EDITS:
            given = {"prior": prior, "steps": min(level.steps, 60)}
            wanted[f"edit {prior} {image.pk}"] = make("edit", toward, given, image=image)
    first = plan.images[0]
    wanted["occluded"] = make("occluded", Target(index=plan.answers[first.pk]), {"count": 3}, image=first)
    wanted["two gradients"] = make("two_gradients", Target(index=plan.edited_toward(first)), {}, image=first)
    for networks in plan.arms.values():
        for network in networks:
            for index in plan.counted:
                given = {"steps": min(level.steps, 100), "restarts": 1, "penalty": PENALTY, "noise": NOISY}
                target = Target(index=index)
                wanted[f"{network.name} {index}"] = make("class_model", target, given, network=network)
    plan.show(wanted)


def _measurements(plan: Plan) -> None:
    steps, own = plan.level.steps, {"index": plan.index}
    plan.measure("saturation", plan.images, {"samples": 4})
    plan.measure("linearity", plan.images, {"samples": 32, "deviations": NOISES})
    plan.measure("second_order_fidelity", plan.few, {"grid": 5, "samples": 400, "fresh": 200})
    resting = {**own, "steps": 2 * steps, "restarts": 2, "penalty": PENALTY}
    plan.measure("saliency_of_visualization", plan.images, resting)
    plan.measure("cross_saliency", plan.images, {"classes": plan.classes[:MOST_CLASSES]})
    plan.measure("rule_agreement", plan.images, {})
    for other in (plan.network, *plan.beside):
        _localisation(plan, other)
    plan.measure("discrimination", plan.images, {**own, "steps": steps, "penalty": PENALTY})
    plan.measure("unit_activation", plan.pool[:100], {"most": 3, "top": 3})
    for method in ("gradient", "guided_backprop"):  # apart, for one may not be defined
        plan.measure("randomisation", plan.few, {"methods": [method]}, name=f"randomisation {method}")


def _localisation(plan: Plan, network: Network) -> None:
    images = plan.pool[:100]
    masks = [image.mask_hash for image in images]
    more: dict[str, Any] = {"masks": masks} if any(masks) else {}
    plan.measure("localisation", images, {}, name=f"localisation {network.name}", network=network, **more)


def _on_the_ball(plan: Plan) -> None:
    """On the ball whose radius is the distance that the penalty reached: both should agree, and softmax cannot stop."""
    free = plan.visualizations["free"]
    if free.state != State.DONE or not free.curves.get("distance"):
        return
    reached = sum(free.curves["distance"][-1]) / len(free.curves["distance"][-1])
    radius = reached / (3 * plan.network.view_size**2) ** 0.5
    given = {"radius": radius, "steps": plan.level.steps, "restarts": 2}
    alone, softmax = Target(index=plan.index), Target(index=plan.index, scalar="log_probability")
    # From the ball's own start, so that what differs is the constraint and not the luck of the start.
    matched = {"steps": plan.level.steps, "restarts": 2, "clip": False, "noise": radius, "penalty": PENALTY}
    plan.show(
        {
            "ball": plan.visualization("unit", alone, given),
            "penalty": plan.visualization("class_model", alone, matched),
            "softmax on the ball": plan.visualization("unit", softmax, given),
        }
    )


def _units(plan: Plan) -> None:
    found = plan.measurements["unit_activation"]
    if found.state != State.DONE:
        return
    module, given = str(found.table[0]["module"]), {"steps": plan.level.steps, "restarts": 1}
    channels = list(dict.fromkeys(int(row["channel"]) for row in found.table))[:3]
    plan.show(
        {
            f"unit {channel}": plan.visualization("unit", Target(module=module, channel=channel), given)
            for channel in channels
        }
    )


def _regulariser(plan: Plan) -> None:
    turns = range(plan.level.seeds)
    names = {prior: [f"{prior} {weights} {turn}" for weights in WEIGHTS for turn in turns] for prior in PRIORS}
    priors = [prior for prior, some in names.items() if len(plan.keys(some)) == len(some)]
    if not priors:
        return
    more: dict[str, Any] = {"networks": Network.fingerprints([plan.judge])} if plan.judge else {}
    plan.measure(
        "regulariser_ablation",
        plan.images,
        {"index": plan.index, "priors": priors, "seeds": plan.level.seeds, "steps": plan.level.steps},
        visualizations=plan.keys([name for prior in priors for name in names[prior]]),
        seed=SHUFFLED,
        **more,
    )


def _experiment(plan: Plan) -> None:
    """The controlled experiment of one against many: its networks are measured together, for they are the units."""
    arms = {arm: [network.name for network in networks] for arm, networks in plan.arms.items()}
    if min((len(names) for names in arms.values()), default=0) < 2 or not plan.counted:
        return
    everybody = [network for networks in plan.arms.values() for network in networks]
    stored = plan.keys([f"{network.name} {index}" for network in everybody for index in plan.counted])
    shown = varied(plan.pool, 3 * plan.level.few)
    plan.measure(
        "instances_by_training",
        shown if all(everybody[0].class_of(image) is not None for image in shown) else [],
        {**arms, "classes": plan.counted},
        network=everybody[0],
        visualizations=stored,
        networks=Network.fingerprints(everybody[1:]),
    )
