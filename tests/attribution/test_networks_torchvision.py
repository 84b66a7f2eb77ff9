"""torchvision's classifiers: loaded strictly, with torchvision's own transform, labels and answers."""

import csv
import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from django.conf import settings
from PIL import Image
from torch import Tensor, nn

from attribution import plugins
from attribution.compute import to_images
from attribution.networks import Network, NetworkError, View
from attribution.networks import torchvision as networks
from attribution.networks._checkpoints import weights_hash, write_state

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"
SMALL = "shufflenet_v2_x0_5"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real networks and photos of ../shared/data are not here")


def fresh(architecture: str = SMALL, classes: int = 3) -> nn.Module:
    """A small classifier with running statistics of its own."""
    model: nn.Module = networks.models.get_model(architecture, weights=None, num_classes=classes)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(generator=torch.Generator().manual_seed(len(name)))
    return model.eval()


@pytest.fixture
def model() -> nn.Module:
    return fresh()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))


def saved(state: Any, path: Path) -> Path:
    torch.save(state, path)
    return path


# --- the compiled operators ---------------------------------------------------------------------------------------

LOADED = "import torch; library = torch.library.Library('torchvision', 'DEF'); "
SCHEMAS = "from attribution.networks._torchvision_operators import SCHEMAS, declare; "


def in_fresh_process(code: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_torchvision_can_be_imported_where_its_operators_do_not_load() -> None:
    absent = (
        "import torch\ndef refuse(path): raise OSError('libcudart.so is missing')\ntorch.ops.load_library = refuse\n"
    )
    failing = f"{absent}\ntry:\n    import torchvision\nexcept RuntimeError as error:\n    print(error)"
    assert "torchvision::nms" in in_fresh_process(failing), "nothing to cure"
    cured = f"{absent}\n{SCHEMAS}print(declare(), declare())\nimport torchvision\nprint(torchvision.ops.nms.__name__)"
    assert in_fresh_process(cured).split() == ["True", "True", "nms"]


def test_nothing_is_declared_where_the_operators_load() -> None:
    code = (
        f"{LOADED}{SCHEMAS}\n"
        "def load(path): [library.define(schema) for schema in SCHEMAS]\n"
        "torch.ops.load_library = load\n"
        "print(declare())\n"
        "load = lambda path: 1 / 0\n"
        "torch.ops.load_library = load\n"
        "print(declare())\n"  # already there: nothing is loaded a second time
    )
    assert in_fresh_process(code).split() == ["False", "False"]


def test_a_declared_operator_still_cannot_be_called() -> None:
    if networks.declare():
        with pytest.raises((NotImplementedError, RuntimeError)):
            torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)


# --- loading ------------------------------------------------------------------------------------------------------


def test_it_answers_as_torchvision_does(model: nn.Module, images: Tensor, tmp_path: Path) -> None:
    network = networks.load(saved(model.state_dict(), tmp_path / "x.pth"), ["a", "b", "c"], architecture=SMALL)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = model((images - mean.view(3, 1, 1)) / std.view(3, 1, 1))
    torch.testing.assert_close(network(images), expected)
    assert network.labels == ("a", "b", "c")
    assert network.view == View(resize=256, size=224)
    assert not network.training
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert {tensor.device.type for tensor in network.state_dict().values()} == {"cpu"}


def test_safetensors_half_precision_and_wrapped_checkpoints_are_the_same_network(
    model: nn.Module, images: Tensor, tmp_path: Path
) -> None:
    state = {name: tensor.half().to(tensor.dtype) for name, tensor in model.state_dict().items()}
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    write_state(half, tmp_path / "half.safetensors")
    write_state(state, tmp_path / "full.safetensors")
    saved({"model": {f"module.{name}": tensor for name, tensor in state.items()}, "epoch": 9}, tmp_path / "wrapped.pth")
    old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    saved(old, tmp_path / "old.pth")
    loaded = [networks.load(path, ["a", "b", "c"], architecture=SMALL) for path in sorted(tmp_path.iterdir())]
    answers = [network(images) for network in loaded]
    assert len(answers) == 4
    for answer in answers[1:]:
        torch.testing.assert_close(answer, answers[0], rtol=0, atol=0)
    assert {parameter.dtype for network in loaded for parameter in network.parameters()} == {torch.float32}


def test_every_family_is_built_without_memory_and_finds_its_number_of_classes() -> None:
    families = {networks.models.get_model_builder(name).__module__: name for name in networks.architectures()[::-1]}
    assert len(families) > 15
    for architecture in families.values():
        entry = networks._entry(architecture, "DEFAULT")
        state = networks._build(architecture, entry, {}, 7).state_dict()
        assert networks._class_count(architecture, entry, state, "x.pth") == 7, architecture
        held = sum(tensor.nbytes for tensor in state.values() if tensor.device.type != "meta")
        assert held < 20e6, f"{architecture} took {held / 1e6:.0f} MB before its checkpoint was read"


@pytest.mark.parametrize("architecture", ["regnet_y_400mf", "mobilenet_v3_small", "mnasnet0_5", "efficientnet_b0"])
def test_architectures_of_other_families_answer_as_torchvision_does(
    architecture: str, images: Tensor, tmp_path: Path
) -> None:
    model = fresh(architecture, 4)
    network = networks.load(saved(model.state_dict(), tmp_path / "x.pth"), list("abcd"), architecture=architecture)
    torch.testing.assert_close(network(images), model((images - network.mean) / network.std))


@pytest.mark.parametrize("auxiliary", [False, True])
def test_googlenet_is_loaded_with_and_without_its_auxiliary_classifiers(auxiliary: bool, tmp_path: Path) -> None:
    model = networks.models.googlenet(
        weights=None, num_classes=3, aux_logits=auxiliary, init_weights=False, transform_input=True
    ).eval()
    path = saved(model.state_dict(), tmp_path / "x.pth")
    network = networks.load(path, ["a", "b", "c"], architecture="googlenet")
    images = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(network(images), model((images - network.mean) / network.std))


def test_densenet_is_loaded_from_the_names_of_its_published_checkpoints(tmp_path: Path) -> None:
    model = fresh("densenet121", 3)
    published = {}
    for name, tensor in model.state_dict().items():
        for new, old in (("norm1", "norm.1"), ("norm2", "norm.2"), ("conv1", "conv.1"), ("conv2", "conv.2")):
            name = name.replace(f"denselayer1.{new}", f"denselayer1.{old}")
        published[name] = tensor
    assert published.keys() != model.state_dict().keys()
    network = networks.load(saved(published, tmp_path / "x.pth"), list("abc"), architecture="densenet121")
    assert weights_hash(dict(network.model.state_dict())) == weights_hash(model.state_dict())


def test_the_transform_is_that_of_the_weights_named(tmp_path: Path) -> None:
    path = saved(fresh("resnet50", 2).state_dict(), tmp_path / "x.pth")
    views = {
        weights: networks.load(path, ["a", "b"], architecture="resnet50", weights=weights).view
        for weights in ("DEFAULT", "IMAGENET1K_V1", "IMAGENET1K_V2")
    }
    assert views == {"DEFAULT": View(232, 224), "IMAGENET1K_V1": View(256, 224), "IMAGENET1K_V2": View(232, 224)}
    with pytest.raises(NetworkError, match="no weights “V3” of resnet50; it has: IMAGENET1K_V1"):
        networks.load(path, ["a", "b"], architecture="resnet50", weights="V3")


def test_its_parameters_are_described_without_importing_it() -> None:
    described = plugins.describe("attribution.networks", "torchvision")
    assert described.parameters == {"architecture": "resnet18", "weights": "DEFAULT"}
    assert plugins.names("attribution.networks") == ["scenes", "torchvision"]


# --- refusing -----------------------------------------------------------------------------------------------------


def test_another_architecture_is_refused_with_what_disagrees(model: nn.Module, tmp_path: Path) -> None:
    path = saved(model.state_dict(), tmp_path / "shuffle.pth")
    with pytest.raises(
        NetworkError, match=r"shuffle\.pth is not a checkpoint of torchvision's resnet18: it lacks .*conv1"
    ):
        networks.load(path, ["a", "b", "c"], architecture="resnet18")
    with pytest.raises(NetworkError, match=r"branch1\.2\.weight is 24x24x1x1 instead of 58x24x1x1.* and \d+ more"):
        networks.load(path, ["a", "b", "c"], architecture="shufflenet_v2_x1_0")
    with pytest.raises(
        NetworkError, match=r"not a checkpoint of torchvision's alexnet: it lacks classifier\.6\.weight"
    ):
        networks.load(path, ["a", "b", "c"], architecture="alexnet")


def test_missing_and_unknown_tensors_are_named(model: nn.Module, tmp_path: Path) -> None:
    state = dict(model.state_dict())
    state["intruder"] = state.pop("conv1.0.weight")
    with pytest.raises(NetworkError, match=r"it lacks conv1\.0\.weight; it has no place for intruder\."):
        networks.load(saved(state, tmp_path / "x.pth"), ["a", "b", "c"], architecture=SMALL)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b"], "tells 3 classes apart, but 2 labels were given"),
        (["a", " ", "c"], "Label 2 of 3 is empty"),
        (None, "tells 3 classes apart, not ImageNet's 1,000: give their names"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    labels: list[str] | None, message: str, model: nn.Module, tmp_path: Path
) -> None:
    with pytest.raises(NetworkError, match=message):
        networks.load(saved(model.state_dict(), tmp_path / "x.pth"), labels, architecture=SMALL)


def test_an_unknown_architecture_is_refused_with_the_list(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"no classification architecture “resnet19”; it has: alexnet, .*vit_b_16"):
        networks.load(tmp_path / "x.pth", architecture="resnet19")
    assert not [name for name in networks.architectures() if "rcnn" in name or "quantized" in name]


# --- torchvision's own weights ------------------------------------------------------------------------------------


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torchvision's own weights of the small architecture, at a local address."""
    content = saved(fresh(classes=1000).state_dict(), tmp_path / "weights").read_bytes()
    path = tmp_path / f"{SMALL}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    path.write_bytes(content)
    entry = networks._entry(SMALL, "DEFAULT")
    monkeypatch.setattr(networks, "_entry", lambda *_: dataclasses.replace(entry.value, url=path.as_uri()))
    return path


def test_own_weights_are_fetched_and_bring_their_labels(served: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    path = networks.download(SMALL, tmp_path / "there")
    network = networks.load(path, architecture=SMALL)
    assert len(network.labels) == 1000
    assert network.labels[99] == "goose"


def test_own_weights_that_were_changed_on_the_way_are_refused(served: Path, tmp_path: Path) -> None:
    served.write_bytes(served.read_bytes() + b"more")
    (tmp_path / "there").mkdir()
    with pytest.raises(NetworkError, match=r"could not be fetched from .*hash"):
        networks.download(SMALL, tmp_path / "there")
    assert not list((tmp_path / "there").iterdir())


def test_offline_it_says_what_to_do(served: Path, tmp_path: Path) -> None:
    served.unlink()
    with pytest.raises(
        NetworkError, match=r"could not be fetched from .*Where there is no internet, give a checkpoint"
    ):
        networks.download(SMALL, tmp_path)


# --- a real network on real photos --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def squeezenet() -> Network:
    return networks.load(DATA / "networks" / "squeezenet1_1.pth", architecture="squeezenet1_1")


@needs_data
def test_squeezenet_names_most_of_the_labelled_photos(squeezenet: Network) -> None:
    with (DATA / "photos" / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    photos = [np.asarray(Image.open(DATA / "photos" / row["file"]).convert("RGB")) for row in rows]
    truth = torch.tensor([int(row["label_index"]) for row in rows])
    assert [squeezenet.labels[index] for index in truth] == [row["label"] for row in rows]
    best = torch.cat([squeezenet(to_images([photo], squeezenet)) for photo in photos]).topk(5).indices
    right = best == truth[:, None]
    assert len(rows) == 16
    assert int(right[:, 0].sum()) == 11
    assert int(right.any(dim=1).sum()) == 15


@needs_data
def test_photos_are_seen_as_through_torchvisions_own_transform(squeezenet: Network) -> None:
    transform = networks._entry("squeezenet1_1", "DEFAULT").transforms()
    for path in sorted((DATA / "photos").glob("*.jpg"))[:8]:
        photo = Image.open(path).convert("RGB")
        ours = squeezenet(to_images([np.asarray(photo)], squeezenet))
        theirs = squeezenet.model(transform(photo)[None])
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)
