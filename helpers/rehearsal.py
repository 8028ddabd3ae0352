"""A GAN's training that can be stopped inside a step, and taken back to any step before: what the theatre shows.

A `Rehearsal` trains as `training.train_gan` does, bit by bit the same, and keeps a `Moment` of every step.
"""

import contextlib
import copy
import math
from dataclasses import dataclass

import numpy as np
import torch

from helpers import training
from helpers.sampling import uniform_noise

MEMORY = 300e6  # bytes that all moments may take
FULL_EVERY = 10  # steps from one full state to the next
RECENT = 200  # the last steps are never thinned out


@dataclass(frozen=True)
class Settings:
    """With what a step is trained. noise: "uniform" in [-1, 1]^noise_dim, or "normal"; the rest as for `train_gan`."""

    loss: object
    target: object
    noise: str
    lr_generator: float
    lr_discriminator: float
    discriminator_steps: int
    clip: float | None = None
    penalty: float = 0.0


@dataclass(eq=False)
class Moment:
    """One recorded step. kind: "both" (an iteration), "discriminator" or "generator"; losses: of D and of G, or nan."""

    kind: str
    settings: Settings
    losses: tuple
    weights: list | None  # of both networks, tensors in a fixed order
    full: tuple | None = None  # optimizers and random numbers
    picture: tuple | None = None  # arrays and facts, once the weights are no longer kept
    distance: tuple | None = None  # Wasserstein-1 and its floor, where measured

    @property
    def size(self):
        """Bytes, nearly: a full state has two more numbers for each weight."""
        weights = sum(x.numel() * x.element_size() + 100 for x in self.weights or ())
        pictures = self.picture[0].values() if self.picture else ()
        return 1000 + weights * (3 if self.full else 1) + sum(array.nbytes for array in pictures)


class Rehearsal:
    """Two networks in training, the record of every step, and the way back.

    moments: from step 0 on. losses: (3, steps + 1), the step and the losses of D and G. halt: where a step has stopped,
    or None. picture(weights, settings): a tuple, a dict of arrays and facts, that is kept in place of old weights.
    """

    def __init__(self, generator, discriminator, rng, noise_dim, batch_size, picture):
        self.generator, self.discriminator, self.rng = generator, discriminator, rng
        self.noise_dim, self.batch_size, self.picture = noise_dim, batch_size, picture
        self.seed = rng.initial_seed()
        # torch's own numbers, from which dropout draws: a copy, so that other cells neither disturb nor are disturbed
        self.numbers = torch.get_rng_state()
        self.first = self._weights(), self.numbers

    @property
    def step(self):
        """How many steps are recorded."""
        return len(self.moments) - 1

    def begin(self, settings):
        """None; a new record, which begins with the networks as they are now."""
        self.optimizers = [torch.optim.Adam(network.parameters(), betas=training.BETAS)
                           for network in (self.generator, self.discriminator)]
        self.steps, self.halt, self.moments, self.size, self.tidied = None, None, [], 0, [1, 1, 1]
        self._losses = np.full((3, 1024), np.nan, dtype=np.float32)
        self._record("both", settings, (math.nan, math.nan))

    def advance(self, settings, kind="both", halts=False):
        """The name of the halt, or "done" at the end of the step; a step is begun where none is under way.

        halts=False goes to the end at once. If something goes wrong, the step is undone; raises FloatingPointError when
        training has diverged, and what networks and loss raise.
        """
        if self.steps is None:
            self.kind, self.settings = kind, settings
            self.steps = self._step(kind, settings)
        try:
            with self._own_numbers():
                self.halt = next(self.steps)
                while not halts and self.halt[0] != "done":
                    self.halt = next(self.steps)
            if self.halt[0] != "done":
                return self.halt[0]
            losses, trained = self.halt[1:], (self.kind != "generator", self.kind != "discriminator")
            self.steps = self.halt = None
            if not all(math.isfinite(loss) for loss, ours in zip(losses, trained) if ours):
                raise FloatingPointError("the loss is no longer a finite number.")
        except BaseException:
            self.steps = self.halt = None
            self.go_to(self.step)
            raise
        self._record(self.kind, self.settings, losses)
        return "done"

    def _step(self, kind, settings):
        """A generator function: one step, like a turn of `training.gan_steps`, with halts for slow motion.

        It yields (name of the halt, real points, noise) before it does what the halt announces, and at the end
        ("done", loss of D, loss of G).
        """
        for optimizer, rate in zip(self.optimizers, (settings.lr_generator, settings.lr_discriminator)):
            optimizer.param_groups[0]["lr"] = rate
        networks, loss_d, loss_g = (self.generator, self.discriminator), math.nan, math.nan
        for i in range({"generator": 0, "discriminator": 1}.get(kind, settings.discriminator_steps)):
            x_real, z = settings.target.sample(self.batch_size, self.rng), self._noise(settings)
            for halt in ("1", "2", "3", "4", "5", "6a") if i == 0 else ():
                yield halt, x_real, z
            loss_d = training.critic_step(*networks, self.optimizers[1], x_real, z, settings.loss, self.rng,
                                          settings.clip, settings.penalty)
        if kind != "discriminator":
            z = self._noise(settings)
            yield "6b", None, z
            loss_g = training.generator_step(*networks, self.optimizers[0], z, settings.loss)
        yield "done", loss_d, loss_g

    def _noise(self, settings):
        if settings.noise == "normal":
            return torch.randn(self.batch_size, self.noise_dim, generator=self.rng, device=self.rng.device)
        return 2 * uniform_noise(self.batch_size, self.noise_dim, self.rng) - 1

    # ---- the record ----------------------------------------------------------------------------------------------

    @property
    def losses(self):
        return self._losses[:, :len(self.moments)]

    def _record(self, kind, settings, losses):
        full = None
        if len(self.moments) % FULL_EVERY == 0:
            full = [training._copy(optimizer) for optimizer in self.optimizers], self.rng.get_state(), self.numbers
        self.moments.append(Moment(kind, settings, losses, self._weights(), full))
        self.size += self.moments[-1].size
        if self.step == self._losses.shape[1]:
            self._losses = np.concatenate([self._losses, np.full_like(self._losses, np.nan)], axis=1)
        self._losses[:, self.step] = self.step, *losses
        for tidy, give_up in enumerate((self._drop_full, self._drop_weights, self._drop_picture)):
            while self.size > MEMORY and self.tidied[tidy] < len(self.moments) - RECENT:
                i = self.tidied[tidy]
                before = self.moments[i].size
                give_up(i, self.moments[i])
                self.size += self.moments[i].size - before
                self.tidied[tidy] += 1

    def _drop_full(self, i, moment):
        if i % (16 * FULL_EVERY):
            moment.full = None

    def _drop_weights(self, i, moment):
        if moment.weights and not moment.full:
            arrays, facts = self.picture(moment.weights, moment.settings)
            moment.picture = {name: array.astype(np.float16) for name, array in arrays.items()}, facts
            moment.weights = None

    def _drop_picture(self, i, moment):
        if i % 2:
            moment.picture = None

    # ---- the way back --------------------------------------------------------------------------------------------

    def go_to(self, step):
        """Networks, optimizers and random numbers become those of this step; of an earlier one, where that is not kept.

        Returns which. From the nearest full state before it, up to FULL_EVERY - 1 steps are computed anew.
        """
        start = next(i for i in range(step, -1, -1) if self.moments[i].full)
        step = step if step - start < FULL_EVERY else start
        # a copy: an optimizer goes on writing in what it is given
        states, numbers, self.numbers = copy.deepcopy(self.moments[start].full)
        self.put(self.moments[start].weights)
        for optimizer, state in zip(self.optimizers, states):
            optimizer.load_state_dict(state)
        self.rng.set_state(numbers)
        with self._own_numbers():
            for moment in self.moments[start + 1:step + 1]:
                for _ in self._step(moment.kind, moment.settings):
                    pass
        return step

    def cut(self, step):
        """Goes there, as `go_to` does, forgets all that came after, and returns where."""
        step = self.go_to(step)
        del self.moments[step + 1:]
        self.moments[step].weights = self._weights()  # they had been given up, perhaps
        self._losses[:, step + 1:] = np.nan
        self.size = sum(moment.size for moment in self.moments)
        self.tidied = [min(place, len(self.moments)) for place in self.tidied]
        return step

    def restart(self, seed, settings):
        """Everything begins anew: with the first seed, from the first weights, else from new random ones.

        Returns the names of parameters that stay as at first, because their module has no `reset_parameters`.
        """
        weights, self.numbers = self.first
        self.put(weights)
        kept = set()
        if seed != self.seed:
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                for part in (*self.generator.modules(), *self.discriminator.modules()):
                    if hasattr(part, "reset_parameters"):
                        part.reset_parameters()
                    else:
                        kept |= {name for name, _ in part.named_parameters(recurse=False)}
                self.numbers = torch.get_rng_state()
        self.rng.manual_seed(seed)
        self.begin(settings)
        return kept

    def changed_outside(self):
        """Whether the networks are not as the last step left them."""
        return not all(torch.equal(x.nan_to_num(), kept.nan_to_num())
                       for x, kept in zip(self.tensors(), self.moments[-1].weights))

    def tensors(self, networks=None):
        """Parameters and buffers of both networks, in a fixed order."""
        return [x for network in networks or (self.generator, self.discriminator)
                for x in (*network.parameters(), *network.buffers())]

    def put(self, weights, networks=None):
        """None; gives the weights to the networks, or to others that are built in the same way."""
        with torch.no_grad():
            for x, value in zip(self.tensors(networks), weights):
                x.copy_(value)

    def _weights(self):
        return [x.detach().clone() for x in self.tensors()]

    @contextlib.contextmanager
    def _own_numbers(self):
        others = torch.get_rng_state()
        torch.set_rng_state(self.numbers)
        try:
            yield
        finally:
            self.numbers = torch.get_rng_state()
            torch.set_rng_state(others)
