"""Every method on one network of each family of torchvision's, at its smallest size: a map, or a sentence why not."""

import pytest
import torch

from attribution import methods, plugins
from attribution.methods import UndefinedError
from attribution.methods.grad_cam import last_positions
from attribution.networks import Network, View
from attribution.networks._torchvision_operators import declare
from attribution.rectifiers import NothingToActOnError
from attribution.targets import Target
from tests.attribution import small
from tests.attribution.test_plugins import QUICK

declare()
from torchvision import models  # noqa: E402

SIZE = 32
WITHOUT_RELUS = ("vit_b_32", "convnext_tiny", "swin_t")
FEW = QUICK | {
    "gaussian_variance": {"grid": 1, "samples": 12},
    "second_order": {"grid": 2, "samples": 4},
    "sobol_total": {"grid": 2, "designs": 2},
    "prediction_difference": {"square": 0.25, "stride": 0.25, "samples": 2},
    "occlusion": {"square": 0.5, "stride": 0.5},
    "smoothgrad": {"samples": 2},
    "smoothgrad_squared": {"samples": 2},
    "vargrad": {"samples": 2},
    "integrated_gradients": {"steps": 2},
}


@pytest.fixture(scope="module", params=["resnet18", "densenet121", *WITHOUT_RELUS])
def network(request: pytest.FixtureRequest) -> Network:
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    options = {"image_size": 2 * SIZE} if request.param.startswith("vit") else {}
    model = models.get_model(request.param, weights=None, num_classes=4, **options)
    if request.param.startswith("vit"):  # torchvision leaves its head at 0, where every gradient is 0
        torch.nn.init.normal_(model.heads.head.weight)
    torch.random.set_rng_state(state)
    size = 2 * SIZE if options else SIZE
    return Network(model, labels=list("abcd"), mean=[0.48, 0.45, 0.4], std=[0.22, 0.23, 0.25], view=View(size, size))


@pytest.mark.parametrize("method", plugins.names("attribution.methods"))
def test_a_method_is_defined_or_says_why_not(network: Network, method: str) -> None:
    size = network.view.size
    images = small.images(1, size=size)
    given = {"seed": 0, "parameters": FEW.get(method, {}), "masks": images[:, :1] > 0.5}
    has_relus = any(isinstance(module, torch.nn.ReLU) for module in network.modules())
    if method in ("deconvnet", "guided_backprop") and not has_relus:
        with pytest.raises(NothingToActOnError, match="are not ReLUs"):
            methods.run(method, network, images, [Target(index=1)], **given)  # type: ignore[arg-type]
        return
    maps = methods.run(method, network, images, [Target(index=1)], **given).maps  # type: ignore[arg-type]
    assert maps.shape[-2:] == (size, size)
    assert maps.isfinite().all()
    assert maps.abs().max() > 0


@pytest.mark.parametrize("network", ["vit_b_32"], indirect=True)
def test_grad_cam_of_a_transformer_looks_where_the_class_token_still_reads_the_others(network: Network) -> None:
    images, targets = small.images(1, size=network.view.size), [Target(index=1)]
    assert last_positions(network, images, targets[0]) == "encoder.layers.encoder_layer_11.ln_1"
    with pytest.raises(UndefinedError, match="no positions"):
        methods.run("grad_cam", network, images, targets, seed=0, parameters={"layer": "heads.head"})
