"""A GAN in fog that lifts: how lesson 12 sharpens samples for the tables of the papers.

Several members train at once: their weights are stacked, and the first axis of every tensor is the member.
"""

import torch
from torch import nn
from torch.nn.functional import softplus

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


def fog_steps(generators, judges, average, target, rngs, n_steps, unit=1.0, batch_size=128, lr=3e-3,
              thick=0.3, thin=0.03, lifted=0.25, falling=0.4):
    """A generator function: each `next` trains all judges and all generators by one step, and yields their losses.

    A judge compares pairs, a real point with a generated one, and says by how much the first looks more real. It sees
    both through fog: normal noise is added to them, less from step to step, and in the end none.
    generators, judges: `Stacked`, on the CPU. average: `averaged(generators)`, the one to sample from:
    unit * average(z), with normal z of shape (members, n, target.dim). rngs: a list, one torch.Generator for each
    member. n_steps: of the whole training. unit: what the networks take for 1, in the units of the target: the standard
    deviation of its points, say. thick, thin: standard deviation of the fog at first and just before it is gone, in
    those units. lifted: the share of the steps that have fog; falling: the share after which the learning rate falls,
    in a straight line to 0. Yields (members, 2): the judges' losses and the generators'; log 2 where no judge sees a
    difference. Raises ValueError if the arguments do not fit, and FloatingPointError if a member diverges.
    Source: Jolicoeur-Martineau 2019 (pairs); Arjovsky and Bottou 2017 (noise). Shown in lesson 12.
    """
    _check(target, rngs, generators, judges, n_steps, batch_size, lr, unit, thick, thin, lifted, falling)
    adams = [torch.optim.Adam(player.parameters(), lr=lr, betas=BETAS, fused=True) for player in (judges, generators)]
    for step in range(n_steps):
        done = step / n_steps
        fog = thick * (thin / thick) ** (done / lifted) if done < lifted else 0.0
        for adam in adams:
            adam.param_groups[0]["lr"] = lr * min(1, (1 - done) / (1 - falling))
        x_real = torch.stack([target.sample(batch_size, rng) for rng in rngs]) / unit
        z, fog_real, fog_fake = torch.stack([torch.randn(3, batch_size, target.dim, generator=rng) for rng in rngs], 1)
        x_fake = generators(z)
        _check_finite(x_fake)
        seen_real, seen_fake = x_real + fog * fog_real, x_fake + fog * fog_fake

        lead = judges(seen_real) - judges(seen_fake.detach())  # of the real one of each pair
        loss_judges = softplus(-lead).mean(dim=1)
        _descend(adams[0], loss_judges)

        with frozen(judges):
            lead = judges(seen_real) - judges(seen_fake)
            loss_generators = softplus(lead).mean(dim=1)
            _descend(adams[1], loss_generators)
        average.update_parameters(generators)
        yield torch.stack([loss_judges, loss_generators], dim=1).detach()


def _descend(adam, losses):
    """One step down the losses of all members, (members,)."""
    adam.zero_grad()
    losses.sum().backward()
    adam.step()


def _check(target, rngs, generators, judges, n_steps, batch_size, lr, unit, thick, thin, lifted, falling):
    _check_counts(n_steps=(n_steps, 1), batch_size=(batch_size, 1))
    _check_rates(lr=lr)
    for name, players in (("generators", generators), ("judges", judges)):
        if not isinstance(players, Stacked):
            raise TypeError(f"{name} must be Stacked networks, but are of type {type(players).__name__}.")
        if len(players.biases[0]) != len(rngs):
            raise ValueError(f"there are {len(players.biases[0])} {name}, but {len(rngs)} rngs: each member needs one.")
        if players.weights[0].shape[1] != target.dim:
            raise ValueError(f"the {name} take {players.weights[0].shape[1]} numbers, but must take {target.dim}, as "
                             "many as a point of the target has.")
    if not unit > 0:
        raise ValueError(f"unit, a length, must be positive, but is {unit!r}.")
    if not 0 < thin <= thick:
        raise ValueError(f"fog must lift: 0 < thin <= thick is needed, but thin is {thin!r} and thick {thick!r}.")
    if not 0 <= lifted <= 1 or not 0 <= falling < 1:
        raise ValueError(f"lifted and falling are shares of all steps, from 0 to 1 (falling below 1), but are "
                         f"{lifted!r} and {falling!r}.")
