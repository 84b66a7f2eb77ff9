"""The named scalars of targets, and work in chunks."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from attribution.scores import (
    TargetError,
    activation,
    chunked,
    gradients,
    last_relu,
    logits_before_relu,
    resolved,
    scores,
)
from attribution.targets import Target
from tests.attribution import small


def test_each_scalar_is_the_number_that_it_names() -> None:
    network, images = small.network(), small.images(1)
    logits = network(images)[0]
    others = torch.cat([logits[:2], logits[3:]])
    expected = {
        "logit": logits[2],
        "margin": logits[2] - others.logsumexp(0),
        "log_probability": logits.softmax(0)[2].log(),
        "probability": logits.softmax(0)[2],
    }
    for scalar, value in expected.items():
        torch.testing.assert_close(scores(network, images, [Target(index=2, scalar=scalar)])[0], value)  # type: ignore[arg-type]


def test_a_margin_over_two_classes_is_their_difference() -> None:
    network, images = small.network(classes=2), small.images(1)
    margin = scores(network, images, [Target(index=1, scalar="margin")])
    torch.testing.assert_close(margin, scores(network, images, [Target(index=1, against=0)]))


def test_targets_of_different_kinds_in_one_batch_keep_their_order() -> None:
    network, images = small.network(), small.images(5)
    mixed = [
        Target(index=0),
        Target(module="4", channel=3),
        Target(index=2, scalar="probability"),
        Target(module="4", channel=3, position=(2, 5)),
        Target(index=1, against=4),
    ]
    together = scores(network, images, mixed)
    alone = torch.cat([scores(network, images[row : row + 1], [target]) for row, target in enumerate(mixed)])
    torch.testing.assert_close(together, alone)


def test_a_unit_before_an_in_place_relu_keeps_its_negative_values() -> None:
    network, images = small.network(), small.images(2)
    convolution = network.model[4](network.model[:4]((images - network.mean) / network.std))  # type: ignore[index]
    torch.testing.assert_close(activation(network, "4", images), convolution)
    assert convolution.min() < 0
    unit = Target(module="4", channel=1, position=(3, 2))
    torch.testing.assert_close(scores(network, images, [unit] * 2), convolution[:, 1, 3, 2])


def test_the_tokens_of_a_transformer_are_channels_on_a_grid() -> None:
    torch.manual_seed(0)

    class Tokens(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            patches = nn.functional.avg_pool2d(images, 6).flatten(2).transpose(1, 2)  # (N, 16, 3)
            return torch.cat([patches.mean(1, keepdim=True), patches], dim=1)  # a class token first

    network, images = small.network(), small.images(2)
    network.model = nn.Sequential(Tokens(), nn.Flatten(), nn.Linear(51, 5))
    grid = activation(network, "0", images)
    torch.testing.assert_close(grid, nn.functional.avg_pool2d((images - network.mean) / network.std, 6))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(index=5), "classes 0 to 4"),
        (Target(index=-1), "classes 0 to 4"),
        (Target(index=0, against=9), "no class 9"),
        (Target(module="nowhere", channel=0), "no module “nowhere”"),
        (Target(module="4", channel=12), "channels 0 to 11"),
        (Target(module="4", channel=0, position=(12, 0)), "12 x 12 positions"),
        (Target(module="8", channel=0, position=(0, 0)), "no positions"),
        (Target(index=0, scalar="logit_before_relu"), "does not end in a ReLU"),
    ],
)
def test_a_target_that_the_network_lacks_is_refused_in_words(target: Target, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        scores(small.network(), small.images(1), [target])
    assert not any(module._forward_hooks for module in small.network().modules())


def test_the_gradient_is_that_of_finite_differences() -> None:
    network, images = small.network(activation=nn.Softplus()).double(), small.images(2).double()
    wanted = [Target(index=1, scalar="margin"), Target(module="4", channel=2)]
    _, derivative = gradients(network, images, wanted)
    step = torch.zeros_like(images)
    step[:, 1, 7, 9] = 1e-5
    numeric = (scores(network, images + step, wanted) - scores(network, images - step, wanted)) / 2e-5
    torch.testing.assert_close(derivative[:, 1, 7, 9], numeric, rtol=1e-6, atol=1e-9)


def test_a_logit_that_a_last_relu_holds_at_zero_is_explained_before_it() -> None:
    network, images = small.ends_in_relu(), small.images(4)
    convolution = network.model[2]  # type: ignore[index]
    with torch.no_grad():
        convolution.bias[0] = -50  # class 0 is cut off everywhere, class 1 nowhere
        convolution.bias[1] = 50
    wanted = [Target(index=0), Target(index=1), Target(index=0, scalar="probability"), Target(index=0, against=1)]
    explained = resolved(network, images, wanted)
    assert explained == [replace(wanted[0], scalar="logit_before_relu"), *wanted[1:]]
    assert gradients(network, images[:1], wanted[:1])[1].abs().max() == 0
    assert gradients(network, images[:1], explained[:1])[1].abs().max() > 0
    before = convolution(network.model[:2]((images - network.mean) / network.std)).mean((2, 3))  # type: ignore[index]
    torch.testing.assert_close(logits_before_relu(network, images), before)
    torch.testing.assert_close(network(images)[:, 1], before[:, 1])


def test_only_a_relu_that_makes_the_logits_counts_as_the_last() -> None:
    assert last_relu(small.network(), small.images(1)) is None
    ending = small.ends_in_relu()
    assert last_relu(ending, small.images(1)) is ending.model[3]  # type: ignore[index]
    # A network whose logits are all 0 for another reason keeps its logit.
    flat = small.network()
    with torch.no_grad():
        flat.model[8].weight.zero_()  # type: ignore[index]
        flat.model[8].bias.zero_()  # type: ignore[index]
    assert resolved(flat, small.images(1), [Target(index=0)]) == [Target(index=0)]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_a_chunk_that_does_not_fit_memory_is_halved_and_nothing_is_lost(error: RuntimeError) -> None:
    network, asked = small.network(), []
    network.chunk = 16

    def compute(part: slice) -> torch.Tensor:
        asked.append(part.stop - part.start)
        if asked[-1] > 5:
            raise error
        return torch.arange(part.start, part.stop)

    assert chunked(network, compute, 10).tolist() == list(range(10))
    assert asked == [10, 8, 4, 4, 2]
    assert network.chunk == 4


def test_memory_that_does_not_hold_one_image_is_an_error_and_so_is_any_other() -> None:
    network = small.network()

    def too_large(part: slice) -> torch.Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    with pytest.raises(RuntimeError, match="allocate memory"):
        chunked(network, too_large, 4)
    assert network.chunk == 1

    def broken(part: slice) -> torch.Tensor:
        raise RuntimeError("shapes cannot be multiplied")

    network.chunk = 8
    with pytest.raises(RuntimeError, match="multiplied"):
        chunked(network, broken, 4)
    assert network.chunk == 8
