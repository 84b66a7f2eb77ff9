"""What a map or a visualization is said to cost, against the passes that it then makes."""

import inspect
from typing import Any

import pytest
import torch

from attribution import costs, methods, plugins
from attribution.networks import Network
from tests.attribution import small
from tests.attribution.test_plugins import METHODS, QUICK, VISUALIZATIONS


def counted(network: Network) -> list[float]:
    """What each call of the network costs from now on: its images, those that are asked for a gradient more."""
    asked: list[float] = []

    def count(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        is_gradient = inputs[0].requires_grad or any(weight.requires_grad for weight in module.parameters())
        asked.append(len(inputs[0]) * (costs.GRADIENT if is_gradient and torch.is_grad_enabled() else 1))

    network.register_forward_pre_hook(count)
    return asked


@pytest.mark.parametrize("given", [{}, {"samples": 80, "grid": 2, "deviation": 0.2}], ids=["quick", "changed"])
@pytest.mark.parametrize("method", METHODS)
def test_a_map_costs_the_passes_that_its_method_says(method: str, given: dict[str, Any]) -> None:
    declared = plugins.describe("attribution.methods", method).parameters
    parameters = QUICK.get(method, {}) | {name: value for name, value in given.items() if name in declared}
    network, images = small.network(), small.images(2)
    asked = counted(network)
    methods.run(method, network, images, small.targets(2), seed=0, parameters=parameters, masks=images[:, :1] > 0.2)
    said = costs.passes("methods", method, parameters, size=small.SIZE)
    assert sum(asked) / 2 == pytest.approx(said, rel=0.15, abs=3)


@pytest.mark.parametrize("name", VISUALIZATIONS)
def test_a_visualization_costs_the_passes_that_it_says(name: str) -> None:
    few = {"steps": 30, "restarts": 2}
    declared = plugins.describe("attribution.visualizations", name).parameters
    given: dict[str, Any] = {key: value for key, value in few.items() if key in declared}
    given |= {"parameters": few} if "parameters" in declared else {}
    given |= {"against": 1} if "against" in declared else {}
    visualize = plugins.load("attribution.visualizations", name).visualize
    more = {"start": small.images(1)} if "start" in inspect.signature(visualize).parameters else {}
    network = small.network()
    asked = counted(network)
    complete = plugins.complete("attribution.visualizations", name, given)
    visualize(network, small.targets(1)[0], seed=0, progress=lambda fraction: None, **complete, **more)
    said = costs.passes("visualizations", name, given, size=small.SIZE)
    assert sum(asked) == pytest.approx(said, rel=0.2, abs=6)


def test_a_sobol_map_of_8_x_8_cells_is_told_in_passes_and_minutes() -> None:
    forwards = costs.passes("methods", "sobol_total", {"grid": 8, "designs": 16}, size=224)
    assert forwards == 1040
    assert costs.in_words(forwards, 0.042) == "About 1,000 forward passes of one image: about 40 seconds."
    assert costs.in_words(forwards, 0.41) == "About 1,000 forward passes of one image: about 7 minutes."
    assert costs.in_words(forwards, None) == "About 1,000 forward passes of one image."
    assert costs.in_words(0, 0.41) == "It asks the network nothing."
    with pytest.raises(ValueError, match="has no parameter “cells”"):
        costs.passes("methods", "sobol_total", {"cells": 8}, size=224)
