"""The theatre: two networks on the stage while they train, step by step, forwards, in slow motion, and back again."""

import copy
import math
import time
import weakref

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython import get_ipython

from helpers import plots, stage, training
from helpers.distances import wasserstein1, wasserstein_floor
from helpers.losses import minimax
from helpers.rehearsal import Rehearsal, Settings
from helpers.sampling import warped_grid_lines
from helpers.stage import FILMED, Board, Control

SLICE = 0.025  # seconds of training, before the picture is drawn and the buttons are heard
GAP = 0.004  # seconds between two slices, for the messages that came
FILM_SLICE = 0.015  # seconds of work on the film, before the buttons are heard
FILM_REST = 0.3  # seconds without input, before the film takes in the whole run
AHEAD, SPREAD = 24, 120  # steps of the film: next to the one that is shown; at most so many, evenly over the run
UNSEEN = 600  # seconds after which it pauses if no page shows it
SLOW_PAUSE = 1.8  # seconds for each halt of the slow motion
COMPARED = 200  # points for Wasserstein-1: few, because the buttons wait for it
GRID = 13, 31  # lines in each direction, points on a line
RATES = (0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
CLIPS, PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0), (0.0, 0.01, 0.1, 1.0, 10.0)
SPEEDS = {"as fast as it can": math.inf, "25 steps a second": 25, "5 steps a second": 5, "1 step a second": 1}
ARROWS = {"x 1": 1, "x 10": 10, "x 100": 100}
LAYERS = ("real", "generated", "field", "grid", "arrows")
# at each halt of slow motion: what is lit in the diagram (boxes, data "a-b", gradients "a>b"), and who is frozen
LIT = {"1": ("noise", "G", "D"), "2": ("noise", "noise-G", "G", "G-generated", "generated"),
       "3": ("generated", "generated-D", "real", "real-D", "D"), "4": ("D",),
       "5": ("D", "D-lossD", "lossD", "D-lossG", "lossG"), "6a": ("lossD", "lossD>D", "D", "G"),
       "6b": ("lossG", "lossG>D", "D", "D>generated", "generated", "generated>G", "G")}
FROZEN = {"6a": ["G"], "6b": ["D"]}
NAMES = {"picture": "Real points (circles), generated points (triangles) and what the discriminator says",
         "diagram": "Diagram: noise goes through G and becomes generated points; these and real points go to D; from "
                    "what D says come the losses of both", "curves": "Loss curves of D and G"}
_theatres = weakref.WeakSet()


def theatre(generator, discriminator, target, loss=minimax, losses=None, targets=None, noise_dim=2, batch_size=128,
            lr_generator=1e-3, lr_discriminator=1e-3, discriminator_steps=1, seed=0, n_shown=1000, n_arrows=100,
            layers=("real", "generated", "field"), clip=None, penalty=0.0):
    """None; displays a GAN that trains while you watch: play, single steps, slow motion, and back to any step.

    The arguments are those of `train_gan`, and so is the training: n steps of play with untouched controls change the
    networks as `train_gan` does with torch.Generator().manual_seed(seed). generator, discriminator: your own
    modules, for points in the plane, trained in place. losses: {label: loss} and targets: {label: Target, or a
    sketchpad} make menus; loss and target are what is chosen at first, and join the menu if they are not in it.
    layers: those that are on at first, of "real", "generated", "field" (what D says, with its contour at 1/2), "grid"
    (the noise grid, mapped; for noise of 1 or 2 dimensions) and "arrows" (where the loss pushes generated points).
    clip, penalty: what restrains a critic; both have a menu where a loss has scores that are no probabilities.

    Training runs between the cells, a fortieth of a second at a time; running another cell pauses it. Every
    step is recorded: the weights of both networks, and every tenth step the optimizers and random numbers too, from
    which "go on from here" computes the steps between anew. All this takes at most 300 MB: then most of the older full
    states go first, next the older weights, of which the picture stays, and at last every second old picture.
    Raises ValueError or TypeError at once if the arguments do not fit together. Used from lesson 7 on.
    """
    board = Theatre(generator, discriminator, target, loss, losses or {}, targets or {}, noise_dim, batch_size,
                    lr_generator, lr_discriminator, discriminator_steps, seed, n_shown, n_arrows, layers, clip, penalty)
    board.present(board.figure())


class Theatre(Board):
    """The board of `theatre`. work: the Rehearsal. shown: the step that is seen. playing, slow: what runs by itself."""

    def __init__(self, generator, discriminator, target, loss, losses, targets, noise_dim, batch_size, lr_generator,
                 lr_discriminator, discriminator_steps, seed, n_shown, n_arrows, layers, clip=None, penalty=0.0):
        self.losses, self.targets = dict(losses), dict(targets)
        self.chosen = {"loss": _label(loss, self.losses), "data": _label(target, self.targets)}
        _check(generator, discriminator, self.losses, self.targets, noise_dim, layers, {"seed": (seed, 0),
               "batch_size": (batch_size, 1), "n_shown": (n_shown, 2), "n_arrows": (n_arrows, 0),
               "discriminator_steps": (discriminator_steps, 1), "noise_dim": (noise_dim, 1)},
               lr_generator=lr_generator, lr_discriminator=lr_discriminator)
        training._check_restraint(clip, penalty, "between")
        self.clips = {f"{bound:g}" if bound else "off": bound for bound in (None, *sorted({*CLIPS, clip or CLIPS[0]}))}
        self.penalties = {f"{weight:g}" if weight else "off": weight for weight in sorted({*PENALTIES, penalty})}
        self.restraint = {"clip": clip, "penalty": penalty}
        self.target, self.n_shown, self.n_arrows = _target(target), n_shown, n_arrows
        self.limits = _union([_target(one).limits for one in self.targets.values()])  # fixed, so that nothing jumps
        self.layers = [name for name in LAYERS if name != "grid" or noise_dim <= 2]
        self.rates = {f"{rate:g}" if rate else "0 (frozen)": rate
                      for rate in sorted({*RATES, lr_generator, lr_discriminator})}
        super().__init__(self._rows(lr_generator, lr_discriminator, discriminator_steps, seed, layers),
                         {"picture": (440, 430), "diagram": (470, 216), "curves": (470, 150)}, film="step")
        rng = torch.Generator(device=_device(generator)).manual_seed(seed)
        self.work = Rehearsal(generator, discriminator, rng, noise_dim, batch_size,
                              lambda weights, settings: self._view(weights, settings, self.layers))
        self.shadow = copy.deepcopy((generator, discriminator))  # to show older states without touching the networks
        for network in self.shadow:
            network.eval().requires_grad_(False)
        self.playing, self.slow, self.ticket, self.due, self.seen = False, False, 0, 0.0, 0.0
        self.way, self.rolling, self.looked, self.box.on_painted = 1, False, 0.0, self._roll
        self.box.show(limits=self.limits, names=NAMES)
        _theatres.add(self)
        shell = get_ipython()
        if shell is not None and _pause_all not in shell.events.callbacks["pre_run_cell"]:
            shell.events.register("pre_run_cell", _pause_all)
        self.eyes, self.floors, self.shown = {}, {}, 0
        self.work.begin(self.settings())
        self._look("Ready: press play, or train one network once. ")

    def _rows(self, lr_generator, lr_discriminator, discriminator_steps, seed, layers):
        """The controls, row by row."""
        rates, steps = tuple(self.rates), sorted({1, 2, 3, 5, 10, discriminator_steps})
        name = {rate: text for text, rate in self.rates.items()}
        menus = [Control("lr_discriminator", "choice", "learning rate of D", name[lr_discriminator], rates),
                 Control("lr_generator", "choice", "learning rate of G", name[lr_generator], rates),
                 Control("discriminator_steps", "choice", "D steps per G step", str(discriminator_steps),
                         tuple(map(str, steps))),
                 *self._restraints(),
                 Control("noise", "choice", "noise", "uniform", ("uniform", "normal")),
                 Control("loss", "choice", "loss", self.chosen["loss"], tuple(self.losses)),
                 Control("data", "choice", "data", self.chosen["data"], tuple(self.targets))]
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
             Control("arrow_length", "choice", "length of arrows", "x 1", tuple(ARROWS))]]

    def _restraints(self):
        """Two menus, where a critic may be on the stage."""
        if all(map(_is_probability, self.losses.values())) and not any(self.restraint.values()):
            return []
        clip, penalty = (next(text for text, value in menu.items() if value == self.restraint[name])
                         for name, menu in (("clip", self.clips), ("penalty", self.penalties)))
        return [Control("clip", "choice", "clip weights at", clip, tuple(self.clips)),
                Control("penalty", "choice", "gradient penalty", penalty, tuple(self.penalties))]

    def settings(self):
        """What the controls say now."""
        value = {name: control.value for name, control in self.controls.items()}
        return Settings(self.losses[self.chosen["loss"]], self.target, value["noise"],
                        self.rates[value["lr_generator"]], self.rates[value["lr_discriminator"]],
                        int(value["discriminator_steps"]), self.clips[value.get("clip", "off")],
                        self.penalties[value.get("penalty", "off")])

    # ---- what the reader does ------------------------------------------------------------------------------------

    def set(self, **values):
        """As for every board; what plays then goes on for some slices before this returns."""
        super().set(**values)
        for _ in range(3):
            if self.error is None and (self.playing or self.slow):
                self.due = 0.0
                self._guarded(self._work)

    def moved(self, name):
        """What a control does."""
        if name in ("play", "slow_play"):
            self._toggle(name)
        elif name == "slow":
            self.playing = self.slow = False
            self._next_halt()
        elif name in ("discriminator", "generator", "both"):
            self._stop()
            said, halt = self._train(name), {"discriminator": "6a", "generator": "6b"}.get(name)
            self._look(said, LIT.get(halt), FROZEN.get(halt, ()))
        elif name == "step":
            wanted = self.controls["step"].value
            self._stop()
            self.way, self.shown = 1 if wanted >= self.shown else -1, wanted
            self._look()
        elif name == "go_on":
            self._go_on()
        elif name == "reset":
            self._reset()
        elif name == "measure":
            self._stop()
            self._look(measure=True)
        else:
            self._finish_step()
            self.box.cut_film()
            if name in self.chosen:
                self._choose(name)
            trains = name in ("lr_discriminator", "lr_generator", "discriminator_steps", "clip", "penalty", "noise",
                              "loss", "data")
            control = self.controls[name]
            self._look(f"From the next step on, {control.label}: {control.value}. " if trains else "")

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

    def _reset(self):
        seed, self.playing, self.slow = self.controls["seed"].value, False, False
        self.box.cut_film()
        self._choose("data")  # a sketchpad may show another drawing now
        kept = self.work.restart(seed, self.settings())
        self.eyes, self.floors, self.shown = {}, {}, 0
        weights = "the first weights" if seed == self.work.seed else "new random weights"
        if kept:
            weights += f" (but {', '.join(sorted(kept))} as at first: their modules have no reset_parameters)"
        self._look(f"Reset to seed {seed}, with {weights}. ")

    def _go_on(self):
        self._stop()
        self.box.cut_film()
        wanted, self.shown = self.shown, self.work.cut(self.shown)
        said = f"Both networks are again as after step {self.shown:,}; play goes on from here. "
        if self.shown != wanted:
            said += f"(For step {wanted:,} the full state is no longer kept.) "
        self._look(said)

    def _toggle(self, name):
        if self.slow if name == "slow_play" else self.playing:
            self.pause()
            return
        if name == "play":
            self._finish_step()
            self._look()
        self.playing, self.slow = name == "play", name == "slow_play"
        self.ticket, self.due, self.seen = self.ticket + 1, 0.0, time.monotonic()
        if self.loop is not None:
            self.loop.call_soon(self._slice, self.ticket)

    def pause(self, said="Paused. "):
        """None; nothing happens if it does not play."""
        with self.lock:
            if self.playing or self.slow:
                self.playing = self.slow = False
                if self.work.halt:
                    self._look_slow(said)
                    return
                self._look(said)
                if self.loop is not None:  # the answer comes first, the distance takes a moment
                    self.ticket += 1
                    self.loop.call_later(0.2, self._measure, self.ticket, said)

    def _measure(self, ticket, said):
        """Adds Wasserstein-1 to a picture that has stood still since."""
        with self.lock:
            if ticket == self.ticket and not (self.playing or self.slow or self.work.halt) and said in self.sentence:
                self._look(said, measure=True)

    def _stop(self):
        self.playing = False
        self._finish_step()

    def _finish_step(self):
        """Ends the slow motion: the step that is under way is done at once."""
        self.slow = False
        if self.work.halt:
            self._train()

    def _slice(self, ticket):
        """A fortieth of a second of what plays, in the kernel's event loop, and the appointment for the next one."""
        with self.lock:
            if ticket == self.ticket and (self.playing or self.slow):
                self._guarded(self._work)
                if self.playing or self.slow:
                    self.loop.call_later(max(GAP, self.due - time.perf_counter()), self._slice, ticket)

    def _work(self):
        """One slice: a halt of the slow motion, recorded steps as a film, or as many new steps as there is time for."""
        began, rate, said = time.perf_counter(), SPEEDS[self.controls["speed"].value], ""
        if began < self.due:
            return
        if self.slow:
            self.due = began + SLOW_PAUSE
            self._next_halt()
            return
        self.due = began + 1 / rate
        if self.shown < self.work.step:
            self.shown = min(self.work.step, self.shown + (5 if rate == math.inf else 1))
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
        if self.work.halt:
            self._look_slow(said)
        else:  # the step is done, or has gone wrong
            self._look(said or f"Step {self.work.step:,} is done: both networks have moved. ", lit=())

    def _train(self, kind="both", halts=False):
        """Trains for a step, or to its next halt; a sentence if there is something to say. What goes wrong stops it."""
        said = ""
        try:
            if not self.work.halt:
                said = self._claim()
            self.work.advance(self.settings(), kind, halts)
        except FloatingPointError as error:
            self.playing = self.slow = False
            said = (f"The training has diverged and stands still: in step {self.work.step + 1:,} {error} That step is "
                    "undone. Press reset, or go on from an earlier step with a smaller learning rate. ")
        except Exception:
            self.playing = self.slow = False
            raise
        finally:
            self.shown = self.work.step
        return said

    def _claim(self):
        """Before a step, the networks must be as this theatre left them; a sentence if they were not."""
        mine = {self.work.generator, self.work.discriminator}
        for other in list(_theatres):
            if other is not self and mine & {other.work.generator, other.work.discriminator}:
                other.pause("Paused, because another theatre trains the same networks. ")
        if not self.work.changed_outside():
            return ""
        self.work.go_to(self.work.step)
        return "The networks had been changed outside; they are again as they were here. "

    # ---- what is seen --------------------------------------------------------------------------------------------

    def _eyes(self, settings):
        """What looks at the networks under these settings, always at the same noise and the same real points."""
        key = id(settings.target), settings.noise
        if key not in self.eyes:
            rng = self.work.rng
            look = training._Look(self.shadow[0], settings.target, rng, self.work.noise_dim, self.n_shown, None,
                                  self.shadow[1])
            if settings.noise == "normal":
                own = torch.Generator(device=rng.device).manual_seed(rng.initial_seed() + 1)
                look.z = torch.randn(look.z.shape, generator=own, device=own.device)
            look.limits, look.flat, look.real = self.limits, False, look.x_real.cpu().numpy()
            self.eyes[key] = look, settings  # the settings, so that no other target gets this one's id
        look, _ = self.eyes[key]
        look.is_probability = _is_probability(settings.loss)
        return look

    def _view(self, weights, settings, layers):
        """Arrays to draw, and facts to tell, of the networks with these weights."""
        generator, judge = self.shadow
        self.work.put(weights, self.shadow)
        look = self._eyes(settings)
        look.push = None
        if "arrows" in layers:
            look.push = lambda x, _: training.gan_push(judge, settings.loss, x)[:self.n_arrows]
        seen = look(torch.empty(0, 2))
        with torch.no_grad():
            scores = [judge(x) for x in (look.x_real, seen.x_fake.to(look.z.device))]
        arrays, facts = {"real": look.real, "generated": seen.x_fake.numpy(), "field": seen.field}, {}
        if "grid" in layers:
            arrays["grid"] = self._grid(generator, 2.0 if settings.noise == "normal" else 1.0)
        if seen.push is not None:
            arrays["arrows"] = torch.cat([seen.x_fake[:len(seen.push)], seen.push], dim=1).numpy()
            facts["mean arrow"] = ["", f"{float(seen.push.norm(dim=1).mean()):.3g}"]
        return arrays, _verdict(*scores, look.is_probability) | facts

    def _grid(self, generator, reach):
        if self.work.noise_dim == 2:
            return warped_grid_lines(generator, -reach, reach, *GRID, self.work.rng.device)
        z = torch.linspace(-reach, reach, 201, device=self.work.rng.device)[:, None]
        with torch.no_grad():
            return generator(z).cpu().numpy()[None, None]

    def _on(self):
        return [name for name in self.layers if self.controls[f"show_{name}"].value]

    def _look(self, said="", lit=None, frozen=(), measure=False):
        """None; shows the step that is to be shown, and says it in words."""
        moment = self.work.moments[self.shown]
        settings = self.settings() if self.shown == self.work.step else moment.settings
        arrays, facts, found = self._seen(self.shown, settings)
        if measure and np.isfinite(arrays["generated"]).all():
            moment.distance = self._distance(arrays["generated"], settings.target)
        losses = [f"{loss:.3f}" if math.isfinite(loss) else "" for loss in moment.losses]
        told = ", ".join(f"loss of {who} {loss}" for who, loss in zip("DG", losses) if loss) or "not trained yet"
        sentence = f"{said}Step {self.shown:,} of {self.work.step:,}: {told}; {facts['told']}."
        if moment.distance:
            facts = facts | {"Wasserstein-1 (floor)": ["", "{:.3f} ({:.3f})".format(*moment.distance)]}
        if found != self.shown:
            sentence += f" (The picture is that of step {found:,}.)"
        if not np.isfinite(arrays["generated"]).all():
            sentence += " Some generated points are no longer finite numbers."
        numbers = dict(zip(("lossD", "lossG"), losses))
        self._draw(sentence, {name: arrays.get(name) for name in self._on()}, settings, facts, numbers, lit, frozen,
                   arrays | {"noise": _plane(self._eyes(settings).z)}, recorded=_same_look(settings, moment.settings))

    def _seen(self, step, settings):
        """Arrays and facts of a recorded step, and which step they are of: an earlier one where it was thinned out."""
        while not (self.work.moments[step].weights or self.work.moments[step].picture):
            step -= 1
        kept = self.work.moments[step]
        return *(self._view(kept.weights, settings, self._on()) if kept.weights else kept.picture), step

    # ---- the film: steps that the page receives before the scrubber asks for them ---------------------------------

    def _roll(self, seconds=GAP):
        """Makes an appointment for the film, unless there is one."""
        if self.loop is not None and not self.rolling:
            self.rolling = True
            self.loop.call_soon_threadsafe(self.loop.call_later, seconds, self._film)

    def _film(self):
        """Sends some steps ahead, if nothing else is to be done; the page's answer leads to the next ones."""
        with self.lock:
            self.rolling = False
            if self.playing or self.slow or self.work.halt or not self.box.idle:
                return
            near, spread = self._coming()
            rest = self.looked + FILM_REST - time.perf_counter()
            if not near and spread and rest > 0:
                self._roll(rest)
                return
            began, frames = time.perf_counter(), []
            for step in near or spread:
                settings = self.work.moments[step].settings
                arrays = self._seen(step, settings)[0]
                frames.append((step, *self._drawable({name: arrays.get(name) for name in self._on()}, settings)))
                if time.perf_counter() - began > FILM_SLICE:
                    break
            if frames:
                self.box.send_film([(step, {name: array for name, array in drawn.items() if array is not None}, scale)
                                    for step, drawn, scale in frames])

    def _coming(self):
        """Steps that the page lacks: near the one that is shown, first where the reader goes, and of the whole run."""
        last, stride = self.work.step, 1
        room = int(stage.FILM / 2 / max(self.box.filmed.values(), default=1))  # frames; else old ones would go and come
        if room < 4:
            return [], []
        while last / stride >= min(SPREAD, room):
            stride *= 2  # a power of 2: when the run has grown, what was sent still fits
        if not _same_look(self.settings(), self.work.moments[last].settings):
            last -= 1  # the last step is shown as the controls are now
        way = {0: 1, self.work.step: -1}.get(self.shown, self.way)
        near = [self.shown + way * k for k in (1, -1, *range(2, min(AHEAD, room)))]
        return [[step for step in steps if 0 <= step <= last and step not in self.box.filmed]
                for steps in (near, range(0, last + 1, stride))]

    def _distance(self, generated, target):
        """Wasserstein-1 to fresh real points, and what two samples of the target have between them."""
        own = torch.Generator(device=self.work.rng.device).manual_seed(self.work.seed + 2)
        generated = torch.as_tensor(np.asarray(generated, dtype=np.float32))[:COMPARED]
        if target not in self.floors:
            self.floors[target] = wasserstein_floor(target, len(generated), own, repeats=2)
        return wasserstein1(generated, target.sample(len(generated), own).cpu()), self.floors[target]

    def _look_slow(self, said=""):
        """None; shows a halt of the slow motion, with the numbers of the batch that is under way."""
        name, x_real, z = self.work.halt
        settings, (generator, judge) = self.work.settings, self.shadow
        arrays, facts = self._view(self.work.tensors(), settings, [layer for layer in self._on() if layer != "arrows"])
        if x_real is not None:
            self.batch = x_real  # the last halt has no real points of its own: these stay
        with torch.no_grad():
            x_fake = generator(z)
            scores_real, scores_fake = judge(self.batch), judge(x_fake)
            losses = [settings.loss.judge(scores_real, scores_fake), settings.loss.generator(scores_fake)]
        there = {"real": self.batch if name > "2" else None, "generated": x_fake if name > "1" else None}
        arrays |= {part: np.zeros((0, 2)) if x is None else x.cpu().numpy() for part, x in there.items()}
        shown = {layer: arrays.get(layer) for layer in self._on()}
        if name == "4" and _is_probability(settings.loss):
            shown["crosses"] = torch.cat([self.batch[scores_real <= 0], x_fake[scores_fake > 0]]).cpu().numpy()
        if name == "6b":
            shown["arrows"] = torch.cat([x_fake, training.gan_push(judge, settings.loss, x_fake)], dim=1).cpu().numpy()
        numbers = {who: f"{loss.item():.3f}" for who, loss in zip(("lossD", "lossG"), losses) if name > "4"}
        words = _halt_words(name, z, x_fake, self.batch, scores_real, scores_fake, losses, self.work)
        self._draw(said + words, shown, settings, facts, numbers, LIT[name], FROZEN.get(name, ()),
                   arrays | {"noise": _plane(z)})

    def _drawable(self, shown, settings):
        """The arrays of the picture as they travel, and what is to be known about their scale."""
        probability, low, high = _is_probability(settings.loss), 0.0, 1.0
        drawn = {name: None if shown.get(name) is None else np.asarray(shown[name], dtype=np.float32)
                 for name in FILMED}
        if drawn["field"] is not None:
            if not probability and np.isfinite(drawn["field"]).all():
                low, high = float(drawn["field"].min()), float(drawn["field"].max())
            share = np.nan_to_num((drawn["field"] - low) / max(high - low, 1e-9), nan=0.5)
            drawn["field"] = np.round(65535 * share.clip(0, 1)).astype(np.uint16)
        return drawn, {"field_is_probability": probability, "field_range": [low, high]}

    def _draw(self, sentence, shown, settings, facts, numbers, lit, frozen, small, recorded=False):
        """None; sends what is to be seen to the page. shown: arrays for the picture; small: for the diagram's boxes.

        recorded: whether the scrubber will show this again, so that the page may keep it in its film.
        """
        drawn, scale = self._drawable(shown, settings)
        film = {name: array for name, array in drawn.items() if array is not None}
        drawn["crosses"] = np.asarray(shown["crosses"], dtype=np.float32) if "crosses" in shown else None
        drawn |= {f"small_{name}": np.asarray(small[name][:150], dtype=np.float32)
                  for name in ("noise", "real", "generated")}
        drawn["curves"] = _thinned(self.work.losses)
        place, reach = self.controls["step"], 3.2 if settings.noise == "normal" else 1.1
        place.value, place.high = self.shown, self.work.step
        length = ARROWS[self.controls["arrow_length"].value] * (self.limits[0][1] - self.limits[0][0]) / 15
        self.say(sentence, drawn, playing=self.playing, tops={"step": self.work.step}, cursor=self.shown,
                 off=["go_on"] if self.shown == self.work.step else [], numbers=numbers, lit=lit and list(lit),
                 texts={"play": "pause" if self.playing else "play",
                        "slow_play": f"slow motion: {'pause' if self.slow else 'play'}"},
                 frozen=list(frozen), mark=2.2 if self.n_shown <= 1000 else 1.7, arrow_scale=length,
                 table=[["", "real", "generated"], *([name, *row] for name, row in facts.items() if name != "told")],
                 noise_limits=[[-reach, reach], [-reach, reach]], recorded=recorded, **scale)
        self.looked = time.perf_counter()
        if recorded and self.box.awake and not self.box.changed:  # it has been sent
            self.box.filming(self.shown, film)
        self._roll()

    def figure(self):
        """The first state as a matplotlib figure, for readers without a kernel."""
        fig, ax = plt.subplots(figsize=(4.8, 4.4), layout="constrained")
        self.work.put(self.work.moments[0].weights, self.shadow)
        look = self._eyes(self.settings())
        look.push = None
        plots.snapshot_view(ax, look(torch.empty(0, 2)), [name for name in self._on() if name in LAYERS[:3]])
        plots.finish(ax, title="before the first step")
        return fig


def _pause_all(*_):
    for board in list(_theatres):
        board.pause("Paused, because another cell was run: press play to go on. ")


def _same_look(a, b):
    """Whether the same weights give the same picture under both settings."""
    return (a.loss, a.target, a.noise) == (b.loss, b.target, b.noise)


def _is_probability(loss):
    return getattr(loss, "is_probability", False)


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


def _halt_words(name, z, x_fake, x_real, scores_real, scores_fake, losses, work):
    """The sentence of a halt of the slow motion."""
    n, (loss_d, loss_g), more = len(z), [loss.item() for loss in losses], work.settings.discriminator_steps - 1
    if name == "1":
        of_g, of_d = (sum(p.numel() for p in network.parameters()) for network in (work.generator, work.discriminator))
        start = f"have been trained for {work.step:,} steps" if work.step else "have random weights"
        return (f"1. Initialise: G ({of_g:,} parameters) and D ({of_d:,}) {start}. "
                f"Draw noise: {n} vectors, the first {_at(z[0])}.")
    if name == "2":
        return f"2. Generate: G turns each noise vector into a point; the first becomes {_at(x_fake[0])}."
    if name == "3":
        return f"3. {n} real points are drawn, the first {_at(x_real[0])}; they and the {n} generated ones go to D."
    if name == "4" and _is_probability(work.settings.loss):
        right = int((scores_real > 0).sum()), int((scores_fake <= 0).sum())
        return (f"4. Classify: D takes {right[0]} of {n} real points for real and {right[1]} of {n} generated ones for "
                f"generated; to the first of these it gives {scores_fake[0].sigmoid():.2f}. Crosses mark its mistakes.")
    if name == "4":
        return (f"4. Grade: the mean score is {scores_real.mean():.3f} for real and {scores_fake.mean():.3f} for "
                "generated points.")
    if name == "5":
        return f"5. Losses, of this batch: D's is {loss_d:.3f}, G's is {loss_g:.3f}."
    if name == "6a":
        return (f"6. Back-propagate, D first: the gradient of its loss {loss_d:.3f} flows into D; G is frozen. "
                f"Then D takes its step{_restrained(work.settings)}"
                + (f", and {more} more on fresh batches." if more else "."))
    return (f"6. Back-propagate, then G, on {n} fresh noise vectors: the gradient of its loss {loss_g:.3f} flows "
            "through the frozen D to the generated points (arrows: its push on them) into G. Then G takes its step.")


def _restrained(settings):
    said = f", down the gradient penalty too (weight {settings.penalty:g})" if settings.penalty else ""
    return said + (f", and its weights are clipped to [{-settings.clip:g}, {settings.clip:g}]" if settings.clip else "")


def _at(x):
    return "(" + ", ".join(f"{value:.2f}" for value in x.tolist()[:3]) + (", ...)" if len(x) > 3 else ")")


def _thinned(losses, most=400):
    """(3, steps) losses in at most so many columns, each the mean of some neighbours; (3, k) float32."""
    block = -(-losses.shape[1] // most)
    if block == 1:
        return losses[:, 1:].copy()
    losses = losses[:, 1 + (losses.shape[1] - 1) % block:].reshape(3, -1, block)
    known = np.isfinite(losses)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.where(known, losses, 0).sum(axis=2) / known.sum(axis=2)).astype(np.float32)


def _plane(z):
    """The first two numbers of each noise vector, (n, 2); 0 where there is only one."""
    z = z.detach().cpu().numpy()
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


def _check(generator, discriminator, losses, targets, noise_dim, layers, counts, **rates):
    """Raises unless all this fits together."""
    training._check_counts(**counts)
    training._check_rates(**rates)
    for loss in losses.values():
        training._check_loss_object(loss)
    unknown = [name for name in layers if name not in LAYERS]
    if unknown:
        raise ValueError(f"there is no layer {unknown[0]!r}, only {', '.join(LAYERS)}.")
    rng = torch.Generator(device=_device(generator) if isinstance(generator, torch.nn.Module) else "cpu")
    for label, target in ((label, _target(thing)) for label, thing in targets.items()):
        if getattr(target, "dim", 2) != 2:
            raise ValueError(f"theatre shows points in the plane, but those of {label!r} have {target.dim} numbers.")
        training._check_generator(generator, target, rng, noise_dim)
        training._check_discriminator(discriminator, target, rng)
