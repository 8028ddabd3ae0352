"""Many trainings at once: the weights of all members stacked, so that one operation moves every member.

Small networks spend most of their time between the operations. With the weights of M members in one tensor whose first
axis is the member, there are no more operations than for one, and each member still is a run of its own.
"""

import warnings
from collections.abc import Sequence
from types import SimpleNamespace

import torch
from torch import nn
from torch.func import functional_call, vmap

from helpers.losses import minimax
from helpers.sampling import uniform_noise
from helpers.training import BETAS, Run, _undisturbed, train_gan


def train_many(make, seeds, target, loss=minimax, noise_dim=2, n_steps=2000, batch_size=128, lr_generator=1e-3,
               lr_discriminator=1e-3, discriminator_steps=1, clip=None, penalty=0.0, penalty_at="between",
               averaging=None, every=50, n_shown=1000, n_arrows=200, device="cpu"):
    """Runs that train one GAN for each seed, all at once: an iterator of lists of Snapshots, one for each member.

    make(rng): a new (generator, discriminator), weights drawn from rng, all of one architecture. Member i is the single
    run `rng = torch.Generator(device).manual_seed(seeds[i])`, `train_gan(*make(rng), target, rng, ...)` up to rounding,
    whoever trains beside it. Rounding grows: as soon as it puts one point on the other side of a kink of a ReLU, Adam
    makes a visible step of it, now and then after 50 steps already, and after some hundred the two are different runs.
    Networks that use torch's own random numbers, as dropout does, differ from the first step on.
    target, loss, lr_generator, lr_discriminator, discriminator_steps, clip, penalty: one for all, or a list with one
    for each member (seeds=[seed] * M tries M settings on one seed). Members with the same loss, the same number of
    discriminator steps, and all with a penalty or all without, are stepped together: fewer kinds are faster. The other
    words: as for `train_gan`. device: of networks and samples. `zip(*train_many(...))` gives the members' films for
    `player`. Raises ValueError or TypeError at once if the arguments do not fit together. Used from lesson 8 on.
    """
    _check_seeds(seeds)
    each = dict(target=target, loss=loss, lr_generator=lr_generator, lr_discriminator=lr_discriminator,
                discriminator_steps=discriminator_steps, clip=clip, penalty=penalty)
    each = {name: _for_each(name, value, len(seeds)) for name, value in each.items()}
    members, kinds = [], {}
    for i, seed in enumerate(seeds):
        settings = {name: values[i] for name, values in each.items()}
        rng = torch.Generator(device).manual_seed(seed)
        try:  # a single run, never stepped, checks the settings, looks, and keeps the average
            run = train_gan(*_check_pair(make(rng)), rng=rng, noise_dim=noise_dim, n_steps=n_steps, every=every,
                            batch_size=batch_size, n_shown=n_shown, n_arrows=n_arrows, penalty_at=penalty_at,
                            averaging=averaging, **settings)
        except (TypeError, ValueError) as error:
            error.add_note(f"This is about member {i}, whose seed is {seed}.")
            raise
        members.append(SimpleNamespace(number=i, run=run, rng=rng, **settings))
        kind = id(members[-1].loss), members[-1].discriminator_steps, members[-1].penalty > 0
        kinds.setdefault(kind, []).append(members[-1])
    for player, name in enumerate(("generator", "discriminator")):
        _check_alike([member.run.networks[player] for member in members], name)
    groups = [_Group(alike, noise_dim, batch_size, penalty_at, averaging) for alike in kinds.values()]
    return Runs([member.run for member in members], seeds, groups)


class Runs(Run):
    """M trainings that go on together; an iterator of lists of M Snapshots, otherwise with the promises of a `Run`.

    `losses`: (M, step, 2), the discriminator's and the generator's; `step`: how many so far. `generators`,
    `discriminators`, `averages` (None without averaging): the M modules, with the present weights.
    A member that diverges disturbs no other: it stays as it was before that step, and its losses are nan from there on.
    `diverged`: {member: step} of those; a warning names each once.
    """

    def __init__(self, runs, seeds, groups):
        super().__init__(make_steps=None, look=self._look, n_steps=runs[0].n_steps, every=runs[0].every, networks=[],
                         rng=None, advice=None)
        self.runs, self.seeds, self.groups, self.named = runs, seeds, groups, set()
        self.generators, self.discriminators = map(list, zip(*(run.networks for run in runs)))
        self.averages = None if runs[0].average is None else [run.average for run in runs]
        self.history = torch.empty(len(runs), 2, self.every, device=runs[0].rng.device)  # room for losses; it grows
        self._show_losses(0)

    @property
    def step(self):
        return self.losses.shape[1]

    @property
    def diverged(self):
        lost = self.losses[:, :, 1].isnan().cpu()
        return {i: 1 + lost[i].int().argmax().item() for i in range(len(lost)) if lost[i].any()}

    def _show_losses(self, step):
        self.losses = self.history[:, :, :step].transpose(1, 2)

    def _make_a_step(self):
        """One step of all members; undone if anything goes wrong in it."""
        done, put_back = self.step, [group.memory() for group in self.groups]
        if done == self.history.shape[2]:
            self.history = torch.cat([self.history, torch.empty_like(self.history)], dim=2)
        try:
            for group in self.groups:
                self.history[:, :, done][group.numbers] = group.step(done)
            self._show_losses(done + 1)
        except BaseException:
            for undo in put_back:
                undo()
            self._show_losses(done)
            raise

    def _look(self, losses):
        """A Snapshot of each member, by its single run."""
        new = {i: step for i, step in self.diverged.items() if i not in self.named}
        self.named |= set(new)
        if new:
            names = ", ".join(f"member {i} (seed {self.seeds[i]}) in step {step}" for i, step in new.items())
            warnings.warn(f"Training diverged for {names}: something was no longer a finite number. It stays as it was "
                          "before that step; try a smaller learning rate.", RuntimeWarning, stacklevel=3)
        for average, generator in zip(self.averages or (), self.generators):
            average.n_averaged.fill_(self.step)
            for own, buffer in zip(average.module.buffers(), generator.buffers()):
                own.copy_(buffer)  # as update_parameters does
        return [run.look(own) for run, own in zip(self.runs, losses.cpu())]


class _Group:
    """Members with one loss and one number of discriminator steps, stepped together; `numbers` says which they are.

    The first axis of every tensor is the member.
    """

    def __init__(self, members, noise_dim, batch_size, penalty_at, averaging):
        runs, device = [member.run for member in members], members[0].rng.device

        def column(name):
            values = [getattr(member, name) for member in members]
            return torch.tensor([[torch.inf if value is None else value] for value in values],
                                dtype=torch.float32, device=device)

        self.members, self.numbers = members, torch.tensor([member.number for member in members], device=device)
        self.noise_dim, self.batch_size, self.penalty_at = noise_dim, batch_size, penalty_at
        self.discriminator_steps = members[0].discriminator_steps
        self.bound = column("clip") if any(member.clip for member in members) else None
        self.penalty = column("penalty")[:, 0] if members[0].penalty > 0 else None
        self.judge_loss = _for_all(members[0].loss.judge, 2, len(members), device)
        self.generator_loss = _for_all(members[0].loss.generator, 1, len(members), device)
        self.generator = _Stack([run.networks[0] for run in runs], column("lr_generator"))
        self.generator.check("generator", torch.stack([run.look.z[:3] for run in runs]))
        self.discriminator = _Stack([run.networks[1] for run in runs], column("lr_discriminator"))
        self.discriminator.check("discriminator", torch.stack([run.look.x_real[:3] for run in runs]))
        self.tensors = [*self.generator.tensors, *self.discriminator.tensors]
        self.averaging, self.average = averaging, self.generator.rows.clone()
        if averaging is not None:
            self.generator.bind([run.average.module for run in runs], self.average)
            self.tensors.append(self.average)
        self.kept = [torch.empty_like(tensor) for tensor in self.tensors]
        self.alive = torch.ones(len(members), dtype=torch.bool, device=device)

    def memory(self):
        """A function that puts everything back to what is now."""
        for kept, tensor in zip(self.kept, self.tensors):
            kept.copy_(tensor)
        alive, numbers, own = self.alive, [member.rng.get_state() for member in self.members], torch.get_rng_state()

        def put_back():
            for kept, tensor in zip(self.kept, self.tensors):
                tensor.copy_(kept)
            for member, state in zip(self.members, numbers):
                member.rng.set_state(state)
            torch.set_rng_state(own)
            self.alive = alive

        return put_back

    def step(self, done):
        """The step after `done` steps, after a call of memory: returns the losses of both players, (members, 2)."""
        total = 0.0  # of everything that has to be finite
        for k in range(1, self.discriminator_steps + 1):
            loss_discriminator, x_fake = self._discriminator_step(done * self.discriminator_steps + k)
            total = total + loss_discriminator + x_fake.flatten(1).sum(dim=1)
        loss_generator = self._generator_step(done + 1)
        total = total + loss_generator + self.generator.rows.sum(dim=1) + self.discriminator.rows.sum(dim=1)
        if self.averaging is not None:
            self.average.lerp_(self.generator.rows, 1 - self.averaging if done else 1.0)  # the first time it copies
        self.alive = self.alive & total.isfinite()
        if self.alive.device.type != "cpu" or not self.alive.all():  # asking a GPU would mean waiting for it
            for kept, tensor in zip(self.kept, self.tensors):
                alive = self.alive.reshape(-1, *[1] * (tensor.ndim - 1))
                tensor.copy_(torch.where(alive, tensor, kept))
        return torch.where(self.alive[:, None], torch.stack([loss_discriminator, loss_generator], dim=1), torch.nan)

    def _discriminator_step(self, t):
        x_real = torch.stack([member.target.sample(self.batch_size, member.rng) for member in self.members])
        z = 2 * self._uniform(self.noise_dim) - 1
        with torch.no_grad():
            x_fake = self.generator(self.generator.weights(), z)
        weights = self.discriminator.weights()
        loss = total = self.judge_loss(self.discriminator(weights, x_real), self.discriminator(weights, x_fake))
        if self.penalty is not None:
            total = loss + self.penalty * self._gradient_penalty(weights, x_real, x_fake)
        self.discriminator.update(total, weights, t)
        if self.bound is not None:
            self.discriminator.rows.clamp_(-self.bound, self.bound)
        return loss.detach(), x_fake

    def _generator_step(self, t):
        z = 2 * self._uniform(self.noise_dim) - 1
        weights, fixed = self.generator.weights(), [part.detach() for part in self.discriminator.weights()]
        loss = self.generator_loss(self.discriminator(fixed, self.generator(weights, z)))
        self.generator.update(loss, weights, t)
        return loss.detach()

    def _gradient_penalty(self, weights, x_real, x_fake):
        """`losses.gradient_penalty` of each member, (members,)."""
        places, wanted = x_real.clone(), 0.0
        if self.penalty_at == "between":
            share = self._uniform(1).reshape(*x_real.shape[:2], *[1] * (x_real.ndim - 2))
            places, wanted = x_real + share * (x_fake - x_real), 1.0
        scores = self.discriminator(weights, places.requires_grad_())
        slopes, = torch.autograd.grad(scores.sum(), places, create_graph=True)
        return (slopes.flatten(2).norm(dim=2) - wanted).square().mean(dim=1)

    def _uniform(self, dim):
        return torch.stack([uniform_noise(self.batch_size, dim, member.rng) for member in self.members])


class _Stack:
    """One network of all members of a group, and Adam with a learning rate for each.

    rows: (members, weights), what is trained; the parameters of the modules become views of it. rates: (members, 1).
    """

    def __init__(self, modules, rates):
        self.modules, self.rates, self.layers = modules, rates, _layers(modules[0])
        learning = {name: x for name, x in modules[0].named_parameters() if x.requires_grad}
        self.names, self.shapes = list(learning), [x.shape for x in learning.values()]
        self.rows = torch.stack([torch.cat([x.detach().flatten() for x in self._learning(m)]) for m in modules])
        self.bind(modules, self.rows)
        self.mean, self.square = torch.zeros_like(self.rows), torch.zeros_like(self.rows)
        self.rest = {}  # what is not trained: buffers, and parameters that a learner froze
        named = [dict(module.named_buffers()) | dict(module.named_parameters()) for module in modules]
        for name in set(named[0]) - set(self.names):
            self.rest[name] = torch.stack([tensors[name].detach() for tensors in named])
            for tensors, own in zip(named, self.rest[name]):
                tensors[name].data = own
        self.tensors = [self.rows, self.mean, self.square, *self.rest.values()]

    def _learning(self, module):
        return [module.get_parameter(name) for name in self.names]

    def bind(self, modules, rows):
        """Makes the modules' parameters views of the rows, each of one."""
        for module, row in zip(modules, rows):
            for parameter, part in zip(self._learning(module), self._parts(row)):
                parameter.data = part.view(parameter.shape)

    def _parts(self, rows):
        return rows.split([shape.numel() for shape in self.shapes], dim=-1)

    def weights(self):
        """Views of the rows, shaped as the modules' parameters, (members, ...), that collect gradients."""
        return [part.view(-1, *shape).requires_grad_() for part, shape in zip(self._parts(self.rows), self.shapes)]

    def __call__(self, weights, x):
        """What each member's network makes of its part of x, (members, batch, ...)."""
        if self.layers is None:
            tensors = dict(zip(self.names, weights)) | self.rest
            return vmap(lambda own, x: functional_call(self.modules[0], own, (x,)), randomness="different")(tensors, x)
        weights = iter(weights)
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                matrix, bias = next(weights), next(weights)
                x = torch.baddbmm(bias[:, None], x, matrix.transpose(1, 2))
            else:
                x = x.flatten(1) if isinstance(layer, nn.Flatten) else layer(x)
        return x

    def update(self, loss, weights, t):
        """Step number t of torch.optim.Adam down the loss, (members,)."""
        slopes = torch.autograd.grad(loss.sum(), weights, materialize_grads=True)
        slopes = torch.cat([slope.flatten(1) for slope in slopes], dim=1)
        self.mean.lerp_(slopes, 1 - BETAS[0])
        self.square.mul_(BETAS[1]).addcmul_(slopes, slopes, value=1 - BETAS[1])
        size = (self.square / (1 - BETAS[1]**t)).sqrt_().add_(1e-8)
        self.rows.addcdiv_(self.mean * (-self.rates / (1 - BETAS[0]**t)), size)

    def check(self, name, x):
        """Raises unless this makes of x, (members, n, ...), what the modules make of it one by one."""
        problem = ""
        with _undisturbed(x.device, *self.modules), torch.no_grad():
            expected = torch.stack([module(own.clone()) for module, own in zip(self.modules, x)])
            for layers in (self.layers, None):
                self.layers = layers
                try:
                    together = self(self.weights(), x)
                    if torch.allclose(together, expected, rtol=1e-3, atol=1e-4, equal_nan=True):
                        return
                except Exception as error:
                    problem = f" {error}"
        raise ValueError(f"the {name}s cannot be run as one stack: train them one by one, with train_gan.{problem}")


def _layers(network):
    """The layers of a network whose tensors are all weights of Linear layers, faster without vmap; else None."""
    layers = [part for part in network.modules() if not isinstance(part, nn.Sequential)]
    weights = [id(x) for layer in layers if type(layer) is nn.Linear for x in (layer.weight, layer.bias)]
    tensors = [*network.parameters(), *network.buffers()]
    return layers if weights == [id(x) for x in tensors if x.requires_grad] and len(weights) == len(tensors) else None


def _for_all(loss, arguments, members, device):
    """A loss of one member's scores, made one of all members': by vmap, or one by one where that cannot be."""
    def one_by_one(*scores):
        return torch.stack([loss(*own) for own in zip(*scores)])

    scores = torch.linspace(-1, 1, 8 * members, device=device).reshape(2, members, 4)[:arguments]
    expected = one_by_one(*scores)
    if expected.shape != (members,):
        raise ValueError("the methods of a loss must return one number for a batch of scores, but one returns shape "
                         f"{tuple(expected.shape[1:])}.")
    try:
        return vmap(loss) if torch.allclose(vmap(loss)(*scores), expected, atol=1e-5) else one_by_one
    except Exception:  # an if that asks for the scores, say, which is fine for one member
        return one_by_one


def _for_each(name, value, members):
    """A list with one value for each member."""
    if not isinstance(value, list | tuple):
        return [value] * members
    if len(value) != members:
        raise ValueError(f"{name} is a list of {len(value)}, but there are {members} seeds: give one value for all, or "
                         "a list with one for each seed.")
    return value


def _check_seeds(seeds):
    if not isinstance(seeds, Sequence) or not seeds or not all(type(seed) is int for seed in seeds):
        raise ValueError(f"seeds must be a list of whole numbers, one for each member, but is {seeds!r}.")


def _check_pair(made):
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise TypeError(f"make(rng) must return a pair, (generator, discriminator), but returns {made!r}.")
    return made


def _check_alike(networks, name):
    """Raises unless these are different networks of one architecture."""
    def plan(network):
        return str(network), [(name, x.shape, x.requires_grad) for name, x in network.named_parameters()]

    for i, network in enumerate(networks[1:], start=1):
        if plan(network) != plan(networks[0]):
            raise ValueError(f"all members need one architecture, but the {name} of member {i} is not built like that "
                             "of member 0: train them in two calls.")
    weights = [id(x) for network in networks for x in network.parameters()]
    if len(set(weights)) < len(weights):
        raise ValueError(f"some members share their {name}: make(rng) must make new networks in every call.")
