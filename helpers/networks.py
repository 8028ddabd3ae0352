"""The networks of the lessons."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def mlp(sizes, rng, activation=nn.ReLU):
    """A multilayer perceptron: linear layers with an activation between each two; the last layer is linear.

    sizes: numbers of units, from input to output: [2, 64, 64, 1] has three linear layers.
    rng: the torch.Generator that draws weights and biases, uniform in +-1/sqrt(fan_in), which is torch's own
    default; the network lies on its device. activation: a module class such as nn.Tanh, or None for a purely
    linear stack. Returns an nn.Sequential.
    Raises TypeError or ValueError for sizes or an activation that make no network. Taught in lesson 3.
    """
    _check_sizes(sizes)
    _check_activation(activation)
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        if layers and activation is not None:
            layers.append(activation())
        layer = nn.utils.skip_init(nn.Linear, fan_in, fan_out, device=rng.device)  # empty: rng fills it
        bound = 1 / math.sqrt(fan_in)
        nn.init.uniform_(layer.weight, -bound, bound, generator=rng)
        nn.init.uniform_(layer.bias, -bound, bound, generator=rng)
        layers.append(layer)
    return nn.Sequential(*layers)


def judge(sizes, rng):
    """A multilayer perceptron that gives each point one score: a discriminator's logit, or a critic's grade.

    sizes: as for `mlp`, the last one 1: judge([2, 64, 64, 1], rng) judges points of the plane. Between the layers
    stands LeakyReLU(0.2), which lets some gradient through everywhere. Returns an nn.Sequential from
    (batch, sizes[0]) to (batch,). Raises TypeError or ValueError as `mlp`, and if the last size is not 1.
    Taught in lesson 7.
    """
    _check_sizes(sizes)
    _check_one_score(sizes)
    layers = mlp(sizes, rng, activation=partial(nn.LeakyReLU, 0.2))
    return nn.Sequential(*layers, nn.Flatten(0))  # (batch, 1) to (batch,)


def averaged(network, decay=0.999):
    """A copy of the network whose weights follow the network's slowly: an exponential moving average of them.

    `average.update_parameters(network)` after each step: weights become decay * old + (1 - decay) * the network's (the
    first time they are the network's). decay: from 0 to below 1; 0.999 remembers about the last thousand steps.
    Other buffers, such as those of batch norm, are the network's. Returns torch's AveragedModel, which is called as the
    network is, and does not learn. Used from lesson 8 on.
    """
    _check_decay(decay)
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay)).requires_grad_(False)


def _check_decay(decay):
    if isinstance(decay, bool) or not isinstance(decay, int | float) or not 0 <= decay < 1:
        raise ValueError(f"the decay of an average must lie between 0 and 1, as 0.999 does, but is {decay!r}.")


def _check_one_score(sizes):
    if sizes[-1] != 1:
        raise ValueError(f"a judge gives one score for each point: the last size must be 1, but sizes is {sizes!r}.")


def _check_sizes(sizes):
    if not isinstance(sizes, Sequence) or not all(type(size) is int for size in sizes):
        raise TypeError(f"sizes must be a list of whole numbers such as [2, 64, 2], but is {sizes!r}.")
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes needs an input and an output size, all of at least 1, but is {sizes!r}.")


def _check_activation(activation):
    if activation is None:
        return
    if isinstance(activation, nn.Module):
        name = type(activation).__name__
        raise TypeError(f"activation must be a class, but is a module: write nn.{name} without brackets.")
    try:
        made = activation()
    except TypeError:
        made = None
    if not isinstance(made, nn.Module):
        raise TypeError(f"activation must be a module class such as nn.ReLU, or None, but is {activation!r}.")
