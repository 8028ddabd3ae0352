"""The theatre: two networks on the stage while they train, step by step, forwards, in slow motion, and back again."""

import contextlib
import copy
import math
import time
import weakref
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython import get_ipython

from helpers import plots, training
from helpers.distances import wasserstein1, wasserstein_floor
from helpers.losses import minimax
from helpers.sampling import uniform_noise, warped_grid_lines
from helpers.stage import Board, Control
from helpers.training import discriminator_step, generator_step

SLICE = 0.035  # seconds of training, before the picture is drawn and the buttons are heard
GAP = 0.004  # seconds between two slices, for the messages that came
UNSEEN = 600  # seconds after which it pauses if no page shows it
MEMORY = 300e6  # bytes that the recorded steps may take
FULL_EVERY = 10  # steps from one full state to the next
RECENT = 200  # the last steps are never thinned out
GRID = 13, 31  # lines in each direction, points on a line
COMPARED = 300  # points for Wasserstein-1
SLOW_PAUSE = 1.6  # seconds for each step of the procedure in slow motion
RATES = (0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
SPEEDS = {"as fast as it can": math.inf, "25 steps a second": 25, "5 steps a second": 5, "1 step a second": 1}
LAYERS = ("real", "generated", "field", "grid", "arrows")
# the halts of the slow motion: which boxes and flows of the diagram are lit (data "a-b", gradients "a>b"), what is frozen
LIT = {"1": ("noise", "G", "D"), "2": ("noise", "noise-G", "G", "G-generated", "generated"),
       "3": ("generated", "generated-D", "real", "real-D", "D"), "4": ("generated", "generated-D", "real", "real-D", "D"),
       "5": ("D", "D-lossD", "lossD", "D-lossG", "lossG"), "6a": ("lossD", "lossD>D", "D"),
       "6b": ("lossG", "lossG>D", "D", "D>generated", "generated", "generated>G", "G")}
FROZEN = {"6a": ["G"], "6b": ["D"]}
_theatres = weakref.WeakSet()


@dataclass(frozen=True)
class Settings:
    """With what a step was trained."""

    loss: object
    target: object
    noise: str
    lr_generator: float
    lr_discriminator: float
    discriminator_steps: int


@dataclass
class Moment:
    """One recorded step. kind: "both" (an iteration), "discriminator" or "generator"; losses: of D and of G."""

    kind: str
    settings: Settings
    losses: tuple
    weights: list | None  # of both networks, tensors in a fixed order
    full: tuple | None = None  # optimizers and random numbers
    picture: tuple | None = None  # arrays and facts, where the weights are no longer kept
    distance: tuple | None = None  # Wasserstein-1 and its floor, once measured

    @property
    def size(self):
        """Bytes, nearly: a full state has two more numbers for each weight."""
        weights = sum(x.numel() * x.element_size() + 100 for x in self.weights or ())
        pictures = self.picture[0].values() if self.picture else ()
        return 1000 + weights * (3 if self.full else 1) + sum(array.nbytes for array in pictures)


def theatre(generator, discriminator, target, loss=minimax, losses=None, targets=None, noise_dim=2, batch_size=128,
            lr_generator=1e-3, lr_discriminator=1e-3, discriminator_steps=1, seed=0, n_shown=1000, n_arrows=200,
            layers=("real", "generated", "field")):
    """None; displays a GAN that trains while you watch: play, single steps, slow motion, and any step back.

    The arguments are those of `train_gan`, and so is the training: n steps of play with untouched controls change the
    networks as `train_gan` does with torch.Generator().manual_seed(seed). generator, discriminator: your own
    modules, for points in the plane, trained in place. losses: {label: loss} and targets: {label: Target, or a
    sketchpad} make menus; loss and target are what is chosen at first, and join the menu if they are not in it.
    layers: those that are on at first, of "real", "generated", "field" (what D says, with its contour at 1/2), "grid"
    (the noise grid, mapped; for noise of 1 or 2 dimensions) and "arrows" (where the loss pushes generated points).

    Training runs between the cells, a twentieth of a second at a time; running another cell pauses it. Every
    step is recorded: the weights of both networks, and every tenth step the optimizers and random numbers too, from
    which "go on from here" computes the steps between anew. All this takes at most 300 MB: then most of the older full
    states go first, next the older weights, of which the picture stays, and at last every second old picture.
    Raises ValueError or TypeError at once if the arguments do not fit together. Used from lesson 7 on.
    """
    board = Theatre(generator, discriminator, target, loss, losses or {}, targets or {}, noise_dim, batch_size,
                    lr_generator, lr_discriminator, discriminator_steps, seed, n_shown, n_arrows, layers)
    board.present(board.figure())


class Theatre(Board):
    """The board of `theatre`. moments: the recorded steps, from 0 on. shown: the one that is seen. playing, slow: how."""

    def __init__(self, generator, discriminator, target, loss, losses, targets, noise_dim, batch_size, lr_generator,
                 lr_discriminator, discriminator_steps, seed, n_shown, n_arrows, layers):
        losses, targets = dict(losses), dict(targets)
        chosen = {"loss": _label(loss, losses), "data": _label(target, targets)}
        self.target = _check(generator, discriminator, losses, targets, chosen, noise_dim, batch_size, lr_generator,
                             lr_discriminator, discriminator_steps, seed, n_shown, n_arrows, layers)
        self.generator, self.discriminator, self.losses, self.targets = generator, discriminator, losses, targets
        self.noise_dim, self.batch_size, self.n_shown, self.n_arrows = noise_dim, batch_size, n_shown, n_arrows
        self.limits = _union([_target(one).limits for one in targets.values()])  # never change, so nothing jumps
        self.layers = [name for name in LAYERS if name != "grid" or noise_dim <= 2]
        self.rates = {f"{rate:g}" if rate else "0 (frozen)": rate
                      for rate in sorted({*RATES, lr_generator, lr_discriminator})}
        super().__init__(self._rows(chosen, lr_generator, lr_discriminator, discriminator_steps, seed, layers),
                         {"picture": (440, 430), "diagram": (470, 224), "curves": (470, 150)})
        self.chosen = chosen
        self.seed, self.rng = seed, torch.Generator(device=_device(generator)).manual_seed(seed)
        self.first, self.first_numbers = self._weights(), torch.get_rng_state()
        self.numbers = self.first_numbers  # this theatre's copy of torch's own numbers, from which dropout draws
        self.shadow = copy.deepcopy((generator, discriminator))  # to show older states without touching the networks
        for network in self.shadow:
            network.eval().requires_grad_(False)
        self.playing, self.slow, self.ticket, self.due, self.seen = False, False, 0, 0.0, time.monotonic()
        self.box.show(limits=self.limits, flows=True, names={
            "picture": "Real points (circles), generated points (triangles) and what the discriminator says",
            "diagram": "Diagram: noise goes through G and becomes generated points; these and real points go to D; "
                       "from what D says come the losses of both", "curves": "Loss curves of D and G"})
        _theatres.add(self)
        _pause_before_cells()
        self._begin("Ready: press play, or train one network once. ")

    def _rows(self, chosen, lr_generator, lr_discriminator, discriminator_steps, seed, layers):
        """The controls, row by row."""
        rates, steps = tuple(self.rates), sorted({1, 2, 3, 5, 10, discriminator_steps})
        name = {rate: text for text, rate in self.rates.items()}
        menus = [Control("lr_discriminator", "choice", "learning rate of D", name[lr_discriminator], rates),
                 Control("lr_generator", "choice", "learning rate of G", name[lr_generator], rates),
                 Control("discriminator_steps", "choice", "D steps per G step", str(discriminator_steps),
                         tuple(map(str, steps))),
                 Control("noise", "choice", "noise", "uniform", ("uniform", "normal")),
                 Control("loss", "choice", "loss", chosen["loss"], tuple(self.losses)),
                 Control("data", "choice", "data", chosen["data"], tuple(self.targets))]
        return [
            [Control("play", "button", "play", main=True),
             Control("discriminator", "button", "train discriminator once"),
             Control("generator", "button", "train generator once"), Control("both", "button", "one step of both"),
             Control("speed", "choice", "speed", next(iter(SPEEDS)), tuple(SPEEDS))],
            [Control("slow", "button", "slow motion: next"), Control("slow_play", "button", "slow motion: play"),
             Control("seed", "number", "seed", seed, high=999_999), Control("reset", "button", "reset"),
             Control("measure", "button", "measure Wasserstein-1")],
            [Control("step", "range", "step", wide=True), Control("go_on", "button", "go on from here")],
            [menu for menu in menus if len(menu.options) > 1],
            [*(Control(f"show_{name}", "check", name, name in layers) for name in self.layers),
             Control("arrow_length", "choice", "length of arrows", "x 1", ("x 1", "x 10", "x 100"))]]

    def settings(self):
        """What the controls say now."""
        value = {name: control.value for name, control in self.controls.items()}
        return Settings(self.losses[self.chosen["loss"]], self.target, value["noise"],
                        self.rates[value["lr_generator"]], self.rates[value["lr_discriminator"]],
                        int(value["discriminator_steps"]))

    # ---- training: one step, its record, and the way back ---------------------------------------------------------

    def _begin(self, sentence):
        """A new record, which begins with the networks as they are now."""
        self.optimizers = [torch.optim.Adam(network.parameters(), betas=training.BETAS)
                           for network in (self.generator, self.discriminator)]
        self.steps, self.halt = None, None  # of the step that is under way in slow motion
        self.moments, self.shown, self.size, self.tidied = [], 0, 0, [1, 1, 1]
        self.looks, self.floors, self.curves = {}, {}, np.full((3, 1024), np.nan, dtype=np.float32)
        self._record("both", self.settings(), (math.nan, math.nan))
        self._look(sentence)

    def _step(self, kind, settings):
        """A generator function: one step, like a turn of `training.gan_steps`, with halts for the slow motion.

        It yields (number of the halt, real points, noise) before it does what the halt announces, and at the end
        ("done", loss of D, loss of G).
        """
        for optimizer, rate in zip(self.optimizers, (settings.lr_generator, settings.lr_discriminator)):
            optimizer.param_groups[0]["lr"] = rate
        loss_d = loss_g = math.nan
        for i in range({"generator": 0, "discriminator": 1}.get(kind, settings.discriminator_steps)):
            x_real, z = settings.target.sample(self.batch_size, self.rng), self._noise(settings)
            for halt in ("1", "2", "3", "4", "5", "6a") if i == 0 else ():
                yield halt, x_real, z
            loss_d = discriminator_step(self.generator, self.discriminator, self.optimizers[1], x_real, z, settings.loss)
        if kind != "discriminator":
            z = self._noise(settings)
            yield "6b", None, z
            loss_g = generator_step(self.generator, self.discriminator, self.optimizers[0], z, settings.loss)
        yield "done", loss_d, loss_g

    def _noise(self, settings):
        if settings.noise == "normal":
            return torch.randn(self.batch_size, self.noise_dim, generator=self.rng, device=self.rng.device)
        return 2 * uniform_noise(self.batch_size, self.noise_dim, self.rng) - 1

    def _train(self, kind="both", halts=False):
        """The next halt of a step ("done" at its end), which is begun where none is under way.

        halts=False goes to the end at once. What goes wrong stops the theatre and undoes the step.
        """
        note = ""
        if self.steps is None:
            note = self._claim()
            self.kind, self.used = kind, self.settings()
            self.steps = self._step(kind, self.used)
        try:
            with self._own_numbers():
                self.halt = next(self.steps)
                while not halts and self.halt[0] != "done":
                    self.halt = next(self.steps)
            if self.halt[0] == "done":
                losses, self.steps = self.halt[1:], None
                if any(map(math.isinf, losses)) or all(map(math.isnan, losses)) or (
                        self.kind == "both" and any(map(math.isnan, losses))):
                    raise FloatingPointError("the loss is no longer a finite number.")
                self._record(self.kind, self.used, losses)
            return note
        except Exception as error:
            self.playing = self.slow = False
            self.steps = self.halt = None
            self.shown = self._go_to(len(self.moments) - 1)
            if not isinstance(error, FloatingPointError):
                raise
            return (f"The training has diverged and stands still: in step {len(self.moments):,} {error} That step is undone. "
                    "Press reset, or move back to a better step and go on from there; choose a smaller learning rate. ")

    def _claim(self):
        """A sentence, "" as a rule: before a step, the networks must be as this theatre left them."""
        for other in list(_theatres):
            if other is not self and {self.generator, self.discriminator} & {other.generator, other.discriminator}:
                other.pause("Paused, because another theatre trains the same networks. ")
        last = self.moments[-1].weights
        if all(torch.equal(x, kept) for x, kept in zip(self._tensors(), last)) or not all(x.isfinite().all() for x in last):
            return ""
        self._go_to(len(self.moments) - 1)
        return "The networks had been changed outside; they are again as they were here. "

    def _record(self, kind, settings, losses):
        full = self._full() if len(self.moments) % FULL_EVERY == 0 else None
        self.moments.append(Moment(kind, settings, losses, self._weights(), full))
        self.size += self.moments[-1].size
        self.shown = last = len(self.moments) - 1
        if last == self.curves.shape[1]:
            self.curves = np.concatenate([self.curves, np.full_like(self.curves, np.nan)], axis=1)
        self.curves[:, last] = last, *losses
        self._make_room()

    def _make_room(self):
        """Gives up what the docstring of `theatre` says, oldest first, as far as the memory asks for it."""
        def give_up(full, weights, i):
            moment = self.moments[i]
            before = moment.size
            if full and i % (16 * FULL_EVERY):
                moment.full = None
            elif weights and moment.weights and not moment.full:
                arrays, facts = self._view(moment.weights, moment.settings, self.layers)
                moment.picture = {name: array.astype(np.float16) for name, array in arrays.items()}, facts
                moment.weights = None
            elif not (full or weights) and moment.picture and i % 2:
                moment.picture = None
            self.size += moment.size - before

        for round_, (full, weights) in enumerate(((True, False), (False, True), (False, False))):
            while self.size > MEMORY and self.tidied[round_] < len(self.moments) - RECENT:
                give_up(full, weights, self.tidied[round_])
                self.tidied[round_] += 1

    def _tensors(self, networks=None):
        return [x for network in networks or (self.generator, self.discriminator)
                for x in (*network.parameters(), *network.buffers())]

    def _weights(self):
        return [x.detach().clone() for x in self._tensors()]

    def _put(self, weights, networks=None):
        with torch.no_grad():
            for x, value in zip(self._tensors(networks), weights):
                x.copy_(value)

    def _full(self):
        return [training._copy(optimizer) for optimizer in self.optimizers], self.rng.get_state(), self.numbers

    def _go_to(self, step):
        """Networks, optimizers and random numbers become those of this step; of an earlier one, where that is not kept.

        Returns which. From the nearest full state before it, up to FULL_EVERY - 1 steps are computed anew.
        """
        start = next(i for i in range(step, -1, -1) if self.moments[i].full)
        step = step if step - start < FULL_EVERY else start
        states, numbers, self.numbers = copy.deepcopy(self.moments[start].full)  # an optimizer writes in what it is given
        self._put(self.moments[start].weights)
        for optimizer, state in zip(self.optimizers, states):
            optimizer.load_state_dict(state)
        self.rng.set_state(numbers)
        with self._own_numbers():
            for moment in self.moments[start + 1:step + 1]:
                for _ in self._step(moment.kind, moment.settings):
                    pass
        return step

    @contextlib.contextmanager
    def _own_numbers(self):
        """Inside, torch's own random numbers are this theatre's: it neither disturbs other cells nor is disturbed."""
        others = torch.get_rng_state()
        torch.set_rng_state(self.numbers)
        try:
            yield
        finally:
            self.numbers = torch.get_rng_state()
            torch.set_rng_state(others)

    def _reset(self):
        """Everything begins anew, with the seed that the box says."""
        seed, said = self.controls["seed"].value, "the first weights"
        self.playing = self.slow = False
        self._put(self.first)
        self.numbers = self.first_numbers
        if seed != self.seed:
            kept = set()
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                for part in (*self.generator.modules(), *self.discriminator.modules()):
                    if hasattr(part, "reset_parameters"):
                        part.reset_parameters()
                    else:
                        kept |= {name for name, _ in part.named_parameters(recurse=False)}
                self.numbers = torch.get_rng_state()
            said = "new random weights"
            if kept:
                said += f" (but {', '.join(sorted(kept))} as at first: these have no reset_parameters)"
        self.rng.manual_seed(seed)
        self._choose("data")  # a sketchpad may show another drawing now
        self._begin(f"Reset to seed {seed}, with {said}. ")

    # ---- what the reader does ----------------------------------------------------------------------------------------

    def set(self, **values):
        """As for every board; what plays then goes on for some slices before this returns."""
        super().set(**values)
        for _ in range(3 if self.playing or self.slow else 0):
            self.due = 0.0
            self._guarded(self._work)

    def moved(self, name):
        """What a control does."""
        if name == "play":
            self._toggle("playing")
        elif name == "slow_play":
            self._toggle("slow")
        elif name == "slow":
            self.playing = self.slow = False
            self._next_halt()
        elif name in ("discriminator", "generator", "both"):
            self._stop()
            said = self._train(name)
            lit = {"discriminator": "6a", "generator": "6b"}.get(name)
            self._look(said, lit=lit and LIT[lit], frozen=FROZEN.get(lit, []))
        elif name == "step":
            self._stop()
            self.shown = self.controls["step"].value
            self._look()
        elif name == "go_on":
            self._go_on()
        elif name == "reset":
            self._reset()
        elif name == "measure":
            self._stop()
            self._measure()
        else:
            self._stop_slow()
            if name in self.chosen:
                self._choose(name)
            training = name in ("lr_discriminator", "lr_generator", "discriminator_steps", "noise", "loss", "data")
            control = self.controls[name]
            self._look(f"From the next step on, {control.label}: {control.value}. " if training else "")

    def _choose(self, name):
        """The loss or the data that the menu says; if that fails, the menu goes back."""
        control = self.controls.get(name)
        wanted = control.value if control else self.chosen[name]
        try:
            if name == "data":
                self.target = _target(self.targets[wanted])
        except Exception:
            if control:
                control.value = self.chosen[name]
            raise
        self.chosen[name] = wanted

    def pause(self, said="Paused. "):
        """None; nothing happens if it does not play."""
        with self.lock:
            if self.playing or self.slow:
                self.playing = self.slow = False
                self._measure(said) if self.steps is None else self._look_slow(said)

    def _stop(self):
        self.playing = False
        self._stop_slow()

    def _stop_slow(self):
        """Ends the slow motion: the step that is under way is done at once."""
        self.slow = False
        if self.steps is not None:
            self._train()

    def _toggle(self, how):
        if getattr(self, how):
            self.pause()
            return
        if how == "playing":
            self._stop_slow()
        self.playing, self.slow = how == "playing", how == "slow"
        self.ticket += 1
        self.due, self.seen = 0.0, time.monotonic()
        if how == "playing":
            self._look()
        self._later(0.0, self.ticket)

    def _later(self, seconds, ticket):
        if self.loop is not None:
            self.loop.call_later(seconds, self._slice, ticket)

    def _slice(self, ticket):
        """A twentieth of a second of what plays, in the kernel's event loop, and the appointment for the next one."""
        with self.lock:
            if ticket == self.ticket and (self.playing or self.slow):
                self._guarded(self._work)
                if self.playing or self.slow:
                    self._later(max(GAP, self.due - time.perf_counter()), ticket)

    def _work(self):
        """One slice: a halt of the slow motion, recorded steps as a film, or as many steps as there is time for."""
        began, rate = time.perf_counter(), SPEEDS[self.controls["speed"].value]
        if began < self.due:
            return
        if self.slow:
            self.due = began + SLOW_PAUSE
            self._next_halt()
            return
        self.due, said = began + 1 / rate, ""
        if self.shown < len(self.moments) - 1:
            self.shown = min(len(self.moments) - 1, self.shown + (5 if rate == math.inf else 1))
        else:
            said = self._train()
            while self.playing and rate == math.inf and time.perf_counter() - began < SLICE:
                said = self._train() or said
        if self.box.ready or not self.box.awake or not self.playing:
            self.seen = time.monotonic()
            self._look(said)
        elif time.monotonic() - self.seen > UNSEEN:
            self.pause("Paused, because no page has shown this for ten minutes. ")

    def _next_halt(self):
        said = self._train(halts=True)
        if self.steps is None:  # at the end, or gone wrong
            self._look(said or f"Step {len(self.moments) - 1:,} is done: both networks have moved. ", lit=())
        else:
            self._look_slow(said)

    def _go_on(self):
        self._stop()
        wanted, self.shown = self.shown, self._go_to(self.shown)
        del self.moments[self.shown + 1:]
        self.curves[:, self.shown + 1:] = np.nan
        self.size = sum(moment.size for moment in self.moments)
        self.tidied = [min(place, len(self.moments)) for place in self.tidied]
        said = f"Both networks are again as after step {self.shown:,}; play goes on from here. "
        if self.shown != wanted:
            said += f"(For step {wanted:,} the full state is no longer kept.) "
        self._look(said)

    def _measure(self, said=""):
        """Wasserstein-1 of the step that is shown, beside its floor; in parts, so that buttons answer meanwhile."""
        self._look(said)
        self.ticket += 1
        self._measured(self._parts(self.moments[self.shown], said), self.ticket)

    def _parts(self, moment, said):
        arrays, settings = self._seen(self.shown)
        own = torch.Generator().manual_seed(self.seed + 2)
        made = torch.as_tensor(arrays["generated"])[:COMPARED]
        if "generated" not in arrays or not made.isfinite().all():
            return
        own = torch.Generator(device=self.rng.device).manual_seed(self.seed + 2)
        distance = wasserstein1(made, settings.target.sample(len(made), own).cpu())
        yield
        floors = self.floors.setdefault(id(settings.target), [])
        while len(floors) < 3:
            floors.append(wasserstein_floor(settings.target, len(made), own, repeats=1))
            yield
        moment.distance = distance, sum(floors) / len(floors)
        self._look(said)

    def _measured(self, parts, ticket):
        """Does the next part, if nothing else has begun since; without an event loop, all."""
        with self.lock:
            for _ in parts if ticket == self.ticket else ():
                if self.loop is not None:
                    self.loop.call_later(GAP, self._measured, parts, ticket)
                    return

    # ---- what is seen -------------------------------------------------------------------------------------------------

    def _eyes(self, settings):
        """What looks at the networks with these settings, always at the same noise and the same real points."""
        key = id(settings.target), settings.noise
        if key not in self.looks:
            look = training._Look(self.shadow[0], settings.target, self.rng, self.noise_dim, self.n_shown, None, self.shadow[1])
            if settings.noise == "normal":
                own = torch.Generator(device=self.rng.device).manual_seed(self.seed + 1)
                look.z = torch.randn(look.z.shape, generator=own, device=own.device)
            look.limits, look.flat, look.kept = self.limits, False, settings  # kept: so that no other target gets its id
            self.looks[key] = look
        return self.looks[key]

    def _view(self, weights, settings, layers):
        """Arrays to draw, and facts to tell, of the networks with these weights."""
        generator, judge = self.shadow
        self._put(weights, self.shadow)
        look = self._eyes(settings)
        look.is_probability = getattr(settings.loss, "is_probability", False)
        look.push = (lambda x, _: _push(judge, settings.loss, x)[:self.n_arrows]) if "arrows" in layers else None
        seen = look(torch.empty(0, 2))
        with torch.no_grad():
            scores = [judge(x) for x in (look.x_real, seen.x_fake.to(look.z.device))]
        arrays = {"real": seen.x_real.numpy(), "generated": seen.x_fake.numpy(), "field": seen.field}
        if "grid" in layers:
            arrays["grid"] = self._grid(generator, 2.0 if settings.noise == "normal" else 1.0)
        facts = _verdict(*scores, look.is_probability)
        if seen.push is not None:
            arrays["arrows"] = torch.cat([seen.x_fake[:len(seen.push)], seen.push], dim=1).numpy()
            facts["mean arrow"] = [f"{float(seen.push.norm(dim=1).mean()):.3g}", ""]
        return arrays, facts

    def _grid(self, generator, reach):
        if self.noise_dim == 2:
            return warped_grid_lines(generator, -reach, reach, *GRID, self.rng.device)
        z = torch.linspace(-reach, reach, 201, device=self.rng.device)[:, None]
        with torch.no_grad():
            return generator(z).cpu().numpy()[None, None]

    def _seen(self, step):
        """Arrays of a recorded step, and its settings; with facts as _view gives them in self.facts."""
        moment = self.moments[step]
        settings = self.settings() if step == len(self.moments) - 1 else moment.settings
        layers = [name for name in self.layers if self.controls[f"show_{name}"].value]
        if moment.weights is None:
            while moment.picture is None:
                step -= 1
                moment = self.moments[step]
        if moment.weights is None:
            arrays, self.facts = moment.picture
            arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
        else:
            arrays, self.facts = self._view(moment.weights, settings, layers)
        self.found = step
        return arrays, settings

    def _look(self, said="", lit=None, frozen=()):
        """None; shows the step that is to be shown, and says it in words."""
        last = len(self.moments) - 1
        self.controls["step"].value, self.controls["step"].high = self.shown, last
        moment = self.moments[self.shown]
        arrays, settings = self._seen(self.shown)
        losses = [f"{loss:.3f}" if math.isfinite(loss) else "" for loss in moment.losses]
        told = ", ".join(f"loss of {who} {loss}" for who, loss in zip("DG", losses) if loss)
        sentence = f"{said}Step {self.shown:,} of {last:,}: {told or 'not trained yet'}; {self.facts['told']}."
        if self.found != self.shown:
            sentence += f" (The picture is that of step {self.found:,}.)"
        if not np.isfinite(arrays["generated"]).all():
            sentence += " Some generated points are no longer finite numbers."
        self._draw(sentence, arrays, settings, dict(zip(("lossD", "lossG"), losses)), lit, frozen, moment.distance)

    def _look_slow(self, said=""):
        """None; shows a halt of the slow motion, with the numbers of the batch that is under way."""
        name, x_real, z = self.halt
        settings, (generator, judge) = self.used, self.shadow
        layers = [name for name in self.layers if self.controls[f"show_{name}"].value]
        arrays, self.facts = self._view([x.detach() for x in self._tensors()], settings, layers)
        if x_real is not None:
            self.real = x_real  # at the last halt there are none, and the picture keeps these
        with torch.no_grad():
            x_fake = generator(z)
            scores_real, scores_fake = judge(self.real), judge(x_fake)
            losses = settings.loss.judge(scores_real, scores_fake), settings.loss.generator(scores_fake)
        sentence = said + _halt_words(name, z, x_fake, self.real, scores_real, scores_fake, losses, self)
        arrays |= {"generated": x_fake.cpu().numpy(), "real": self.real.cpu().numpy(), "small_noise": _plane(z)}
        for part, until in (("generated", "1"), ("real", "2")):
            if name <= until:
                arrays[part] = np.zeros((0, 2), dtype=np.float32)
        arrays.pop("arrows", None)
        if name == "4" and _is_probability(settings.loss):
            wrong = torch.cat([self.real[scores_real <= 0], x_fake[scores_fake > 0]])
            arrays["crosses"] = wrong.cpu().numpy()
        if name == "6b":
            arrays["arrows"] = torch.cat([x_fake, _push(judge, settings.loss, x_fake)], dim=1).cpu().numpy()
        numbers = dict(zip(("lossD", "lossG"), (f"{loss.item():.3f}" for loss in losses))) if name >= "5" else {}
        self._draw(sentence, arrays, settings, numbers, LIT[name], FROZEN.get(name, []), None)

    def _draw(self, sentence, arrays, settings, numbers, lit, frozen, distance):
        """None; sends what is to be seen to the page."""
        slow, look, probability = self.steps is not None, self._eyes(settings), _is_probability(settings.loss)
        small = {f"small_{name}": arrays[name][:150] for name in ("real", "generated")}
        small["small_noise"] = arrays.pop("small_noise", _plane(look.z))[:150]
        low, high = (0.0, 1.0) if probability else (float(np.nanmin(arrays["field"])), float(np.nanmax(arrays["field"])))
        if not (math.isfinite(low) and math.isfinite(high)):
            low, high = 0.0, 1.0
        scaled = np.nan_to_num((arrays["field"] - low) / max(high - low, 1e-9), nan=0.5)
        shown = {name: np.asarray(arrays[name], dtype=np.float32) if name in arrays and name != "field" else None
                 for name in (*self.layers, "crosses")}
        shown["field"] = np.round(65535 * scaled.clip(0, 1)).astype(np.uint16)
        for name in self.layers:
            if not self.controls[f"show_{name}"].value and not (slow and name == "arrows"):
                shown[name] = None
        for name, array in small.items():
            shown[name] = np.asarray(array, dtype=np.float32)
        shown["curves"] = _thinned(self.curves[:, :len(self.moments)])
        rows = [[name, *values] for name, values in self.facts.items() if name != "told"]
        if distance:
            rows.append(["Wasserstein-1 (floor)", "", f"{distance[0]:.3f} ({distance[1]:.3f})"])
        reach = 3.2 if settings.noise == "normal" else 1.1
        length = {"x 1": 1, "x 10": 10, "x 100": 100}[self.controls["arrow_length"].value]
        self.say(sentence, shown, playing=self.playing, tops={"step": len(self.moments) - 1}, cursor=self.shown,
                 off=["go_on"] if self.shown == len(self.moments) - 1 else [], numbers=numbers,
                 texts={"play": "pause" if self.playing else "play",
                        "slow_play": "slow motion: pause" if self.slow else "slow motion: play"},
                 lit=None if lit is None else list(lit), frozen=list(frozen), table=[["", "real", "generated"], *rows],
                 field_is_probability=probability, field_range=[low, high], noise_limits=((-reach, reach), (-reach, reach)),
                 mark=2.1 if self.n_shown <= 1000 else 1.6,
                 arrow_scale=length * (self.limits[0][1] - self.limits[0][0]) / 20)

    def figure(self):
        """The first state as a matplotlib figure, for readers without a kernel."""
        fig, ax = plt.subplots(figsize=(4.8, 4.4), layout="constrained")
        look = self._eyes(self.settings())
        self._put(self.first, self.shadow)
        look.push, look.is_probability = None, _is_probability(self.settings().loss)
        plots.snapshot_view(ax, look(torch.empty(0, 2)), [name for name in LAYERS if self.controls.get(f"show_{name}")
                            and self.controls[f"show_{name}"].value and name in ("real", "generated", "field")])
        plots.finish(ax, title="before the first step; press play in a live notebook")
        return fig


def _pause_before_cells():
    """Has IPython pause every theatre before a cell runs; once for each kernel."""
    shell = get_ipython()
    if shell is not None and _pause_all not in shell.events.callbacks["pre_run_cell"]:
        shell.events.register("pre_run_cell", _pause_all)


def _pause_all(*_):
    for board in list(_theatres):
        board.pause("Paused, because another cell was run: press play to go on. ")


def _is_probability(loss):
    return getattr(loss, "is_probability", False)


def _push(judge, loss, x_fake):
    """Where the generator's loss pushes each point: minus n times its gradient; (n, 2)."""
    x = x_fake.detach().clone().requires_grad_()
    with torch.enable_grad():
        gradient, = torch.autograd.grad(loss.generator(judge(x)), x)
    return -len(x) * gradient


def _verdict(scores_real, scores_fake, is_probability):
    """Facts about what the judge says, as rows of a table: {name: [of real, of generated]}, and "told" in words."""
    if not is_probability:
        means = [float(scores.mean()) for scores in (scores_real, scores_fake)]
        return {"mean score": [f"{mean:.3f}" for mean in means],
                "told": f"mean score {means[0]:.3f} on real, {means[1]:.3f} on generated points"}
    means = [float(scores.sigmoid().mean()) for scores in (scores_real, scores_fake)]
    right = [100 * float((scores_real > 0).float().mean()), 100 * float((scores_fake <= 0).float().mean())]
    return {"D is right": [f"{share:.0f} %" for share in right], "mean of D": [f"{mean:.2f}" for mean in means],
            "told": f"D is right on {right[0]:.0f} % of real and {right[1]:.0f} % of generated points"}


def _halt_words(name, z, x_fake, x_real, scores_real, scores_fake, losses, board):
    """The sentence of a halt of the slow motion."""
    n, (loss_d, loss_g) = len(z), (loss.item() for loss in losses)
    sizes = [sum(p.numel() for p in network.parameters()) for network in (board.generator, board.discriminator)]
    more = board.used.discriminator_steps - 1

    def at(x):
        return "(" + ", ".join(f"{value:.2f}" for value in x.tolist()[:3]) + (", ...)" if len(x) > 3 else ")")

    if name == "1":
        start = "have random weights" if len(board.moments) == 1 else f"have been trained for {len(board.moments) - 1:,} steps"
        return (f"1. Initialise: G ({sizes[0]:,} parameters) and D ({sizes[1]:,}) {start}. "
                f"Draw noise: {n} vectors, the first {at(z[0])}.")
    if name == "2":
        return f"2. Generate: G turns each noise vector into a point; the first becomes {at(x_fake[0])}."
    if name == "3":
        return f"3. {n} real points are drawn, the first {at(x_real[0])}; they and the {n} generated ones go to D."
    if name == "4" and _is_probability(board.used.loss):
        right = int((scores_real > 0).sum()), int((scores_fake <= 0).sum())
        return (f"4. Classify: D says \"real\" to {right[0]} of {n} real points and \"generated\" to {right[1]} of {n} generated "
                f"ones; to the first of them it gives {scores_fake[0].sigmoid():.2f}. A cross marks each point it gets wrong.")
    if name == "4":
        return f"4. Grade: the mean score is {scores_real.mean():.3f} for real and {scores_fake.mean():.3f} for generated points."
    if name == "5":
        return f"5. Losses, of this batch: D's is {loss_d:.3f}, G's is {loss_g:.3f}."
    if name == "6a":
        return (f"6. Back-propagate, first D: the gradient of its loss {loss_d:.3f} flows back into D; G is frozen. Then D takes "
                f"its step{f', and {more} more on fresh batches' if more else ''}.")
    return (f"6. Back-propagate, then G, on {n} fresh noise vectors: the gradient of its loss {loss_g:.3f} flows back through the "
            "frozen D to the generated points (arrows: where it pushes them) and into G. Then G takes its step.")


def _thinned(curves, most=400):
    """At most so many columns of (3, steps) curves, each the mean of some neighbours; (3, k) float32."""
    block = -(-curves.shape[1] // most)
    if block == 1:
        return curves[:, 1:].copy()
    curves = curves[:, 1 + (curves.shape[1] - 1) % block:].reshape(3, -1, block)
    known = np.isfinite(curves)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.where(known, curves, 0).sum(axis=2) / known.sum(axis=2)).astype(np.float32)


def _plane(z):
    """The first two numbers of each noise vector, (n, 2); 0 where there is only one."""
    z = z.detach().cpu().numpy().astype(np.float32)
    return z[:, :2] if z.shape[1] > 1 else np.pad(z, ((0, 0), (0, 1)))


def _label(thing, menu):
    """Its label in a menu, which it joins if it is not there."""
    for label, other in menu.items():
        if other is thing:
            return label
    label = getattr(thing, "name", None) or ("your drawing" if hasattr(thing, "target") else type(thing).__name__)
    menu[label] = thing
    return label


def _target(thing):
    """A Target; of a sketchpad, its drawing as it is now."""
    return thing.target() if hasattr(thing, "target") else thing


def _device(network):
    return next((x.device for x in network.parameters()), torch.device("cpu"))


def _union(limits):
    """The smallest limits that hold all of these."""
    return tuple((min(low for low, _ in side), max(high for _, high in side)) for side in zip(*limits))


def _check(generator, discriminator, losses, targets, chosen, noise_dim, batch_size, lr_generator, lr_discriminator,
           discriminator_steps, seed, n_shown, n_arrows, layers):
    """The target that is chosen; raises unless all this fits together."""
    training._check_counts(noise_dim=(noise_dim, 1), batch_size=(batch_size, 1), discriminator_steps=(discriminator_steps, 1),
                  seed=(seed, 0), n_shown=(n_shown, 2), n_arrows=(n_arrows, 0))
    training._check_rates(lr_generator=lr_generator, lr_discriminator=lr_discriminator)
    for loss in losses.values():
        training._check_loss_object(loss)
    unknown = [name for name in layers if name not in LAYERS]
    if unknown:
        raise ValueError(f"there is no layer {unknown[0]!r}, only {', '.join(LAYERS)}.")
    for label, thing in targets.items():
        target = _target(thing)
        if getattr(target, "dim", 2) != 2:
            raise ValueError(f"theatre shows points in the plane, but those of {label!r} have {target.dim} numbers.")
        rng = torch.Generator(device=_device(generator) if isinstance(generator, torch.nn.Module) else "cpu")
        training._check_generator(generator, target, rng, noise_dim)
        training._check_discriminator(discriminator, target, rng)
    return _target(targets[chosen["data"]])
