"""A GAN in fog that lifts: how lesson 12 sharpens samples for the tables of the papers.

Several members train at once: their weights are stacked, and the first axis of every tensor is the member.
"""

import torch
from torch import nn
from torch.nn.functional import softplus

from helpers.sampling import uniform_noise
from helpers.training import BETAS, _check_counts, _check_finite, _check_rates, frozen


class Stacked(nn.Module):
    """Perceptrons of one architecture as one module: (members, n, in) to (members, n, out), or to (members, n).

    networks: a list of `mlp`s, or of `judge`s (the latter shape); their weights are copied. Adam treats every number
    by itself, and the slope of a sum over members is each member's own: a member learns as it would alone, up to
    rounding. Raises ValueError unless all are built alike, of linear layers and of layers without weights.
    Used in lesson 12.
    """

    def __init__(self, networks):
        super().__init__()
        plans = [[layer for layer in network.modules() if not list(layer.children())] for network in networks]
        linear = [[x for x in plan if isinstance(x, nn.Linear) and x.bias is not None] for plan in plans]
        others = any(2 * len(own) != len(list(network.parameters())) for own, network in zip(linear, networks))
        if len({str(network) for network in networks}) != 1 or others:
            raise ValueError("only perceptrons that are built alike can be stacked: make all of them with mlp, or all "
                             "with judge, from the same sizes.")
        self.activations = [None if isinstance(layer, nn.Linear) else layer for layer in plans[0]]
        self.weights = nn.ParameterList(torch.stack([x.weight.detach().T for x in layers]) for layers in zip(*linear))
        self.biases = nn.ParameterList(torch.stack([x.bias.detach()[None] for x in layers]) for layers in zip(*linear))

    def forward(self, x):
        layers = zip(self.biases, self.weights)
        for activation in self.activations:
            if activation is None:
                bias, weight = next(layers)
                x = torch.baddbmm(bias, x, weight)
            else:
                x = x.flatten(1) if isinstance(activation, nn.Flatten) else activation(x)
        return x


def noise_of_each(rngs, n, dim):
    """Noise for each member, (members, n, dim): uniform around 0 with standard deviation 1, drawn from its own rng."""
    return 12**0.5 * (torch.stack([uniform_noise(n, dim, rng) for rng in rngs]) - 0.5)


def mmd2_of_each(x, y, bandwidth):
    """`distances.mmd2` of each member's x and y, (members,), without its last term, in which x does not occur.

    x, y: (members, n, dim). The squared distances are worked out as |x|^2 + |y|^2 - 2xy: for points around 0.
    """
    n, both = x.shape[1], torch.cat([x, y], dim=1)
    squared = x.square().sum(2)[:, :, None] + both.square().sum(2)[:, None] - 2 * x @ both.transpose(1, 2)
    kernel = torch.exp((-squared / (2 * bandwidth**2)).clamp(min=-80))
    return (kernel[:, :, :n].sum((1, 2)) - n) / (n * (n - 1)) - 2 * kernel[:, :, n:].mean((1, 2))


def fog_steps(generators, judges, average, target, rngs, n_steps, unit=1.0, batch_size=128, lr_generator=1.5e-3,
              lr_judge=3e-3, thick=0.3, thin=0.03, lifted=0.4, falling=0.2, matching=10.0, bandwidth=0.5):
    """A generator function: each `next` trains all judges and all generators by one step, and yields their losses.

    A judge compares pairs, a real point with a generated one, and says by how much the first looks more real. It sees
    both through fog: normal noise is added to them, less from step to step, and in the end none. The generators are
    also told by the MMD how much of their points lies where.
    generators, judges: `Stacked`, on the CPU. average: `averaged(generators)`, the one to sample from:
    unit * average(noise_of_each(rngs, n, target.dim)). rngs: a list, one torch.Generator for each member. n_steps: of
    the whole training. unit: what the networks take for 1, in the units of the target: the standard deviation of its
    points, say. lr_generator, lr_judge: of Adam at first. thick, thin: standard deviation of the fog at first and just
    before it is gone, in those units. lifted: the share of the steps that have fog; falling: the share after which the
    learning rates fall, in a straight line to 0. matching: the weight of the MMD, 0 for none, with its bandwidth.
    Yields (members, 2), the losses of the judges and of the generators (without MMD): log 2 where no judge sees a
    difference. Raises ValueError or TypeError if the arguments do not fit, FloatingPointError if a member diverges.
    Source: Jolicoeur-Martineau 2019 (pairs); Arjovsky and Bottou 2017 (noise). Shown in lesson 12.
    """
    _check(target, rngs, generators, judges, n_steps, batch_size, lr_generator, lr_judge)
    _check_schedule(unit, thick, thin, lifted, falling, matching, bandwidth)
    adam_j = torch.optim.Adam(judges.parameters(), lr=lr_judge, betas=BETAS, fused=True)
    adam_g = torch.optim.Adam(generators.parameters(), lr=lr_generator, betas=BETAS, fused=True)
    for step in range(n_steps):
        done = step / n_steps
        fog = thick * (thin / thick) ** (done / lifted) if done < lifted else 0.0
        for adam, lr in ((adam_j, lr_judge), (adam_g, lr_generator)):
            adam.param_groups[0]["lr"] = lr * min(1, (1 - done) / (1 - falling))

        x_real = torch.stack([target.sample(batch_size, rng) for rng in rngs]) / unit
        x_fake = generators(noise_of_each(rngs, batch_size, target.dim))
        _check_finite(x_fake)
        grains = torch.stack([torch.randn(2, batch_size, target.dim, generator=rng) for rng in rngs], dim=1)
        seen_real, seen_fake = x_real + fog * grains[0], x_fake + fog * grains[1]

        ahead = judges(seen_real) - judges(seen_fake.detach())  # of the real one of each pair
        loss_judges = softplus(-ahead).mean(dim=1)
        descend(adam_j, loss_judges)
        with frozen(judges):
            ahead = judges(seen_real) - judges(seen_fake)
            loss_generators = softplus(ahead).mean(dim=1)
            apart = mmd2_of_each(x_fake, x_real, bandwidth) if matching > 0 else 0.0
            descend(adam_g, loss_generators + matching * apart)
        average.update_parameters(generators)
        yield torch.stack([loss_judges, loss_generators], dim=1).detach()


def descend(adam, losses):
    """One step down the losses of all members, (members,)."""
    adam.zero_grad()
    losses.sum().backward()
    adam.step()


def _check(target, rngs, generators, judges, n_steps, batch_size, lr_generator, lr_judge):
    _check_counts(n_steps=(n_steps, 1), batch_size=(batch_size, 2))
    _check_rates(lr_generator=lr_generator, lr_judge=lr_judge)
    for name, players in (("generators", generators), ("judges", judges)):
        if not isinstance(players, Stacked):
            raise TypeError(f"{name} must be Stacked networks, but are of type {type(players).__name__}.")
        if len(players.biases[0]) != len(rngs):
            raise ValueError(f"there are {len(players.biases[0])} {name}, but {len(rngs)} rngs: each member needs one.")
        if players.weights[0].shape[1] != target.dim:
            raise ValueError(f"the {name} take {players.weights[0].shape[1]} numbers, but must take {target.dim}, as "
                             "many as a point of the target has.")


def _check_schedule(unit, thick, thin, lifted, falling, matching, bandwidth):
    if not unit > 0 or not bandwidth > 0:
        raise ValueError(f"unit and bandwidth are lengths, above 0, but are {unit!r} and {bandwidth!r}.")
    if not 0 < thin <= thick:
        raise ValueError(f"fog must lift: 0 < thin <= thick is needed, but thin is {thin!r} and thick {thick!r}.")
    if not 0 < lifted < 1 or not 0 <= falling < 1:
        raise ValueError(f"lifted and falling, shares of all steps, must lie between 0 and 1, but are {lifted!r} and "
                         f"{falling!r}.")
    if not matching >= 0:
        raise ValueError(f"matching, the weight of the MMD, must be 0 or more, but is {matching!r}.")
