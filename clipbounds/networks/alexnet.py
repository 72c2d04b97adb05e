"""AlexNet on CIFAR-100 in PyTorch (extra `torch`), with clipping of units of the batch.

The methods are those of `training.Recipe`. The gradients of single units come from torch.func, some units at a time, so that
memory does not grow with the batch.
"""

import time

import numpy as np

CHUNK = 16  # units whose gradients are held together: 16 x 2.5 million floats


def _torch():
    try:
        import torch
    except ImportError:
        raise ValueError('AlexNet needs PyTorch; pip install "clipbounds[torch]"') from None
    return torch


def build(classes):
    """The convolutional network: AlexNet with strides and widths for 32 x 32 pixels, about 2.5 million parameters."""
    nn = _torch().nn

    def block(before, after, width, **options):
        return [nn.Conv2d(before, after, width, **options), nn.ReLU()]

    return nn.Sequential(
        *block(3, 64, 11, stride=4, padding=5), nn.MaxPool2d(2),
        *block(64, 192, 5, padding=2), nn.MaxPool2d(2),
        *block(192, 384, 3, padding=1), *block(384, 256, 3, padding=1), *block(256, 256, 3, padding=1), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, classes),
    )  # fmt: skip


def clipped_gradient(model, x, labels, groups, thresholds):
    """Mean over the units of their clipped gradients, a dict by parameter name.

    Parameters
    ----------
    model : torch.nn.Module without buffers that change (no batch normalisation)
    x, labels : tensors (n, ...), (n,)
    groups : int, units; n/groups consecutive samples each
    thresholds : sequence of floats, one a unit
    """
    torch = _torch()
    functional_call, grad, vmap = torch.func.functional_call, torch.func.grad, torch.func.vmap

    parameters = {name: value.detach() for name, value in model.named_parameters()}

    def loss(current, inputs, targets):
        return torch.nn.functional.cross_entropy(functional_call(model, current, (inputs,)), targets)

    per_unit = vmap(grad(loss), in_dims=(None, 0, 0))
    x, labels = x.reshape(groups, -1, *x.shape[1:]), labels.reshape(groups, -1)
    limits = torch.as_tensor(np.asarray(thresholds), dtype=x.dtype, device=x.device)
    total = {name: torch.zeros_like(value) for name, value in parameters.items()}
    for start in range(0, groups, CHUNK):
        part = slice(start, start + CHUNK)
        gradients = per_unit(parameters, x[part], labels[part])
        squares = sum(g.flatten(1).square().sum(1) for g in gradients.values())
        norms = squares.sqrt()
        factors = torch.where(norms > limits[part], limits[part] / norms, torch.ones_like(norms)) / groups
        for name, gradient in gradients.items():
            total[name] += torch.tensordot(factors, gradient, dims=1)
    return total


def _plain_gradient(model, x, labels):
    torch = _torch()
    model.zero_grad()
    torch.nn.functional.cross_entropy(model(x), labels).backward()
    return {name: value.grad for name, value in model.named_parameters()}


def train(train_set, test_set, recipe, epochs, batch_size, seed, classes=100):
    """(accuracy, seconds) after each epoch, as `training.train`; sets are (images uint8, labels) of `cifar.load`."""
    torch = _torch()
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build(classes).to(device)
    momenta = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
    sets = [(torch.as_tensor(x), torch.as_tensor(y)) for x, y in (train_set, test_set)]
    (x, labels), (test_x, test_labels) = sets
    accuracy, seconds = [], [0.0]
    for _ in range(epochs):
        order, started = torch.randperm(len(labels)), time.perf_counter()
        for start in range(0, len(labels) - batch_size + 1, batch_size):
            chosen = order[start : start + batch_size]
            images, targets = _pixels(x[chosen], device), labels[chosen].to(device)
            if recipe.groups is None:
                gradient = _plain_gradient(model, images, targets)
            else:
                gradient = clipped_gradient(model, images, targets, recipe.groups, recipe.thresholds())
            with torch.no_grad():
                for name, value in model.named_parameters():
                    momenta[name].mul_(recipe.momentum).add_(gradient[name])
                    value.sub_(recipe.step_size * momenta[name])
        seconds.append(seconds[-1] + time.perf_counter() - started)
        with torch.no_grad():
            hits = [
                (model(_pixels(test_x[k : k + 500], device)).argmax(1).cpu() == test_labels[k : k + 500]).sum().item()
                for k in range(0, len(test_labels), 500)
            ]
        accuracy.append(sum(hits) / len(test_labels))
    return np.array(accuracy), np.array(seconds[1:])


def _pixels(images, device):
    """Pixels in [-1, 1] as float32."""
    return images.to(device).float().div_(127.5).sub_(1.0)
