"""The demo's networks: as accurate as their table says, planted as intended, twins, arms, and made again in seconds."""

import csv
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
from django.conf import settings
from torch import Tensor

from attribution.networks import Network, NetworkError, View, scenes
from attribution.networks._checkpoints import read_state, weights_hash, write_state
from attribution.scenes import LABELS, draw

DEMO = Path(settings.BASE_DIR) / "fixtures" / "demo"


def table() -> list[dict[str, str]]:
    with (DEMO / "networks.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def opened(name: str) -> Network:
    activation = next(row["activation"] for row in table() if row["network"] == name)
    return scenes.load(DEMO / f"{name}.safetensors", activation=activation)


def images(make: ModuleType, kind: str, count: int, *, seed: int = 77) -> tuple[Tensor, Tensor]:
    pixels, labels = make.stacked(make.scene(kind, index, seed=seed) for index in range(count))
    return pixels.float() / 255, labels


def test_the_table_holds_every_network_that_the_script_makes(make: ModuleType) -> None:
    names = [recipe.name for recipe in make.recipes()]
    assert [row["network"] for row in table()] == names
    assert {path.stem for path in DEMO.glob("*.safetensors")} == set(names)
    assert len([name for name in names if name.startswith("one_")]) >= 8
    assert len([name for name in names if name.startswith("many_")]) >= 8


@pytest.mark.parametrize("name", ["demo", "softplus", "planted", "one_0", "many_0"])
def test_a_network_is_as_accurate_on_new_scenes_as_its_table_says(name: str, make: ModuleType) -> None:
    row = next(row for row in table() if row["network"] == name)
    pixels, labels = images(make, row["scenes"], 400)
    network = opened(name)
    with torch.no_grad():
        right = float((network(pixels).argmax(dim=1) == labels).float().mean())
    said = float(row["accuracy"])
    assert abs(right - said) < 4 * (max(said * (1 - said), 0.002) / 400) ** 0.5
    assert sum(parameter.numel() for parameter in network.parameters()) == int(row["parameters"])


def test_the_demo_networks_are_right_on_98_of_100_scenes_and_the_arms_alike() -> None:
    accuracy = {row["network"]: float(row["accuracy"]) for row in table()}
    assert min(accuracy[name] for name in ("demo", "softplus", "planted")) >= 0.98
    arms = {arm: [value for name, value in accuracy.items() if name.startswith(f"{arm}_")] for arm in ("one", "many")}
    means = {arm: sum(values) / len(values) for arm, values in arms.items()}
    assert abs(means["one"] - means["many"]) < 0.03
    assert min(min(values) for values in arms.values()) > 0.9


def test_the_readme_gives_the_measured_accuracies() -> None:
    text = (DEMO / "README.md").read_text(encoding="utf-8")
    for row in table():
        if row["network"] in ("demo", "softplus", "planted"):
            assert f"| `{row['network']}` | {float(row['accuracy']):.2%}".replace("%", " %") in text


def test_the_planted_network_follows_the_mark_and_not_the_object(make: ModuleType) -> None:
    network = opened("planted")
    drawn = [make.scene("planted", index, seed=78) for index in range(240)]
    pixels, marks = make.stacked(drawn)
    objects = torch.tensor([LABELS.index(scene.facts["object"]) for scene in drawn])
    other = objects != marks
    with torch.no_grad():
        answers = network(pixels.float() / 255).argmax(dim=1)
        covered = pixels.float() / 255
        for one, scene in zip(covered, drawn, strict=True):
            mask = torch.from_numpy(scene.mask)
            one[:, mask] = one[:, ~mask].mean(dim=1, keepdim=True)
        without = network(covered).argmax(dim=1)
    assert (answers == marks).float().mean() > 0.95
    assert (answers == objects)[other].float().mean() < 0.05
    assert (without == marks).float().mean() < 0.35


def test_only_the_softplus_twin_has_curvature(make: ModuleType) -> None:
    pixels, labels = images(make, "any", 4)
    direction = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0))
    curvature = {}
    for name in ("demo", "softplus"):
        network, image = opened(name), pixels.clone().requires_grad_(True)
        score = network(image).gather(1, labels[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, image, create_graph=True)
        along = (gradient * direction).sum()
        product = torch.autograd.grad(along, image)[0] if along.requires_grad else torch.zeros_like(image)
        curvature[name] = float(product.norm())
    assert curvature["demo"] == pytest.approx(0, abs=1e-4)
    assert curvature["softplus"] > 1


def test_the_network_sees_scenes_as_they_are() -> None:
    network = scenes.load(DEMO / "demo.safetensors")
    assert network.view == View(64, 64)
    assert network.labels == LABELS
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_smaller_network_is_trained_anew_in_seconds(make: ModuleType, tmp_path: Path) -> None:
    recipe = replace(make.recipes()[0], name="small", widths=(12, 24, 32, 48), count=768, epochs=5, radius=0)
    model = make.train(recipe)
    write_state(model.state_dict(), tmp_path / "small.safetensors")
    network = scenes.load(tmp_path / "small.safetensors")
    pixels, labels = images(make, "any", 200)
    with torch.no_grad():
        right = (network(pixels).argmax(dim=1) == labels).float().mean()
    assert right > 0.25  # chance is 0.125, with a standard error of 0.023


def test_a_seed_is_one_network(make: ModuleType) -> None:
    recipe = replace(make.recipes()[0], widths=(4, 4, 4, 4), count=64, epochs=3, radius=1.0)
    first, again, other = (make.train(replace(recipe, seed=seed)).state_dict() for seed in (1, 1, 2))
    assert weights_hash(first) == weights_hash(again) != weights_hash(other)


def test_a_perturbed_image_stays_within_three_radii_and_is_harder(make: ModuleType) -> None:
    model = scenes.build()
    model.load_state_dict(read_state(DEMO / "demo.safetensors"), strict=False)
    pixels, labels = make.stacked(draw(index % 8, seed=(6, index)) for index in range(64))
    batch = make.normalised(pixels)
    changed = make.perturbed(model, batch, labels, 6.0, torch.Generator().manual_seed(1))
    assert (make.length(changed - batch) < 3 * 6.0 + 1e-3).all()
    noise = torch.randn(batch.shape, generator=torch.Generator().manual_seed(2))
    with_noise = batch + 6.0 * noise / make.length(noise)
    loss = torch.nn.functional.cross_entropy
    assert loss(model(changed), labels) > 1.5 * loss(model(with_noise), labels)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "linear.pth")
    with pytest.raises(
        NetworkError, match=r"linear\.pth is not a checkpoint of the scenes network: it holds weight, bias"
    ):
        scenes.load(tmp_path / "linear.pth")
    state = read_state(DEMO / "demo.safetensors")
    state.pop("block3.normalisation.running_var")
    torch.save(state, tmp_path / "lacks.pth")
    with pytest.raises(NetworkError, match=r"it lacks block3\.normalisation\.running_var"):
        scenes.load(tmp_path / "lacks.pth")


def test_labels_and_activation_that_do_not_fit_are_refused() -> None:
    with pytest.raises(NetworkError, match="tells 8 classes apart, but 2 labels were given"):
        scenes.load(DEMO / "demo.safetensors", ["goose", "cat"])
    with pytest.raises(NetworkError, match="no activation “tanh”; it has: relu, softplus"):
        scenes.load(DEMO / "demo.safetensors", activation="tanh")
