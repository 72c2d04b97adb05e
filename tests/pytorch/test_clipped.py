"""Clipped gradients of every layer and arm against autograd, one unit at a time."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `torch`)")

from clipbounds.clipping import GrowingClip, NormClip  # noqa: E402 (without torch the file is skipped)
from clipbounds.torch import ClippedGradients  # noqa: E402

nn = torch.nn
N = 64


class Tokens(nn.Module):
    """An embedding, a layer norm over places, a dense layer at every place, and means."""

    def __init__(self, padding_idx=None):
        super().__init__()
        self.table, self.norm = nn.Embedding(11, 6, padding_idx=padding_idx), nn.LayerNorm((5, 6))
        self.dense, self.last = nn.Linear(6, 7), nn.Linear(7, 4)

    def forward(self, x):
        return self.last(torch.tanh(self.dense(self.norm(self.table(x)))).mean(1))


class Shared(nn.Module):
    """A dense layer that is called twice, and one that shares its weight."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.last = nn.Linear(12, 12), nn.Linear(12, 12), nn.Linear(12, 4)
        self.again.weight = self.first.weight

    def forward(self, x):
        return self.last(torch.tanh(self.again(torch.tanh(self.first(torch.tanh(self.first(x)))))))


def pictures(channels, side):
    return lambda: torch.randn(N, channels, side, side)


def tokens():
    return torch.randint(0, 11, (N, 5))


def net(*layers):
    return lambda: nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(4))


CASES = {
    "dense": (lambda: nn.Sequential(nn.Linear(12, 9), nn.ReLU(), nn.Linear(9, 4, bias=False)), lambda: torch.randn(N, 12)),
    "convolution": (net(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 5, 2)), pictures(3, 6)),
    "large pictures": (net(nn.Conv2d(2, 3, 5, stride=3, padding=2), nn.ReLU(), nn.Conv2d(3, 2, 3)), pictures(2, 40)),
    "oblong": (net(nn.Conv2d(4, 6, (3, 1), stride=(1, 2), padding=(2, 0), dilation=(2, 1), bias=False)), pictures(4, 5)),
    "grouped": (net(nn.Conv2d(6, 12, 3, padding=1, groups=3), nn.ReLU(), nn.Conv2d(12, 12, 3, groups=12)), pictures(6, 5)),
    "layer norm": (net(nn.Conv2d(3, 4, 2), nn.LayerNorm((4, 3, 3)), nn.Tanh()), pictures(3, 4)),
    "embedding": (Tokens, tokens),
    "embedding with padding": (lambda: Tokens(3), tokens),
    "shared": (Shared, lambda: torch.randn(N, 12)),
}  # fmt: skip
ARMS = {
    "each sample, schedule": (GrowingClip(0.2, 1.5), None),
    "each sample, constant": (NormClip(0.7), None),
    "micro-batches": (GrowingClip(0.2, 1.5), N // 8),
    "whole batch": (NormClip(0.03), 1),
}


def made(case):
    torch.manual_seed(0)
    build, draw = CASES[case]
    model, x = build(), draw()
    with torch.no_grad():
        model(x)  # lazy layers take their shape
    return model, x, torch.randint(0, 4, (N,))


def losses_of(model, x, labels):
    return nn.functional.cross_entropy(model(x), labels, reduction="none")


def one_at_a_time(model, x, labels, clip, groups):
    """The definition, with autograd; gradients by name, and the norms."""
    units = len(x) if groups is None else groups
    total, norms = {n: torch.zeros_like(p) for n, p in model.named_parameters()}, []
    for k, chosen in enumerate(torch.arange(len(x)).chunk(units)):
        model.zero_grad()
        losses_of(model, x[chosen], labels[chosen]).mean().backward()
        norms.append(torch.sqrt(sum(p.grad.square().sum() for p in model.parameters())).item())
        limit = clip.threshold_at(k) if isinstance(clip, GrowingClip) else clip.threshold
        for name, p in model.named_parameters():
            total[name] += p.grad * min(1.0, limit / norms[-1]) / units
    model.zero_grad()
    return total, np.array(norms)


def distance(model, expected):
    """Largest difference over the parameters, relative to the parameter's own gradient."""
    return max(
        ((p.grad - expected[n]).norm() / expected[n].norm().clamp(min=1e-12)).item()
        for n, p in model.named_parameters()
    )


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("case", CASES)
def test_equals_autograd_one_unit_at_a_time(case, arm):
    model, x, labels = made(case)
    clip, groups = ARMS[arm]
    expected, norms = one_at_a_time(model, x, labels, clip, groups)
    found = ClippedGradients(model, clip, groups).backward(losses_of(model, x, labels))
    assert distance(model, expected) < 1e-5
    np.testing.assert_allclose(found.numpy(), norms, rtol=1e-5)
    limits = ClippedGradients(model, clip, 1).thresholds(len(norms))
    assert np.any(norms > limits), "nothing was clipped, so nothing was tested"


def test_another_threshold_is_told_apart():
    """The negative control: a schedule that begins one position later is further away than the tolerance."""
    model, x, labels = made("convolution")
    expected, _ = one_at_a_time(model, x, labels, GrowingClip(0.2, 1.5), None)
    ClippedGradients(model, GrowingClip(0.201, 1.5)).backward(losses_of(model, x, labels))
    assert distance(model, expected) > 1e-5


@pytest.mark.parametrize("groups", [None, 2])
def test_clipping_each_part_before_accumulating_is_clipping_the_units_of_the_batch(groups):
    """8 parts of 8 samples: the mean over all units, positions counted through; and .grad is added to."""
    model, x, labels = made("convolution")
    clip = GrowingClip(0.2, 1.5)
    expected, _ = one_at_a_time(model, x, labels, clip, None if groups is None else 8 * groups)
    clipped = ClippedGradients(model, clip, groups)
    for part, chosen in enumerate(torch.arange(N).chunk(8)):
        clipped.backward(losses_of(model, x[chosen], labels[chosen]), part, 8)
    assert distance(model, expected) < 1e-5


def test_one_unit_a_part_is_the_micro_batch_arm():
    model, x, labels = made("convolution")
    clip = NormClip(0.3)
    expected, _ = one_at_a_time(model, x, labels, clip, 8)
    clipped = ClippedGradients(model, clip, 1)
    for part, chosen in enumerate(torch.arange(N).chunk(8)):
        clipped.backward(losses_of(model, x[chosen], labels[chosen]), part, 8)
    assert distance(model, expected) < 1e-5


def test_norms_add_nothing_and_a_detached_model_is_left_alone():
    model, x, labels = made("dense")
    clipped = ClippedGradients(model, NormClip(0.3))
    _, norms = one_at_a_time(model, x, labels, NormClip(0.3), None)
    np.testing.assert_allclose(clipped.norms(losses_of(model, x, labels)).numpy(), norms, rtol=1e-5)
    assert all(p.grad is None for p in model.parameters())
    clipped.detach()
    assert not any(layer._forward_hooks for layer in model.modules())


def test_a_zero_gradient_stays_zero_and_nan_is_not_hidden():
    model = nn.Linear(3, 1)
    clipped = ClippedGradients(model, NormClip(0.3))
    norms = clipped.backward(model(torch.zeros(2, 3)).squeeze(1) * 0)
    assert norms.tolist() == [0.0, 0.0] and model.weight.grad.abs().max() == 0
    clipped.backward(model(torch.full((2, 3), torch.nan)).squeeze(1))
    assert model.weight.grad.isnan().all()


def test_calls_without_gradients_or_of_another_batch_do_not_count():
    model, x, labels = made("convolution")
    clip = NormClip(0.7)
    expected, _ = one_at_a_time(model, x, labels, clip, None)
    clipped = ClippedGradients(model, clip)
    with torch.no_grad():
        model(x)
    model(x[:5])
    clipped.backward(losses_of(model, x, labels))
    assert distance(model, expected) < 1e-5


def test_frozen_parameters_get_no_gradient_and_do_not_count():
    model, x, labels = made("dense")
    model[0].bias.requires_grad_(False)
    clipped = ClippedGradients(model, NormClip(0.3))
    norms = clipped.backward(losses_of(model, x, labels))
    assert model[0].bias.grad is None and model[0].weight.grad is not None
    single = losses_of(model, x[:1], labels[:1]).mean()
    trained = [p for p in model.parameters() if p.requires_grad]
    square = sum(g.square().sum() for g in torch.autograd.grad(single, trained))
    np.testing.assert_allclose(norms[0].item(), square.sqrt().item(), rtol=1e-5)


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: nn.Sequential(nn.Linear(2, 2), nn.LSTM(2, 2)), r"the layer '1' is a LSTM, which is not known; use Linear"),
        (lambda: nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)), r"'1' is a BatchNorm2d, which mixes the samples"),
        (lambda: nn.Conv2d(1, 1, 3, padding="same"), r"the model itself is a Conv2d whose padding is not a number of zeros"),
        (lambda: nn.Conv2d(1, 1, 3, padding_mode="circular"), r"a Conv2d whose padding is not a number of zeros"),
        (lambda: nn.Embedding(3, 2, max_norm=1.0), r"an? Embedding with max_norm"),
        (lambda: nn.MultiheadAttention(4, 2), r"is a MultiheadAttention"),
    ],
)  # fmt: skip
def test_unknown_layers_are_refused_by_name(build, told):
    with pytest.raises(ValueError, match=told) as said:
        ClippedGradients(build(), NormClip(1.0))
    assert "\n" not in str(said.value)
    ClippedGradients(build(), NormClip(1.0), groups=1)


def detached(model):
    clipped = ClippedGradients(model, NormClip(1.0))
    clipped.detach()
    return clipped


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda m, x: ClippedGradients(m, 1.0), "clip must be a NormClip or a GrowingClip, but 1.0"),
        (lambda m, x: ClippedGradients(m, NormClip(1.0), 0), "groups must be None or an integer >= 1, but 0"),
        (lambda m, x: ClippedGradients(m, NormClip(1.0), 3).backward(m(x)[:, 0]), "3 groups were given for 4 losses"),
        (lambda m, x: ClippedGradients(m, NormClip(1.0)).backward(m(x).mean()), r'their shape is \(\); .*reduction="none"'),
        (lambda m, x: ClippedGradients(m, NormClip(1.0)).backward(m(x)[:, 0], 2, 2), "part must be 0..parts-1, but 2 of 2"),
        (lambda m, x: ClippedGradients(m, NormClip(1.0)).backward(m(x)[:2, 0]), "gave 4 rows for 2 losses"),
        (lambda m, x: detached(m).backward(m(x)[:, 0]), "was detached from its model"),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_one_sentence(use, told):
    with pytest.raises(ValueError, match=told) as said:
        use(nn.Linear(3, 2), torch.ones(4, 3))
    assert "\n" not in str(said.value)


def test_a_change_in_place_is_seen():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(inplace=True))
    clipped = ClippedGradients(model, NormClip(1.0))
    with pytest.raises(ValueError, match="a Linear gave was changed in place"):
        clipped.backward(model(torch.ones(4, 3)).sum(1))
