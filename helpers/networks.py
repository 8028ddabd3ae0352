"""The networks of the lessons."""

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
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


class Centred(nn.Module):
    """2x - 1: numbers in [0, 1] become numbers in [-1, 1], around 0, which networks take more easily."""

    def forward(self, x):
        return 2 * x - 1


class DoublingConv2d(nn.Conv2d):
    """nn.Upsample(scale_factor=2) and nn.Conv2d(n_in, n_out, 3, padding=1, bias=bias) in one, with the same weights.

    (n, n_in, height, width) to (n, n_out, 2 * height, 2 * width). Of the nine weights at a place some fall on copies of
    the same number. Added up first, they are a transposed convolution with 4/9 of the work. Used in lesson 11.
    """

    def __init__(self, n_in, n_out, bias=True):
        super().__init__(n_in, n_out, 3, padding=1, bias=bias)

    def forward(self, x):
        w = self.weight.flip(2, 3)
        w = F.pad(w, (0, 1)) + F.pad(w, (1, 0))  # each column of weights meets a number and its copy
        w = F.pad(w, (0, 0, 0, 1)) + F.pad(w, (0, 0, 1, 0))  # each row too
        return F.conv_transpose2d(x, w.transpose(0, 1), self.bias, stride=2, padding=1)


def picture_generator(noise_dim, size, rng, channels=24, n_colours=3):
    """A network from noise to pictures: a small map of many channels, doubled again and again.

    Each doubling repeats every place in both directions, and a 3x3 convolution with batch norm and ReLU paints
    over it (`DoublingConv2d`). The smallest maps have 4 to 8 places a side; what is too much at the end is cut off
    (100 is the middle of 7 * 2^4 = 112). channels: at full size; double that with each halving, at most 8 times.
    rng: draws the weights (`draw_weights`). Returns an nn.Sequential from (n, noise_dim) to
    (n, n_colours, size, size) in [0, 1]. Raises ValueError for sizes below 8. Taught in lesson 11.
    """
    _check_picture(size, noise_dim=noise_dim, channels=channels, n_colours=n_colours)
    doublings = int(math.log2(size / 4))
    start = math.ceil(size / 2**doublings)
    widths = [channels * min(2**k, 8) for k in range(doublings, -1, -1)]
    with torch.device("meta"):  # layers without numbers: rng draws them
        # no biases before batch norm, which would take them out again
        layers = [nn.Linear(noise_dim, widths[0] * start**2, bias=False), nn.Unflatten(1, (widths[0], start, start)),
                  nn.BatchNorm2d(widths[0]), nn.ReLU()]
        for fan_in, fan_out in pairwise(widths):
            layers += [DoublingConv2d(fan_in, fan_out, bias=False), nn.BatchNorm2d(fan_out), nn.ReLU()]
        layers += [nn.Conv2d(channels, n_colours, 3, padding=1), nn.Sigmoid()]
    over = start * 2**doublings - size
    if over > 0:
        layers.append(nn.ZeroPad2d((-(over // 2), over // 2 - over) * 2))  # less than nothing is added: it cuts
    return draw_weights(nn.Sequential(*layers), rng)


def picture_discriminator(size, rng, channels=24, n_colours=3):
    """A network that gives each picture one score: 4x4 convolutions that halve it, then one linear layer.

    The last maps have 4 to 7 places a side. channels: after the first convolution; double that after each further one,
    at most 8 times. LeakyReLU(0.2) follows each. There is no batch norm: a penalty asks for each picture's own slope.
    Returns an nn.Sequential from (n, n_colours, size, size) to (n,). Raises as `picture_generator`.
    Taught in lesson 11.
    """
    return _picture_reader(size, 1, rng, channels, n_colours)


def picture_encoder(size, n_codes, rng, channels=24, n_colours=3):
    """The layers of `picture_discriminator` with 2 * n_codes outputs, (n, 2 * n_codes), the encoder of an autoencoder.

    `train_vae` takes the first half for means and the second for logarithms of variances. Raises ValueError for
    sizes that do not fit. Taught in lesson 11.
    """
    _check_picture(size, n_codes=n_codes)
    return _picture_reader(size, 2 * n_codes, rng, channels, n_colours)


def _picture_reader(size, n_outputs, rng, channels, n_colours):
    """From pictures to n_outputs numbers each; (n,) for one."""
    _check_picture(size, channels=channels, n_colours=n_colours)
    halvings = int(math.log2(size / 4))
    widths = [n_colours] + [channels * min(2**k, 8) for k in range(halvings)]
    with torch.device("meta"):  # layers without numbers: rng draws them
        layers = [Centred()]
        for fan_in, fan_out in pairwise(widths):
            layers += [nn.Conv2d(fan_in, fan_out, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        layers += [nn.Flatten(), nn.Linear(widths[-1] * (size >> halvings) ** 2, n_outputs)]
        if n_outputs == 1:
            layers.append(nn.Flatten(0))  # (n, 1) to (n,)
    return draw_weights(nn.Sequential(*layers), rng)


def draw_weights(network, rng):
    """The network itself, on rng's device, with new weights and biases drawn from rng, layer by layer.

    Linear and convolutional layers: uniform in +-1/sqrt(fan_in), which is torch's own default. Others, such as batch
    norm, start as they always do. Layers made under torch.device("meta"), which hold no numbers yet, will do.
    """
    network.to_empty(device=rng.device)
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.modules.conv._ConvNd):
            bound = 1 / math.sqrt(layer.weight[0].numel())
            for weights in (layer.weight, layer.bias):
                if weights is not None:
                    nn.init.uniform_(weights, -bound, bound, generator=rng)
        elif hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return network


def averaged(network, decay=0.999):
    """A copy of the network whose weights follow the network's slowly: an exponential moving average of them.

    `average.update_parameters(network)` after each step: weights become decay * old + (1 - decay) * the network's (the
    first time they are the network's). decay: from 0 to below 1; 0.999 remembers about the last thousand steps.
    Other buffers, such as those of batch norm, are the network's. Returns torch's AveragedModel, which is called as the
    network is, and does not learn. Raises ValueError for another decay. Used from lesson 8 on.
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


def _check_picture(size, **counts):
    for name, number in {"size": size, **counts}.items():
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, but is {number!r}.")
    if size < 8:
        raise ValueError(f"size, the pixels a side, must be at least 8, but is {size}.")
