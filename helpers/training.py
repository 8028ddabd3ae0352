"""Training as a thing to look at: the loops of the lessons, and a run that yields snapshots of them.

A loop is a generator function that yields its loss after every step (`gmn_steps`, `gan_steps`). A `Run` drives it: it
counts, looks from time to time, and goes on where it was. Looking never changes what is trained.
"""

import contextlib
import inspect
import signal
import sys
import threading
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import torch
from tqdm import tqdm

from helpers.distances import _check_bandwidth, kernel_sum, mmd2
from helpers.losses import _check_bound, _check_penalty_at, clip_weights, gradient_penalty, minimax
from helpers.networks import averaged
from helpers.sampling import uniform_noise, warped_grid_lines

BAR_AFTER = 2.0  # seconds; shorter runs show no progress bar
GRID = 13, 61  # lines in each direction, points on a line
FIELD = 60  # places in each direction at which a snapshot asks the judge
BETAS = 0.5, 0.9  # of Adam in games: little memory, since the other player changes what is right


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a run looks like after some steps; everything detached and on the CPU.

    step: training steps done. x_fake: (n_shown, data_dim), generated from z_fixed. losses: (step,), the generator's
    loss in every step so far. z_fixed (n_shown, noise_dim) and x_real (n_shown, data_dim): the same in all snapshots of
    a run. limits: those of the target. grid: (2, lines, points, 2), the regular grid of the noise, mapped (for
    noise and data of two dimensions, else None). push: (n_arrows, data_dim), where the loss pushes the first
    n_arrows of x_fake: minus n_shown times its gradient.
    With a judge: judge_losses: (step,), its own loss in every step (in the last one, if it makes several).
    field: what it says on a regular grid over the limits: (FIELD, FIELD), row by row from below, for data of two
    dimensions, and (FIELD,) for one. field_is_probability: the field is D(x), from 0 to 1; else it is scores.
    With averaging: x_average, as x_fake, but from the moving average of the generator's weights.
    """

    step: int
    x_fake: torch.Tensor
    losses: torch.Tensor
    z_fixed: torch.Tensor
    x_real: torch.Tensor
    limits: tuple
    grid: np.ndarray | None = None
    push: torch.Tensor | None = None
    judge_losses: torch.Tensor | None = None
    field: np.ndarray | None = None
    field_is_probability: bool = True
    x_average: torch.Tensor | None = None


def gmn_steps(generator, target, rng, bandwidth, noise_dim, batch_size, lr):
    """A generator function: each `next` trains the generator by one step down the MMD, and yields the loss.

    Noise is uniform in [-1, 1]^noise_dim. The loss is the unbiased estimate of `mmd2` from batch_size generated
    and batch_size real samples. Raises FloatingPointError where it
    diverges. Source: Li et al. 2015; Dziugaite et al. 2015. Taught in lesson 5.
    """
    optimizer = torch.optim.Adam(generator.parameters(), lr=lr)
    while True:
        z = 2 * uniform_noise(batch_size, noise_dim, rng) - 1  # 1. draw noise
        x_fake = generator(z)                                  # 2. generate
        x_real = target.sample(batch_size, rng)
        _check_finite(x_fake)
        loss = mmd2(x_fake, x_real, bandwidth)                 # 3. compare
        optimizer.zero_grad()
        loss.backward()                                        # 4. back-propagate
        optimizer.step()                                       # 5. update
        yield loss.item()


def train_gmn(generator, target, rng, bandwidth, noise_dim=2, n_steps=2000, batch_size=256, lr=1e-3,
              every=50, n_shown=1000, n_arrows=200, averaging=None):
    """A Run that trains the generator down the MMD: an iterator of Snapshots, the first one before any step.

    generator: a module from (n, noise_dim) to (n, data_dim), trained in place. target: a Target. rng: the
    torch.Generator of noise and samples; the generator lies on its device. bandwidth: as for `mmd2`. n_steps,
    batch_size, lr (of Adam): of the training. every: steps between two snapshots. n_shown, n_arrows: points and
    arrows in a snapshot. averaging: as for `train_gan`. `list(train_gmn(...))` trains to the end. Raises ValueError or
    TypeError at once if the arguments do not fit together. Taught in lesson 5.
    """
    _check_counts(noise_dim=(noise_dim, 1), n_steps=(n_steps, 1), batch_size=(batch_size, 2), every=(every, 1),
                  n_shown=(n_shown, 2), n_arrows=(n_arrows, 0))
    _check_rates(lr=lr)
    _check_bandwidth(bandwidth)
    _check_generator(generator, target, rng, noise_dim)
    average = None if averaging is None else averaged(generator, averaging)

    def push(x_fake, x_real):
        """Where the first n_arrows generated points are pushed: minus n_shown times the gradient of mmd2."""
        x = x_fake[:n_arrows].clone().requires_grad_()
        to_fake = kernel_sum(x, x_fake, bandwidth) / (len(x_fake) - 1)
        to_real = kernel_sum(x, x_real, bandwidth) / len(x_real)
        return -torch.autograd.grad(2 * (to_fake - to_real), x)[0]

    def make_steps():
        return gmn_steps(generator, target, rng, bandwidth, noise_dim, batch_size, lr)

    look = _Look(generator, target, rng, noise_dim, n_shown, push if n_arrows else None, average=average)
    return Run(make_steps, look, n_steps, every, [generator], rng, "larger bandwidths", average)


@contextlib.contextmanager
def frozen(network):
    """Inside, gradients flow through the network, and none is kept for its parameters."""
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


def discriminator_step(generator, discriminator, optimizer, x_real, z, loss):
    """Trains the discriminator by one step on real points and generated ones, and returns its loss, a float.

    x_real: (batch, data_dim), z: (batch, noise_dim). The generator does not move.
    Raises FloatingPointError where the generator has diverged. Taught in lesson 7.
    """
    with torch.no_grad():  # no slopes are wanted in the generator
        x_fake = generator(z)
    _check_finite(x_fake)
    loss_discriminator = loss.judge(discriminator(x_real), discriminator(x_fake))
    optimizer.zero_grad()
    loss_discriminator.backward()
    optimizer.step()
    return loss_discriminator.item()


def generator_step(generator, discriminator, optimizer, z, loss):
    """Trains the generator by one step, by what the discriminator says, and returns its loss, a float.

    z: (batch, noise_dim). The gradient flows through the discriminator, which does not move. Taught in lesson 7.
    """
    with frozen(discriminator):  # its slopes are used on the way, and none is kept for it
        loss_generator = loss.generator(discriminator(generator(z)))
        optimizer.zero_grad()
        loss_generator.backward()
    optimizer.step()
    return loss_generator.item()


def gan_steps(generator, discriminator, target, rng, loss, noise_dim, batch_size, lr_generator, lr_discriminator,
              discriminator_steps):
    """A generator function: each `next` trains the discriminator by some steps and the generator by one.

    Yields (discriminator's loss, generator's loss). Noise is uniform in [-1, 1]^noise_dim, drawn anew for every step.
    Source: Goodfellow et al. 2014, algorithm 1, with Adam for plain gradient steps. Taught in lesson 7.
    """
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=lr_discriminator, betas=BETAS)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=lr_generator, betas=BETAS)
    while True:
        for _ in range(discriminator_steps):
            x_real = target.sample(batch_size, rng)
            z = 2 * uniform_noise(batch_size, noise_dim, rng) - 1
            loss_discriminator = discriminator_step(generator, discriminator, optimizer_d, x_real, z, loss)
        z = 2 * uniform_noise(batch_size, noise_dim, rng) - 1
        loss_generator = generator_step(generator, discriminator, optimizer_g, z, loss)
        yield loss_discriminator, loss_generator


def critic_step(generator, critic, optimizer, x_real, z, loss, rng, clip=None, penalty=0.0, at="between"):
    """A `discriminator_step` that keeps the critic from being steep; returns its loss, without the penalty.

    clip: the bound of its weights (`clip_weights`), or None. penalty: how much `gradient_penalty` weighs in what is
    made small; at: where it looks. rng: draws the places. Raises FloatingPointError where the generator has diverged.
    Taught in lesson 10.
    """
    with torch.no_grad():
        x_fake = generator(z)
    _check_finite(x_fake)
    loss_critic = loss.judge(critic(x_real), critic(x_fake))
    total = loss_critic
    if penalty > 0:
        total = loss_critic + penalty * gradient_penalty(critic, x_real, x_fake, rng, at)
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    if clip is not None:
        clip_weights(critic, clip)
    return loss_critic.item()


def restrained_steps(generator, critic, target, rng, loss, noise_dim, batch_size, lr_generator, lr_critic,
                     critic_steps, clip, penalty, at):
    """`gan_steps` with a `critic_step` in place of each discriminator_step.

    Yields (critic's loss, generator's loss). Source: Arjovsky et al. 2017, algorithm 1, and Gulrajani et al. 2017,
    algorithm 1, both with Adam. Taught in lesson 10.
    """
    optimizer_c = torch.optim.Adam(critic.parameters(), lr=lr_critic, betas=BETAS)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=lr_generator, betas=BETAS)
    while True:
        for _ in range(critic_steps):
            x_real = target.sample(batch_size, rng)
            z = 2 * uniform_noise(batch_size, noise_dim, rng) - 1
            loss_critic = critic_step(generator, critic, optimizer_c, x_real, z, loss, rng, clip, penalty, at)
        z = 2 * uniform_noise(batch_size, noise_dim, rng) - 1
        loss_generator = generator_step(generator, critic, optimizer_g, z, loss)
        yield loss_critic, loss_generator


def gan_push(discriminator, loss, x_fake):
    """Where the generator's loss pushes each generated point, (n, data_dim): minus n times its gradient."""
    x = x_fake.detach().clone().requires_grad_()
    with torch.enable_grad(), frozen(discriminator):
        gradient, = torch.autograd.grad(loss.generator(discriminator(x)), x)
    return -len(x) * gradient


def train_gan(generator, discriminator, target, rng, loss=minimax, noise_dim=2, n_steps=2000, batch_size=128,
              lr_generator=1e-3, lr_discriminator=1e-3, discriminator_steps=1, every=50, n_shown=1000, n_arrows=200,
              clip=None, penalty=0.0, penalty_at="between", averaging=None):
    """A Run that trains a generator and a discriminator against each other: an iterator of Snapshots.

    generator: a module from (n, noise_dim) to (n, data_dim); discriminator: one from (n, data_dim) to scores (n,);
    both are trained in place. target: a Target. rng: the torch.Generator of noise and samples; both networks lie on
    its device. loss: of `helpers.losses`, or an object of your own with its two methods. n_steps: of the generator,
    each after discriminator_steps of the discriminator. batch_size, lr_generator, lr_discriminator (of Adam): of the
    training. every, n_shown, n_arrows: as for `train_gmn`, with the same promises. Snapshots have the judge's losses
    and field too. clip, penalty, penalty_at: as for `critic_step`, which then takes the place of discriminator_step.
    averaging: the decay of a moving average of G's weights (`networks.averaged`), which Snapshots then show.
    Raises ValueError or TypeError at once if the arguments do not fit together. Taught in lesson 7.
    """
    _check_counts(noise_dim=(noise_dim, 1), n_steps=(n_steps, 1), batch_size=(batch_size, 1), every=(every, 1),
                  n_shown=(n_shown, 2), n_arrows=(n_arrows, 0), discriminator_steps=(discriminator_steps, 1))
    _check_rates(lr_generator=lr_generator, lr_discriminator=lr_discriminator)
    _check_generator(generator, target, rng, noise_dim)
    _check_discriminator(discriminator, target, rng)
    _check_loss_object(loss)
    _check_restraint(clip, penalty, penalty_at)
    average = None if averaging is None else averaged(generator, averaging)

    def push(x_fake, x_real):
        return gan_push(discriminator, loss, x_fake)[:n_arrows]

    def make_steps():
        settings = (generator, discriminator, target, rng, loss, noise_dim, batch_size, lr_generator,
                    lr_discriminator, discriminator_steps)
        if clip is None and penalty == 0:
            return gan_steps(*settings)
        return restrained_steps(*settings, clip, penalty, penalty_at)

    look = _Look(generator, target, rng, noise_dim, n_shown, push if n_arrows else None, discriminator,
                 getattr(loss, "is_probability", False), average)
    return Run(make_steps, look, n_steps, every, [generator, discriminator], rng, "fewer discriminator steps", average)


class Run:
    """Training that can be stepped, paused, interrupted and taken up again; an iterator of Snapshots.

    Each `next` trains to the next multiple of `every` steps and returns a Snapshot; `list` and `for` go on to the
    end, with a progress bar where it takes long. An interrupt takes effect between two steps (a second one at
    once, and then the step is undone), and the next `next` goes on as if nothing had happened.
    `losses`: what the loop yielded in every step so far; `step`: how many.
    Raises FloatingPointError when training diverges; the networks then are as they were before that step.

    make_steps: makes a loop, a generator function that yields its loss or losses after every step; all that it keeps
    from step to step are the networks, its optimizers (local variables of the loop) and rng. advice: what may
    help, besides a smaller learning rate, when training diverges. average: a moving average of the first network.
    """

    def __init__(self, make_steps, look, n_steps, every, networks, rng, advice, average=None):
        self.make_steps, self.look, self.n_steps, self.every = make_steps, look, n_steps, every
        self.networks, self.rng, self.advice, self.average = networks, rng, advice, average
        self.losses, self.due = [], 0  # the step at which the next snapshot is due; None after the last
        self.steps, self.optimizers, self.bar = None, [], None

    @property
    def step(self):
        return len(self.losses)

    def __len__(self):
        return 1 + -(-self.n_steps // self.every)

    def __iter__(self):
        with self._bar() as self.bar:
            try:
                while self.due is not None:
                    yield next(self)
            finally:
                self.bar = None

    def __next__(self):
        if self.due is None:
            raise StopIteration
        with contextlib.nullcontext(self.bar) if self.bar is not None else self._bar() as bar:
            self._train(self.due, bar)
        snapshot = self.look(torch.as_tensor(self.losses))
        self.due = min(self.due + self.every, self.n_steps) if self.due < self.n_steps else None
        return snapshot

    def _bar(self):
        return tqdm(total=self.n_steps, initial=self.step, unit="step", delay=BAR_AFTER, leave=False, file=sys.stdout)

    def _train(self, goal, bar):
        """Goes on to step `goal`; an interrupt waits for the end of the step that is running."""
        with _held_back_interrupt() as pressed:
            while self.step < goal and not pressed:
                self._make_a_step()
                bar.update()
        if pressed:
            raise KeyboardInterrupt(f"interrupted after step {self.step}; the next next() goes on")

    def _make_a_step(self):
        """One step of the loop; undone if anything goes wrong in it."""
        if self.steps is not None:
            self.optimizers = [_copy(optimizer) for optimizer in _optimizers(self.steps)]
        put_back = _memory([*self.networks, *[self.average] * (self.average is not None)], self.rng)
        done = self.step
        try:
            if self.steps is None:
                self.steps = self.make_steps()
                if self.optimizers:  # the loop before was broken off; a new one makes its optimizers in its first step
                    next(self.steps)
                    put_back()
                    for optimizer, state in zip(_optimizers(self.steps), self.optimizers):
                        optimizer.load_state_dict(state)
            self.losses.append(next(self.steps))
            _check_loss(self.losses[-1])
            if self.average is not None:
                self.average.update_parameters(self.networks[0])
        except BaseException as error:
            put_back()
            del self.losses[done:]
            self.steps = None  # a generator function that was broken off cannot go on
            if isinstance(error, FloatingPointError):
                raise FloatingPointError(
                    f"Training stopped at step {done + 1}: {error} The networks are as they were before this step. "
                    f"Try a smaller learning rate or {self.advice}, and look whether the data have large values; "
                    "then make new networks, since these are spoilt.") from None
            raise


def _optimizers(steps):
    """The optimizers among the local variables of a loop."""
    return [value for value in inspect.getgeneratorlocals(steps).values() if isinstance(value, torch.optim.Optimizer)]


def _copy(optimizer):
    """An optimizer's state_dict that does not change with it."""
    kept = optimizer.state_dict()
    for i, state in kept["state"].items():
        kept["state"][i] = {key: x.clone() if isinstance(x, torch.Tensor) else x for key, x in state.items()}
    return kept


def _memory(networks, rng):
    """A function that puts networks and random numbers (rng, and torch's own on the processor) back to what is now."""
    tensors = [(x, x.detach().clone()) for network in networks for x in (*network.parameters(), *network.buffers())]
    numbers, own = rng.get_state(), torch.get_rng_state()

    def put_back():
        with torch.no_grad():
            for x, value in tensors:
                x.copy_(value)
        rng.set_state(numbers)
        torch.set_rng_state(own)

    return put_back


class _Look:
    """Takes Snapshots of the networks on noise and real samples of its own, without a trace in the training."""

    def __init__(self, generator, target, rng, noise_dim, n_shown, push, judge=None, is_probability=True, average=None):
        # a second torch.Generator: drawing from rng would change the training
        own = torch.Generator(device=rng.device).manual_seed((rng.initial_seed() + 1) % 2**63)
        self.generator, self.limits, self.push = generator, target.limits, push
        self.judge, self.is_probability, self.average = judge, is_probability, average
        self.z = 2 * uniform_noise(n_shown, noise_dim, own) - 1
        self.x_real = target.sample(n_shown, own)
        self.flat = noise_dim == target.dim == 2

    def __call__(self, losses):
        judge_losses = None
        if self.judge is not None:
            judge_losses, losses = losses.reshape(-1, 2).unbind(dim=1)
        with _undisturbed(self.z.device, self.generator, self.judge, self.average):
            with torch.no_grad():
                x_fake = self.generator(self.z.clone()).clone()  # clones: a generator may change z, or give out its own
                grid = warped_grid_lines(self.generator, -1, 1, *GRID, self.z.device) if self.flat else None
                field = self._field()
                x_average = None if self.average is None else self.average(self.z.clone()).cpu()
            push = None
            if self.push is not None and x_fake.isfinite().all():
                push = self.push(x_fake, self.x_real).cpu()
        return Snapshot(len(losses), x_fake.cpu(), losses, self.z.cpu(), self.x_real.cpu(), self.limits, grid, push,
                        judge_losses, field, self.is_probability, x_average)

    def _field(self):
        """What the judge says on a regular grid over the limits; None without a judge, or in many dimensions."""
        if self.judge is None or len(self.limits) > 2:
            return None
        sides = [torch.linspace(low, high, FIELD, device=self.z.device) for low, high in self.limits]
        places = torch.cartesian_prod(*sides[::-1]).reshape(-1, len(sides)).flip(1)  # row by row, as a picture
        scores = self.judge(places)
        said = torch.sigmoid(scores) if self.is_probability else scores
        return said.reshape([FIELD] * len(sides)).cpu().numpy()


@contextlib.contextmanager
def _undisturbed(device, *modules):
    """Inside, batch norm and dropout are at rest, and no random number of torch's own is used up."""
    modules = [module for module in modules if module is not None]
    modes = [(part, part.training) for module in modules for part in module.modules()]
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            for module in modules:
                module.eval()
            yield
    finally:
        for part, training in modes:
            part.training = training


@contextlib.contextmanager
def _held_back_interrupt():
    """Inside, Ctrl-C (or Jupyter's stop button) does not break in: it fills the list that this gives.

    The second one does, for a step that takes too long to wait for.
    """
    pressed = []

    def note(*_):
        pressed.append(True)
        if len(pressed) == 2:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only the main thread is ever interrupted
        yield pressed
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)


def _check_finite(x_fake):
    if not x_fake.isfinite().all():
        raise FloatingPointError("the generated points are no longer finite numbers.")


def _check_loss(loss):
    if not np.isfinite(loss).all():
        raise FloatingPointError("the loss is no longer a finite number.")


def _check_counts(**counts):
    for name, (number, least) in counts.items():
        if not isinstance(number, Integral) or isinstance(number, bool) or number < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, but is {number!r}.")


def _check_rates(**rates):
    for name, rate in rates.items():
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < float("inf"):
            raise ValueError(f"{name}, the learning rate, must be a positive number such as 0.001, but is {rate!r}.")


def _check_generator(generator, target, rng, noise_dim):
    """Raises unless the generator maps noise of noise_dim numbers to points of the target's dimension."""
    if not isinstance(generator, torch.nn.Module):
        raise TypeError(f"generator must be a torch.nn.Module, but is of type {type(generator).__name__}.")
    if not isinstance(rng, torch.Generator):
        raise TypeError("rng must be a torch.Generator: make one with torch.Generator().manual_seed(0).")
    if not hasattr(target, "sample") or not hasattr(target, "dim"):
        raise TypeError(f"target must be a Target, such as ring(), but is of type {type(target).__name__}. "
                        "from_points makes one of samples.")
    _check_trainable("generator", generator)
    z = torch.zeros(2, noise_dim, device=rng.device)
    with _undisturbed(rng.device, generator), torch.no_grad():
        try:
            x = generator(z)
        except Exception as error:
            raise ValueError(f"the generator does not take noise of shape (n, {noise_dim}): {error}") from None
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"the generator must return a tensor of points, but returns one of type {type(x).__name__}.")
    if x.shape != (2, target.dim):
        raise ValueError(f"the generator makes points of shape {tuple(x.shape[1:])}, but the target's have "
                         f"{target.dim} numbers each.")


def _check_trainable(name, network):
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise ValueError(f"the {name} has no parameters to train.")


def _check_discriminator(discriminator, target, rng):
    """Raises unless the discriminator gives each point of the target's dimension one score."""
    if not isinstance(discriminator, torch.nn.Module):
        raise TypeError(f"discriminator must be a torch.nn.Module, but is of type {type(discriminator).__name__}.")
    _check_trainable("discriminator", discriminator)
    x = torch.zeros(3, target.dim, device=rng.device)
    with _undisturbed(rng.device, discriminator), torch.no_grad():
        try:
            scores = discriminator(x)
        except Exception as error:
            raise ValueError(f"the discriminator does not take points of shape (n, {target.dim}): {error}") from None
    if not isinstance(scores, torch.Tensor) or scores.shape != (3,):
        shape = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
        raise ValueError("the discriminator must return one score for each point, of shape (n,); for 3 points it "
                         f"returns {shape}. End it with nn.Flatten(0), or make it with networks.judge.")


def _check_restraint(clip, penalty, penalty_at):
    if clip is not None:
        _check_bound(clip)
    if isinstance(penalty, bool) or not isinstance(penalty, int | float) or not 0 <= penalty < float("inf"):
        raise ValueError(f"penalty, its weight, must be a number of at least 0, but is {penalty!r}.")
    _check_penalty_at(penalty_at)


def _check_loss_object(loss):
    for method in ("judge", "generator"):
        if not callable(getattr(loss, method, None)):
            raise TypeError("loss must be one of helpers.losses, such as minimax, or an object with the methods judge "
                            f"and generator; {loss!r} has no method {method}.")
