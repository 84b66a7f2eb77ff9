"""The torch front door: networks opened once, photos as seen, maps with their notes, and out-of-memory."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image

from attribution import compute
from attribution.compute import Computed, NetworkSource
from attribution.networks import NetworkError, View
from attribution.networks._torchvision_operators import declare
from attribution.targets import Target

declare()
from torchvision import models, transforms  # noqa: E402

LABELS = ("goose", "lemon", "washer", "zebra", "ostrich")
ARCHITECTURE = {"architecture": "squeezenet1_1", "weights": "DEFAULT"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = torch.random.get_rng_state()
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("networks") / "five.pth"
    torch.save(models.squeezenet1_1(num_classes=5).state_dict(), path)
    torch.random.set_rng_state(state)
    return path


@pytest.fixture(scope="module")
def source(checkpoint: Path) -> NetworkSource:
    stored = checkpoint.with_suffix(".safetensors")
    checked = compute.check_checkpoint(checkpoint, "torchvision", ARCHITECTURE, LABELS, write=stored)
    return NetworkSource("torchvision", ARCHITECTURE, str(stored), checked.labels, (80, 64), checked.weights_hash)


def photo(height: int = 90, width: int = 120, *, seed: int = 0) -> NDArray[np.uint8]:
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def maps(
    source: NetworkSource, photos: list[NDArray[np.uint8]], *, method: str = "gradient", index: int = 1
) -> list[Computed]:
    targets = [Target(index=index)] * len(photos)
    return compute.saliency_maps(source, photos, targets, method=method, parameters={}, seed=0)


def test_a_checked_checkpoint_says_what_a_row_needs(checkpoint: Path, tmp_path: Path) -> None:
    stored = tmp_path / "weights.safetensors"
    checked = compute.check_checkpoint(checkpoint, "torchvision", ARCHITECTURE, LABELS, write=stored)
    assert (checked.architecture, checked.labels, checked.view) == ("squeezenet1_1", LABELS, (256, 224))
    assert checked.parameter_count == sum(p.numel() for p in models.squeezenet1_1(num_classes=5).parameters())
    again = compute.check_checkpoint(stored, "torchvision", ARCHITECTURE, LABELS)
    assert again == checked


def test_a_checkpoint_that_cannot_be_used_is_refused_in_words(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="3 labels"):
        compute.check_checkpoint(checkpoint, "torchvision", ARCHITECTURE, LABELS[:3])
    with pytest.raises(NetworkError, match="not a checkpoint of"):
        compute.check_checkpoint(checkpoint, "torchvision", {"architecture": "alexnet"}, LABELS)
    state = torch.load(checkpoint, weights_only=True)
    state["classifier.1.weight"][0] = float("inf")
    torch.save(state, tmp_path / "infinite.pth")
    with pytest.raises(NetworkError, match="not finite"):
        compute.check_checkpoint(tmp_path / "infinite.pth", "torchvision", ARCHITECTURE, LABELS)


def test_a_network_is_opened_once_in_a_process_and_the_oldest_makes_room(source: NetworkSource) -> None:
    network = compute.open_network(source)
    assert compute.open_network(replace(source)) is network
    assert network.labels == LABELS
    assert network.view == View(80, 64)
    for seed in range(compute.NETWORKS_KEPT):
        compute.open_network(replace(source, randomized_seed=seed))
    assert compute.open_network(source) is not network


def test_a_checkpoint_whose_weights_changed_is_not_opened(source: NetworkSource) -> None:
    with pytest.raises(NetworkError, match="weights differ"):
        compute.open_network(replace(source, weights_hash="0" * 64))


def test_a_randomized_network_answers_otherwise_and_the_same_for_its_seed(source: NetworkSource) -> None:
    photos = [photo()]
    trained, randomized = maps(source, photos)[0], maps(replace(source, randomized_seed=1), photos)[0]
    other, again = (
        maps(replace(source, randomized_seed=2), photos)[0],
        maps(replace(source, randomized_seed=1), photos)[0],
    )
    assert np.array_equal(randomized.array, again.array)
    assert not np.allclose(randomized.array, trained.array, atol=0.05)
    assert not np.allclose(randomized.array, other.array, atol=0.05)


@pytest.mark.parametrize(("height", "width"), [(300, 400), (400, 300), (256, 256), (257, 511), (37, 50), (224, 1000)])
def test_what_a_network_sees_is_torchvisions_transform(height: int, width: int) -> None:
    pixels = photo(height, width)
    transform = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])
    expected = np.asarray(transform(Image.fromarray(pixels)))
    assert np.array_equal(compute.seen(pixels, (256, 224)), expected)


def test_a_box_lies_where_the_network_sees_its_object() -> None:
    pixels = np.zeros((300, 480, 3), dtype=np.uint8)
    pixels[100:160, 200:290] = 255
    view = View(256, 224)
    shown = compute.seen(pixels, view)[:, :, 0] > 127
    left, top, right, bottom = view.box(200, 100, 290, 160, width=480, height=300)
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    assert abs(columns[0] - left) <= 1
    assert abs(columns[-1] + 1 - right) <= 1
    assert abs(rows[0] - top) <= 1
    assert abs(rows[-1] + 1 - bottom) <= 1


def test_grey_and_tiny_photos_are_seen_and_others_are_refused_in_words() -> None:
    grey = photo()[:, :, 0]
    assert np.array_equal(compute.seen(grey, (80, 64)), compute.seen(np.stack([grey] * 3, axis=2), (80, 64)))
    assert compute.seen(grey[:, :, None], (80, 64)).shape == (64, 64, 3)
    assert compute.seen(np.full((1, 1, 3), 7, dtype=np.uint8), (80, 64)).tolist() == [[[7, 7, 7]] * 64] * 64
    for wrong in (np.zeros((4, 4, 4), dtype=np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), dtype=np.uint8)):
        with pytest.raises(ValueError, match=r"\(height, width, 3\) of uint8"):
            compute.seen(wrong, (80, 64))


def test_a_map_is_the_methods_map_in_half_precision_with_its_scalar_score_and_scale(source: NetworkSource) -> None:
    photos = [photo(seed=seed) for seed in range(3)]
    network = compute.open_network(source)
    images = compute.to_images(photos, network)
    for computed, image in zip(maps(source, photos), images, strict=True):
        score = network(image[None])[0, 1]
        inputs = image[None].clone().requires_grad_()
        (gradient,) = torch.autograd.grad(network(inputs)[0, 1], inputs)
        assert computed.array.dtype == np.float16
        assert computed.array.shape == (1, 64, 64)
        assert computed.notes["scalar"] == "logit"
        assert computed.notes["score"] == pytest.approx(float(score), rel=1e-4)
        assert computed.seconds > 0
        stored = torch.from_numpy(computed.array.astype(np.float32)) * computed.notes["scale"]
        expected = gradient.abs().amax(1)
        torch.testing.assert_close(stored, expected, rtol=2e-3, atol=1e-4 * float(expected.max()))


def test_a_map_of_a_flat_logit_explains_the_score_before_the_relu_and_says_so(source: NetworkSource) -> None:
    network = compute.open_network(source)
    kept = network.model.classifier[1].bias.clone()  # type: ignore[index, union-attr]
    try:
        with torch.no_grad():
            network.model.classifier[1].bias[3] = -1e3  # type: ignore[index, union-attr]
        found = maps(source, [photo()], index=3)[0]
    finally:
        with torch.no_grad():
            network.model.classifier[1].bias.copy_(kept)  # type: ignore[index, union-attr]
    assert found.notes["scalar"] == "logit_before_relu"
    assert found.notes["score"] < -900
    assert found.array.max() == 1


def test_a_map_that_shows_nothing_says_so(source: NetworkSource) -> None:
    black = np.zeros((80, 90, 3), dtype=np.uint8)
    for method, says_so in (("gradient_input", True), ("gradient", False)):
        (found,) = compute.saliency_maps(source, [black], [Target(index=1)], method=method, parameters={}, seed=0)
        assert (len(np.unique(found.array)) == 1) == says_so
        assert ("same value everywhere" in found.notes.get("reading", "")) == says_so


def test_the_oracle_is_given_masks_and_boxes_as_the_network_sees_them(source: NetworkSource) -> None:
    mask = np.zeros((90, 120), dtype=bool)
    mask[30:60, 40:80] = True
    box = {"object": "goose", "left": 40, "top": 30, "right": 80, "bottom": 60}
    given: dict[str, object] = {"method": "oracle_mask", "parameters": {}, "seed": 0}
    photos, targets = [photo(), photo()], [Target(index=0)] * 2
    masked, boxed = compute.saliency_maps(
        source,
        photos,
        targets,
        **given,
        masks=[mask, None],
        boxes=[[], [box]],  # type: ignore[arg-type]
    )
    assert set(np.unique(masked.array)) == {0.0, 1.0}
    assert (masked.array != boxed.array).mean() < 0.05
    with pytest.raises(ValueError, match="neither masks nor boxes"):
        compute.saliency_maps(source, photos, targets, **given)  # type: ignore[arg-type]


def test_progress_rises_to_one_and_beats_while_a_slow_method_is_silent(
    source: NetworkSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = compute.open_network(source)
    network.chunk = 2
    clock = iter(range(10**6))
    monkeypatch.setattr(compute.time, "monotonic", lambda: next(clock) * 0.7)
    heard: list[float] = []
    photos = [photo(seed=seed) for seed in range(3)]
    compute.saliency_maps(
        source, photos, [Target(index=0)] * 3, method="occlusion", parameters={}, seed=0, progress=heard.append
    )
    network.chunk = 16
    assert heard == sorted(heard)
    assert heard[-1] == 1
    assert len(heard) > 20
    assert not network._forward_pre_hooks


def test_memory_that_runs_out_halves_the_chunk_and_gives_the_same_maps(
    source: NetworkSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [photo(seed=seed) for seed in range(6)]
    network = compute.open_network(source)
    plain = maps(source, photos, method="occlusion")
    forward = network.forward

    def small_memory(images: torch.Tensor) -> torch.Tensor:
        if len(images) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(images)

    monkeypatch.setattr(network, "forward", small_memory)
    try:
        scarce = maps(source, photos, method="occlusion")
        assert network.chunk == 4
    finally:
        network.chunk = 16
    for one, other in zip(plain, scarce, strict=True):
        assert np.allclose(one.array.astype(float), other.array.astype(float), atol=2e-3)


def test_a_visualization_comes_back_as_half_precision_images_with_curves(source: NetworkSource) -> None:
    heard: list[float] = []
    found = compute.visualization(
        source,
        Target(index=2),
        plugin="class_model",
        parameters={"steps": 3, "restarts": 2},
        seed=1,
        progress=heard.append,
    )
    assert found.arrays["images"].shape == (2, 3, 64, 64)
    assert found.arrays["images"].dtype == np.float16
    assert len(found.curves["logit"]) == 4
    assert heard[-1] == 1
    with pytest.raises(ValueError, match="begins at no image"):
        compute.visualization(source, Target(index=2), plugin="class_model", parameters={}, seed=1, start=photo())


def test_predictions_are_the_softmax_of_the_logits_in_order(source: NetworkSource) -> None:
    photos = [photo(seed=seed) for seed in range(2)]
    rows = compute.measurement("predictions", {"five": source}, photos, ["a", "b"], parameters={"top": 3}, seed=0)
    network = compute.open_network(source)
    logits = network(compute.to_images(photos, network))
    for number, name in enumerate("ab"):
        own = [row for row in rows if row["image"] == name]
        order = logits[number].argsort(descending=True)[:3].tolist()
        assert [row["rank"] for row in own] == [1, 2, 3]
        assert [row["index"] for row in own] == order
        assert [row["label"] for row in own] == [LABELS[index] for index in order]
        assert [row["probability"] for row in own] == pytest.approx(logits[number].softmax(0)[order].tolist())
        assert all(isinstance(row["before_relu_index"], int) for row in own)


def test_boxes_and_masks_reach_a_diagnostic_in_the_view_of_the_network(
    source: NetworkSource, monkeypatch: pytest.MonkeyPatch, probe: Callable[..., list[object]]
) -> None:
    mask = np.zeros((90, 120), dtype=bool)
    mask[30:60, 40:80] = True
    box = {"object": "goose", "left": 40, "top": 30, "right": 80, "bottom": 60}
    [subject] = probe(source, [photo(), photo()], boxes=[[box], []], masks=[mask, None])
    assert subject.boxes == [[View(80, 64).box(40, 30, 80, 60, width=120, height=90)], []]
    left, top, right, bottom = (round(side) for side in subject.boxes[0][0])
    inside = subject.masks[0, 0, top:bottom, left:right]
    assert inside.float().mean() > 0.9
    assert abs(int(subject.masks[0].sum()) - inside.numel()) <= 0.1 * inside.numel()
    assert subject.masks[1].sum() == 0
    network = subject.networks["network"]
    maps = subject.run(
        "methods", "gradient", network=network, images=subject.images, targets=[Target(index=0)] * 2, seed=0
    )
    assert maps.shape == (2, 1, 64, 64)
    assert subject.run(
        "visualizations", "class_model", network=network, target=Target(index=0), seed=0, parameters={"steps": 1}
    ).images.shape == (4, 3, 64, 64)


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[object]]:
    """Run a measurement whose diagnostic keeps what it was given."""

    def run(source: NetworkSource, photos: list[NDArray[np.uint8]], **given: object) -> list[object]:
        kept: list[object] = []

        class Module:
            @staticmethod
            def measure(subject: object, *, seed: int, top: int) -> list[dict[str, int]]:
                kept.append(subject)
                return []

        load = compute.plugins.load
        monkeypatch.setattr(
            compute.plugins,
            "load",
            lambda folder, name: Module if folder.endswith("diagnostics") else load(folder, name),
        )
        compute.measurement("predictions", {"network": source}, photos, parameters={}, seed=0, **given)  # type: ignore[arg-type]
        return kept

    return run


def test_provenance_names_the_versions_and_the_device() -> None:
    told = compute.provenance()
    assert told["torch"] == torch.__version__
    assert told["device"] == "cpu"
    assert {"python", "gander", "torchvision", "numpy", "pillow", "device_name", "threads"} <= set(told)


def test_a_device_that_is_not_there_is_refused_in_words(source: NetworkSource) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(RuntimeError, match="GANDER_DEVICE=cpu"):
        compute.open_network(source, device="cuda")


def test_real_photos_are_recognised_and_mapped() -> None:
    data = Path(settings.BASE_DIR).parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the real photos and network of ../shared/data are not here")
    path = data / "networks" / "squeezenet1_1.pth"
    checked = compute.check_checkpoint(path, "torchvision", ARCHITECTURE)
    source = NetworkSource("torchvision", ARCHITECTURE, str(path), checked.labels, checked.view, checked.weights_hash)
    names = ["goose", "dalmatian", "lemon", "zebra"]
    photos = [np.asarray(Image.open(data / "photos" / f"imagenet_{name}.jpg").convert("RGB")) for name in names]
    rows = compute.measurement("predictions", {"squeezenet": source}, photos, names, parameters={}, seed=0)
    assert {row["image"]: row["label"] for row in rows if row["rank"] == 1} == {name: name for name in names}
    targets = [Target(index=checked.labels.index(name)) for name in names]
    found = compute.saliency_maps(source, photos, targets, method="gradient", parameters={}, seed=0)
    assert [one.array.shape for one in found] == [(1, 224, 224)] * 4
    goose = found[0].array[0].astype(float)  # stands in the middle of its photo
    assert goose[56:168, 56:168].mean() > 1.5 * goose.mean()
