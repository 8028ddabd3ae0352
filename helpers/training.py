"""Training as a thing to look at: the loops of the lessons, and a run that yields snapshots of them.

A loop is a generator function that yields its loss after every step (`gmn_steps`). A `Run` drives it: it counts,
looks from time to time, and goes on where it was. Looking never changes what is trained.
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
from helpers.sampling import uniform_noise, warped_grid_lines

BAR_AFTER = 2.0  # seconds; shorter runs show no progress bar
GRID = 13, 61  # lines in each direction, points on a line


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a run looks like after some steps; everything detached and on the CPU.

    step: training steps done. x_fake: (n_shown, data_dim), generated from z_fixed. losses: (step,), the loss of
    every step so far. z_fixed (n_shown, noise_dim) and x_real (n_shown, data_dim): the same in all snapshots of
    a run. limits: those of the target. grid: (2, lines, points, 2), the regular grid of the noise, mapped (for
    noise and data of two dimensions, else None). push: (n_arrows, data_dim), where the loss pushes the first
    n_arrows of x_fake: minus n_shown times its gradient.
    """

    step: int
    x_fake: torch.Tensor
    losses: torch.Tensor
    z_fixed: torch.Tensor
    x_real: torch.Tensor
    limits: tuple
    grid: np.ndarray | None = None
    push: torch.Tensor | None = None


def gmn_steps(generator, target, rng, bandwidth, noise_dim, batch_size, lr):
    """A generator function: each `next` trains the generator by one step down the MMD, and yields the loss.

    Noise is uniform in [-1, 1]^noise_dim. The loss is the unbiased estimate of `mmd2` from batch_size generated
    and batch_size real samples. Source: Li et al. 2015; Dziugaite et al. 2015. Taught in lesson 5.
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
              every=50, n_shown=1000, n_arrows=200):
    """A Run that trains the generator down the MMD: an iterator of Snapshots, the first one before any step.

    generator: a module from (n, noise_dim) to (n, data_dim), trained in place. target: a Target. rng: the
    torch.Generator of noise and samples; the generator lies on its device. bandwidth: as for `mmd2`. n_steps,
    batch_size, lr (of Adam): of the training. every: steps between two snapshots. n_shown, n_arrows: points and
    arrows in a snapshot. `list(train_gmn(...))` trains to the end. Raises ValueError or TypeError at once if the
    arguments do not fit together. Taught in lesson 5.
    """
    counts = {"noise_dim": (noise_dim, 1), "n_steps": (n_steps, 1), "batch_size": (batch_size, 2),
              "every": (every, 1), "n_shown": (n_shown, 2), "n_arrows": (n_arrows, 0)}
    for name, (number, least) in counts.items():
        _check_count(name, number, least)
    if isinstance(lr, bool) or not isinstance(lr, int | float) or not 0 < lr < float("inf"):
        raise ValueError(f"lr, the learning rate, must be a positive number such as 0.001, but is {lr!r}.")
    _check_bandwidth(bandwidth)
    _check_generator(generator, target, rng, noise_dim)

    def push(x, x_fake, x_real):
        """Where x, some of the generated points, are pushed: minus n times the gradient of mmd2."""
        to_fake = kernel_sum(x, x_fake, bandwidth) / (len(x_fake) - 1)
        to_real = kernel_sum(x, x_real, bandwidth) / len(x_real)
        return -torch.autograd.grad(2 * (to_fake - to_real), x)[0]

    def make_steps():
        return gmn_steps(generator, target, rng, bandwidth, noise_dim, batch_size, lr)

    look = _Look(generator, target, rng, noise_dim, n_shown, n_arrows, push)
    return Run(make_steps, look, n_steps, every, [generator], rng)


class Run:
    """Training that can be stepped, paused, interrupted and taken up again; an iterator of Snapshots.

    Each `next` trains to the next multiple of `every` steps and returns a Snapshot; `list` and `for` go on to the
    end, with a progress bar where it takes long. An interrupt takes effect between two steps (a second one at
    once, and then the step is undone), and the next `next` goes on as if nothing had happened.
    `losses`: the loss of every step so far; `step`: how many.
    Raises FloatingPointError when training diverges; the networks then are as they were before that step.

    make_steps: makes a loop, a generator function that yields its loss after every step; all that it keeps from
    step to step are the networks, its optimizers (local variables of the loop) and rng.
    """

    def __init__(self, make_steps, look, n_steps, every, networks, rng):
        self.make_steps, self.look, self.n_steps, self.every = make_steps, look, n_steps, every
        self.networks, self.rng = networks, rng
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
        snapshot = self.look(torch.tensor(self.losses))
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
        put_back = _memory(self.networks, self.rng)
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
        except BaseException as error:
            put_back()
            del self.losses[done:]
            self.steps = None  # a generator function that was broken off cannot go on
            if isinstance(error, FloatingPointError):
                raise FloatingPointError(
                    f"Training stopped at step {done + 1}: {error} The networks are as they were before this step. "
                    "Try a smaller learning rate or larger bandwidths, and look whether the data have large values; "
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
    """Takes Snapshots of a generator on noise and real samples of its own, without a trace in the training."""

    def __init__(self, generator, target, rng, noise_dim, n_shown, n_arrows, push):
        # a second torch.Generator: drawing from rng would change the training
        own = torch.Generator(device=rng.device).manual_seed((rng.initial_seed() + 1) % 2**63)
        self.generator, self.limits, self.push = generator, target.limits, push
        self.z = 2 * uniform_noise(n_shown, noise_dim, own) - 1
        self.x_real = target.sample(n_shown, own)
        self.n_arrows, self.flat = n_arrows, noise_dim == target.dim == 2

    def __call__(self, losses):
        with _undisturbed(self.generator, self.z.device):
            with torch.no_grad():
                x_fake = self.generator(self.z.clone()).clone()  # clones: a generator may change z, or give out its own
                grid = warped_grid_lines(self.generator, -1, 1, *GRID, self.z.device) if self.flat else None
            push = None
            if self.n_arrows and x_fake.isfinite().all():
                push = self.push(x_fake[:self.n_arrows].clone().requires_grad_(), x_fake, self.x_real).cpu()
        return Snapshot(len(losses), x_fake.cpu(), losses, self.z.cpu(), self.x_real.cpu(), self.limits, grid, push)


@contextlib.contextmanager
def _undisturbed(module, device):
    """Inside, batch norm and dropout are at rest, and no random number of torch's own is used up."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
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


def _check_count(name, number, least):
    if not isinstance(number, Integral) or isinstance(number, bool) or number < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, but is {number!r}.")


def _check_generator(generator, target, rng, noise_dim):
    """Raises unless the generator maps noise of noise_dim numbers to points of the target's dimension."""
    if not isinstance(generator, torch.nn.Module):
        raise TypeError(f"generator must be a torch.nn.Module, but is of type {type(generator).__name__}.")
    if not isinstance(rng, torch.Generator):
        raise TypeError("rng must be a torch.Generator: make one with torch.Generator().manual_seed(0).")
    if not hasattr(target, "sample") or not hasattr(target, "dim"):
        raise TypeError(f"target must be a Target, such as ring(), but is of type {type(target).__name__}. "
                        "from_points makes one of samples.")
    if not any(parameter.requires_grad for parameter in generator.parameters()):
        raise ValueError("the generator has no parameters to train.")
    z = torch.zeros(2, noise_dim, device=rng.device)
    with _undisturbed(generator, rng.device), torch.no_grad():
        try:
            x = generator(z)
        except Exception as error:
            raise ValueError(f"the generator does not take noise of shape (n, {noise_dim}): {error}") from None
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"the generator must return a tensor of points, but returns one of type {type(x).__name__}.")
    if x.shape != (2, target.dim):
        raise ValueError(f"the generator makes points of shape {tuple(x.shape[1:])}, but the target's have "
                         f"{target.dim} numbers each.")
