# %% [markdown]
# # 7. A second network as the distance
#
# **Can a second network be the distance?**
#
# Lesson 5 trained a generator by a fixed formula, the MMD. The generator heard nothing of it but one arrow for each point, and a fixed kernel asks fixed questions. Here a *second network* takes the formula's place. It looks at one point at a time and says how likely it is that the point
# is real; it learns from its mistakes, while the generator learns to cause them. That is a **generative adversarial network**, GAN (Goodfellow et al. 2014).
#
# *You need*: lessons 4 (JS divergence, Wasserstein-1 and its floor), 5 (training loop, arrows) and 6 (min-max value, steps in turn). *Time*: about two and a half hours, best in two sittings with a break before Part D.
#
# *Open in Colab: this copy has no address yet; `make address REPOSITORY=owner/name` sets it.*

# %%
# Find the package `helpers`; where it is missing (in Colab, for instance), fetch it. Nothing is installed.
import os
import sys
from pathlib import Path

address, tag, folder = "", "v0.1.0", Path("generative-networks").absolute()
root = next((p for p in [folder, *folder.parents] if (p / "helpers/__init__.py").exists()), folder)
if not (root / "helpers").exists():
    if not address:
        raise SystemExit("This copy has no address yet: open this notebook inside a clone of the repository.")
    if os.system(f"git clone -q --depth 1 --branch {tag} https://github.com/{address} {folder.name}"):
        raise SystemExit(f"Fetching {address} failed: check the internet connection and run this cell again.")
sys.path.insert(0, str(root))

from helpers.guide import guide

guide()  # whoever begins in the middle is told which cells to run first

# %%
import contextlib
import copy
import math
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from helpers import distances, distributions, networks
from helpers.checks import compare
from helpers.networks import mlp
from helpers.plots import PALETTE, TEXT, film_strip, finish, judge_field, scatter_samples, snapshot_view
from helpers.sampling import uniform_noise
from helpers.scores import perfect_score, score_modes
from helpers.stage import sketchpad
from helpers.theatre import theatre
from helpers.training import train_gan, train_gmn
from helpers.widgets import button, player, sliders

torch.set_num_threads(1)  # on networks as small as these, several threads only wait for each other
SEED = 7
rng = torch.Generator().manual_seed(SEED)

# %% [markdown]
# Six moments of such a training. The background is the second network's opinion about every place.

# %% tags=["nbval-ignore-output"] teaches=["D1", "D21"]
RATES = dict(lr_generator=2e-3, lr_discriminator=2e-3)
moons = distributions.two_moons()
moon_generator = networks.mlp((2, 64, 64, 2), rng)
moon_discriminator = networks.judge((2, 64, 64, 1), rng)
moon_film = list(train_gan(moon_generator, moon_discriminator, moons, rng, n_steps=1000, batch_size=128, every=20,
                           n_arrows=40, **RATES))

fig, axes = plt.subplots(1, 6, figsize=(10.2, 2.2), layout="constrained")
film_strip(axes, moon_film, layers=("field", "real", "generated"))
plt.show()

# %% [markdown]
# **Figure 7.1.** Real points (blue) and generated ones (orange) at six moments. Blue ground: the second network says "real"; orange ground: "generated"; white, with a dashed line: undecided. The generated points run towards blue ground, the ground changes its colour under them, and it goes on.
#
# ## Words
#
# | idea | symbol | in code | shape |
# |---|---|---|---|
# | generator, noise, generated point | $G$, $z$, $G(z)$ | `generator`, `z`, `x_fake` | as in lesson 5 |
# | **discriminator**, also *judge*: a network that looks at one point and says how likely it is real | $D(x)$, between 0 and 1 | `discriminator`; the function `judge(...)` builds one | a module, points to `(batch,)` |
# | **sigmoid**: squeezes any number into $(0, 1)$; $0$ becomes $\tfrac12$ | $\sigma(a) = 1/(1+e^{-a})$ | `torch.sigmoid` | |
# | **logit** or score: what the network computes before the sigmoid | $a$, with $D = \sigma(a)$ | `logits_real`, `logits_fake` | `(batch,)` |
# | **verdict**: "real" where $D > \tfrac12$; **accuracy**: the share of right verdicts | | | |
# | **value** of the game: $D$ wants it high, $G$ wants it low | $V(D, G)$ | | one number |
# | **minimax loss**: what each player makes small | | `minimax`; its parts `.judge(...)` for $D$, `.generator(...)` for $G$ | one number each |
# | **cross-entropy**: the average of minus the logarithm of the probability given to the truth | | | one number |
# | **frozen**: the network is used, but does not learn | | `frozen(...)` | |
#
# ---
# # Part A: you are the discriminator
#
# Before a network takes that seat, take it yourself. A coin decides whether you see a real number or a generated one. Real numbers come from two heaps around $-1.5$ and $1.5$, each with a standard deviation of $0.5$; generated ones from one wider heap around 0, with a standard deviation of 1. You see the number, not the coin.
#
# ## Predict
#
# Which rule is right most often in the long run?
#
# **(a)** say "real" if $x > 0$ &nbsp; **(b)** say "real" if $x$ is far from 0, say beyond $\pm 0.75$ &nbsp; **(c)** say "real" wherever the real density is the higher of the two &nbsp; **(d)** none: each number could have come from either, so nothing beats guessing
#
# ## Try it: real or generated?
#
# Forty rounds have been played by somebody who tossed another coin for every answer. Play on with the two buttons. When you have had enough, tick the box and see the densities.

# %% tags=["nbval-ignore-output"] teaches=["D1", "D21", "D22"]
two_heaps = distributions.mixture_1d((-1.5, 1.5), (0.5, 0.5), (0.5, 0.5))
one_heap = distributions.mixture_1d((0.0,), (1.0,), (1.0,))
line = torch.linspace(-4, 4, 401)
p, q = (heap.log_density(line[:, None]).exp() for heap in (two_heaps, one_heap))

N_ROUNDS = 600
coin = torch.Generator().manual_seed(SEED)
is_real = torch.rand(N_ROUNDS, generator=coin) < 0.5
x_rounds = torch.where(is_real, two_heaps.sample(N_ROUNDS, coin)[:, 0], one_heap.sample(N_ROUNDS, coin)[:, 0])
best_says_real = two_heaps.log_density(x_rounds[:, None]) > one_heap.log_density(x_rounds[:, None])
answers = (torch.rand(40, generator=coin) < 0.5).tolist()  # True: "real"; forty rounds played by a second coin
pressed = {"real": 0, "generated": 0}
heights = torch.rand(N_ROUNDS, generator=coin) * 0.6 - 0.3  # so that points do not lie on each other

fig, (top, bottom) = plt.subplots(2, 1, figsize=(7.4, 4.6), layout="constrained", sharex=True, height_ratios=(1, 1.6))
densities = [top.plot(line, p, color=PALETTE["real"], lw=2)[0],
             top.plot(line, q, "--", color=PALETTE["generated"], lw=2)[0],
             top.text(-1.5, 0.43, "real", color=PALETTE["real"], ha="center"),
             top.text(0, 0.43, "generated", color=TEXT["generated"], ha="center")]
here, = top.plot([0, 0], [0, 0.5], color=PALETTE["ink"], lw=1.5)
question = top.text(0, 0.5, "?", fontsize=18, ha="center", va="bottom", color=PALETTE["ink"])
finish(top, limits=((-4, 4), (0, 0.72)), title="this number: real or generated?")
top.set_yticks([])
marks = {}
for kind, marker in (("real", "o"), ("generated", "^")):
    marks[kind], = bottom.plot([], [], marker, color=PALETTE[kind], ms=7, alpha=0.8, label=f"was {kind}")
bottom.axhline(0.5, color=PALETTE["muted"], lw=1)
bottom.set_yticks([0, 1], ['said\n"generated"', 'said\n"real"'])
bottom.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 1.24), ncols=2)
finish(bottom, limits=((-4, 4), (-0.5, 1.5)), xlabel="x")


def draw(real, generated, reveal):
    for word, count in (("real", real), ("generated", generated)):
        answers.extend([word == "real"] * max(0, count - pressed[word]))
        pressed[word] = count
    del answers[N_ROUNDS - 1:]
    n = len(answers)
    said = torch.tensor(answers)
    for kind, mine in (("real", is_real[:n]), ("generated", ~is_real[:n])):
        marks[kind].set_data(x_rounds[:n][mine], said[mine] + heights[:n][mine])
    here.set_xdata([x_rounds[n]] * 2)
    question.set_x(x_rounds[n])
    for artist in densities:
        artist.set_visible(reveal)
    right, best = (said == is_real[:n]).sum(), (best_says_real[:n] == is_real[:n]).sum()
    last = "right" if said[-1] == is_real[n - 1] else "wrong"
    was = "real" if is_real[n - 1] else "generated"
    return (f"Round {n}: {x_rounds[n - 1]:.2f} was {was}, so the answer was {last}. Right so far: {right} of {n}; "
            f"the best rule: {best} of {n}. Round {n + 1}: {x_rounds[n]:.2f}. Real or generated?")


sliders(draw, fig, labels={"reveal": "show the densities"}, real=button("It is real"),
        generated=button("It is generated"), reveal=False)

# %% [markdown]
# **Figure 7.2.** Above, the number of this round, with its question mark. Below, all rounds so far: the row is what was said, the marker what was true (circles real, triangles generated). Triangles in the upper row and circles in the lower one are mistakes. (The height within a row means nothing; it only keeps the markers apart.)
#
# ## What you saw
#
# **(c)**, and nobody can do better. At one place $x$ you can only say one thing; say the likelier one. Rule (a) knows nothing, because both distributions look the same from either side. Rule (b) has the right idea and the wrong border: the densities cross near $\pm1$ (and again near $\pm3$: farther out, the wider generated heap is the denser one). And (d) is wrong: not knowing for sure is no reason to guess.

# %% tags=["nbval-ignore-output"] teaches=["D1", "D22"]
best_score = torch.maximum(p, q).sum().item() / (p + q).sum().item()  # the likelier one, everywhere
truth = torch.rand(100_000, generator=rng) < 0.5
x_many = torch.where(truth, two_heaps.sample(100_000, rng)[:, 0], one_heap.sample(100_000, rng)[:, 0])
denser = two_heaps.log_density(x_many[:, None]) > one_heap.log_density(x_many[:, None])
rules = {"(a) x > 0": x_many > 0, "(b) beyond 0.75": x_many.abs() > 0.75, "(c) the denser one": denser,
         "(d) guessing": torch.rand(100_000, generator=rng) < 0.5}
accuracy = {name: (said == truth).float().mean().item() for name, said in rules.items()}
for name, share in accuracy.items():
    print(f"{name:20}{100 * share:5.1f} % right")
print(f"the best possible, computed from the densities: {100 * best_score:.1f} %")
assert abs(accuracy["(c) the denser one"] - best_score) < 0.01
assert all(abs(accuracy[name] - 0.5) < 0.01 for name in ("(a) x > 0", "(d) guessing"))
assert 0.6 < accuracy["(b) beyond 0.75"] < best_score - 0.003

# %% [markdown]
# The discriminator's task is this game, no more: one point, one answer, and afterwards the truth. The generator's task is to make the game hard. If the best possible player gets 50 %, the two distributions are equal: so the accuracy of a good judge *is* a kind of distance.
#
# This is the **indirect** way. Lesson 5's generator lowered a distance that a formula computes. Here nobody has a formula; a network has to find the differences, and the generator is told only through it. Two networks, opposed aims.
#
# ---
# # Part B: a GAN of three numbers
#
# Three numbers make a complete GAN. Real: $x \sim N(0, 1)$, the normal distribution. Generator: $G(z) = z + \theta$ with normal noise $z$; one parameter, and $\theta = 0$ would be perfect. Discriminator: $D(x) = \sigma(a x + b)$, two parameters (in this Part $a$ is a slope, and the logit is $ax + b$); at $a = b = 0$ it says $\tfrac12$ everywhere.
#
# What both fight about is the value
#
# $$V \;=\; \operatorname{mean}\,\log D(x) \;+\; \operatorname{mean}\,\log\bigl(1 - D(G(z))\bigr),$$
#
# taken apart in Part C. $D$ steps uphill, $G$ downhill. With so few parameters the three slopes can be written down. (The slope of $\log\sigma(u)$ is $1-\sigma(u)$, that of $\log(1-\sigma(u))$ is $-\sigma(u)$; the chain rule does the rest.)

# %% teaches=["D21", "D22"]
Z = torch.linspace(-6, 6, 241, dtype=torch.float64)
WEIGHT = torch.exp(-Z**2 / 2)
WEIGHT = WEIGHT / WEIGHT.sum()  # means over the normal distribution become weighted sums: no sampling noise here


def value(a, b, theta):
    return WEIGHT @ logsigmoid(a * Z + b) + WEIGHT @ logsigmoid(-(a * (Z + theta) + b))  # 1 - sigmoid(u) = sigmoid(-u)


def slopes(a, b, theta):
    d_real, d_fake = torch.sigmoid(a * Z + b), torch.sigmoid(a * (Z + theta) + b)
    slope_a = WEIGHT @ ((1 - d_real) * Z) - WEIGHT @ (d_fake * (Z + theta))
    slope_b = WEIGHT @ (1 - d_real) - WEIGHT @ d_fake
    slope_theta = -a * (WEIGHT @ d_fake)
    return slope_a.item(), slope_b.item(), slope_theta.item()


test_point = torch.tensor([0.7, -0.2, 1.3], dtype=torch.float64, requires_grad=True)
value(*test_point).backward()
assert np.allclose(slopes(*test_point.detach()), test_point.grad), "the three lines agree with PyTorch"

# %% [markdown]
# Look at the last slope: it has the factor $a$. What the generator hears comes *through* the discriminator, and a discriminator with $a = 0$ tells it nothing.
#
# ## Predict: a frozen opponent
#
# $D$ learns for 40 steps while the generator waits, 3 to the left of the real heap. Then $D$ is frozen, and only $G$ learns, for as long as it likes. Where does the generated heap go?
#
# **(a)** onto the real heap, where it stays &nbsp; **(b)** over the real heap and on, without an end &nbsp; **(c)** to the place where $D = \tfrac12$, where it stays &nbsp; **(d)** nowhere: a frozen judge teaches nothing
#
# ## Try it: freeze one of the two
#
# Let them learn, one alone or both in turn. First only $D$ learns; the generator is frozen. Then try: tick *freeze D* and untick *freeze G*, from the very beginning (head start 0). Then the same with a head start of 40. Then freeze nobody, and let *steps* run.

# %% teaches=["D21", "D22"]
RATE = 0.2


def play(theta, steps, freeze_d=False, freeze_g=False, head_start=0):
    """The path of (a, b, theta): D's uphill steps and G's downhill steps in turn, after some steps of D alone."""
    a = b = 0.0
    path = []
    for step in range(head_start + steps + 1):
        if step >= head_start:
            path.append((a, b, theta))
        if step < head_start or not freeze_d:
            slope_a, slope_b, _ = slopes(a, b, theta)
            a, b = a + RATE * slope_a, b + RATE * slope_b
        if step >= head_start and not freeze_g:
            theta = theta - RATE * slopes(a, b, theta)[2]
    return np.array(path)


def accuracy_of(a, b, theta):
    """The share of right verdicts; where D is exactly 1/2, a coin decides."""
    logits = a * Z + b, -(a * (Z + theta) + b)
    return sum((WEIGHT @ ((u > 0).double() + 0.5 * (u == 0))).item() for u in logits) / 2


def bell(x):
    return np.exp(-x**2 / 2) / math.sqrt(2 * math.pi)


xs = np.linspace(-6, 6, 241)


def stage(ax):
    """Draws the data on `ax`, and returns a function that shows D, G and the push on theta."""
    ax.fill_between(xs, bell(xs), color=PALETTE["real"], alpha=0.3, label="real")
    fake, = ax.plot(xs, bell(xs), color=PALETTE["generated"], lw=2, label="generated")
    verdict, = ax.plot(xs, bell(xs), color=PALETTE["discriminator"], lw=1.5, label="D(x)")
    ax.legend(fontsize="small", edgecolor="none", borderpad=0.2, handlelength=1.2, loc="center right", bbox_to_anchor=(1.03, 0.67))
    ax.axhline(0.5, color=PALETTE["muted"], lw=0.8, ls=":")
    arrow = ax.add_patch(FancyArrowPatch((0, 0), (1, 0), arrowstyle="-|>", mutation_scale=16, lw=2.5,
                                         color=PALETTE["generated"]))
    finish(ax, limits=((-6, 6), (0, 1.05)), xlabel="x")

    def show(a, b, theta):
        fake.set_ydata(bell(xs - theta))
        verdict.set_ydata(1 / (1 + np.exp(-(a * xs + b))))
        push = -slopes(a, b, theta)[2]
        arrow.set_visible(abs(push) > 0.01 and abs(theta) < 5.5)
        arrow.set_positions((theta, 0.44), (np.clip(theta + 3.5 * push, -5.9, 5.9), 0.44))
        return push

    return show


fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0), layout="constrained")
show_stage = stage(left)
finish(left, ylabel="densities, and D(x)", title="the heaps, and what D says")
thetas, slants = np.meshgrid(np.linspace(-5, 5, 61), np.linspace(-2.5, 2.5, 61))
ground = np.array([[value(a, -a * t / 2, t).item() for t, a in zip(*row)] for row in zip(thetas, slants)])
levels = right.contour(thetas, slants, ground, levels=[-4, -3, -2.5, -2, -1.7, -1.5, -1.3, -1, -0.7, -0.4],
                       colors=PALETTE["muted"], linestyles="-", linewidths=0.8)
right.clabel(levels, fontsize="x-small", fmt="%.1f", colors=TEXT["muted"])
trail, = right.plot([], [], color=PALETTE["extra"], lw=2)
spot, = right.plot([], [], "D", color=PALETTE["extra"], ms=8)
right.plot(0, 0, "+", color=PALETTE["ink"], ms=12, mew=2)
finish(right, limits=((-5, 5), (-2.5, 2.5)), xlabel=r"G's move: $\theta$", ylabel=r"D's move: slope $a$",
       title="the value V, and the path of the two")


def draw(steps, freeze_G, freeze_D, head_start, start):
    path = play(start, steps, freeze_D, freeze_G, head_start)
    a, b, theta = path[-1]
    push = show_stage(a, b, theta)
    trail.set_data(path[:, 2], path[:, 0])
    spot.set_data([theta], [a])
    where = "" if abs(theta) < 6 else " (off the picture)"
    return (f"theta {theta:z.2f}{where}, a {a:z.2f}, b {b:z.2f}: value {value(a, b, theta).item():.3f}; D is right in "
            f"{100 * accuracy_of(a, b, theta):.0f} % of the cases; push on theta {push:+z.3f}.")


sliders(draw, fig, steps=(0, 300, 5, 40), freeze_G=True, freeze_D=False, head_start=(0, 100, 10, 0),
        start=(-4.0, 4.0, 0.5, -3.0))

# %% [markdown]
# **Figure 7.3.** Left: real (filled), generated (outline), the discriminator's curve, and an arrow for the push on $\theta$. Right, the view of lesson 6: level lines of the value over both players' moves, the path, and a cross at the equilibrium. (The lines are drawn for the best $b$, which puts $D = \tfrac12$ midway between the heaps; the path's own $b$ lags behind a little, and so does its value.) As stored, $G$ is frozen and $D$ has learned for 40 steps: its path goes straight up.
#
# Three settings side by side:

# %% teaches=["D21", "D22"]
settings = {"D alone, 40 steps": dict(steps=40, freeze_g=True),
            "then G alone, 40 steps": dict(steps=40, freeze_d=True, head_start=40),
            "in turn, 300 steps": dict(steps=300)}
fig, axes = plt.subplots(1, 4, figsize=(10.6, 2.7), layout="constrained")
axes[0].set_ylabel("densities, and D(x)")
paths = {}
for ax, (name, setting) in zip(axes, settings.items()):
    paths[name] = play(-3.0, **setting)
    push = stage(ax)(*paths[name][-1])
    finish(ax, title=name)
    print(f"{name:24} accuracy {accuracy_of(*paths[name][0]):.2f} to {accuracy_of(*paths[name][-1]):.2f}, "
          f"theta {paths[name][0][2]:.2f} to {paths[name][-1][2]:z.2f}, push {push:+z.3f}")
alone, chased, both = paths.values()
axes[3].contour(thetas, slants, ground, levels=levels.levels, colors=PALETTE["muted"], linestyles="-", linewidths=0.6)
axes[3].plot(both[:, 2], both[:, 0], ".-", color=PALETTE["extra"], lw=1, ms=3)
axes[3].plot(0, 0, "+", color=PALETTE["ink"], ms=12, mew=2)
finish(axes[3], title="in turn: the path", limits=((-4, 2), (-1, 2.5)), xlabel=r"$\theta$", ylabel="slope $a$")
plt.show()
assert accuracy_of(*alone[-1]) > 0.9 > accuracy_of(*alone[0]), "D's accuracy rises while G is frozen"
assert chased[-1][2] > 0.5 and (play(-3.0, 300, freeze_d=True, head_start=40)[-1][2] > 20), "G runs past, and on"
assert (play(-3.0, 100, freeze_d=True) == [0, 0, -3.0]).all(), "D frozen at 1/2: no push at all"
assert both[:, 2].max() > 0.2 and np.abs(both[-1]).max() < 0.01, "in turn: past the goal once, then settled"

# %% [markdown]
# **Figure 7.4.** *D alone*: its curve rises between the heaps, and the generated heap gets an arrow to the right. *G alone*: it follows the arrow, past the real heap, since the frozen $D$ still points there; with more steps it runs off the picture. *In turn*: the heaps lie on each other, $D$ is flat, no arrow is left; and the path by which they came there, over the level lines of Figure 7.3. (Not drawn: $D$ frozen at $\tfrac12$ from the start. Nothing moves at all.)
#
# ## What you saw
#
# **(b)**. A frozen opponent is a bad teacher: $D$'s arrow was right where $G$ *was*. When both learn, $G$ overshoots a little, $D$ turns round, and the path spirals into the middle. It need not: with the same alternating steps lesson 6's $xy$ circles for ever, and its Dirac-GAN is $xy$ at the centre. Here the *spread* of the data helps. Once the heaps agree, every slope $a$ but 0 earns less and is taken back; in the Dirac-GAN all slopes were equally good there.
#
# ---
# # Part C: the value, symbol by symbol
#
# ## Why
#
# $$\min_G\,\max_D\; V(D, G) \;=\; \mathbb{E}_{x}\bigl[\log D(x)\bigr] \;+\; \mathbb{E}_{z}\bigl[\log\bigl(1 - D(G(z))\bigr)\bigr].$$
#
# | symbol | says | what $D$ wants | what $G$ wants |
# |---|---|---|---|
# | $\mathbb{E}_x$, $\mathbb{E}_z$ | average over real points; over noise (in code: `mean` over a batch) | | |
# | $D(x)$ | what $D$ says about a real point | near 1 | has no influence on it |
# | $D(G(z))$ | what $D$ says about a generated point | near 0 | near 1 |
# | $\log D(x)$ | 0 at best, $-\infty$ for a real point called "surely generated" | high | |
# | $\log(1 - D(G(z)))$ | 0 at best, $-\infty$ for a generated point called "surely real" | high | low |
# | $\min_G \max_D$ | $D$ answers as well as it can; $G$ makes even the best answer poor | | |
#
# Why logarithms, and not simply the share of right verdicts? A share moves in jumps and has no slope; and it does not mind *how* sure a wrong verdict was. The logarithm minds very much. (Strictly speaking, where short accounts differ: the logarithm stands in *both* terms; $D$ makes $V$ large, only $G$ makes it small; and "min max" is the idea of lesson 6, not its algorithm. Nothing here searches a tree.)

# %% teaches=["F8", "Q1", "D27", "D29", "D30", "D31", "D32"]
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.6), layout="constrained", width_ratios=(1.5, 1))
shares = torch.linspace(0.02, 0.98, 193)
left.plot(shares, shares.log(), color=PALETTE["real"], lw=2, label=r"$\log d$: for real points")
left.plot(shares, (1 - shares).log(), "--", color=PALETTE["generated"], lw=2,
          label=r"$\log(1-d)$: for generated points")
real_dot, = left.plot([], [], "o", color=PALETTE["real"], ms=10)
fake_dot, = left.plot([], [], "^", color=PALETTE["generated"], ms=10)
left.legend(frameon=False, loc="lower center")
finish(left, limits=((0, 1), (-4.1, 0.25)), xlabel="d, what D says", ylabel="part of the value",
       title="each part, by what D says")
bars = right.bar(["real", "generated", "V"], [0, 0, 0], width=0.6,
                 color=[PALETTE["real"], PALETTE["generated"], PALETTE["discriminator"]])
right.axhline(-math.log(4), color=PALETTE["muted"], ls=":")
right.text(-0.4, -math.log(4) - 0.05, "$-\\log 4$", va="top", color=PALETTE["ink"])
right.axhline(0, color=PALETTE["ink"], lw=0.8)
finish(right, limits=((-0.5, 2.5), (-6.2, 0.25)), title="both parts, and their sum")


def draw(D_real, D_fake):
    parts = math.log(D_real), math.log(1 - D_fake)
    real_dot.set_data([D_real], [parts[0]])
    fake_dot.set_data([D_fake], [parts[1]])
    for bar, height in zip(bars, (*parts, sum(parts))):
        bar.set_height(height)
    than = "above" if sum(parts) > -math.log(4) + 1e-9 else "below" if sum(parts) < -math.log(4) - 1e-9 else "exactly"
    return (f"log {D_real:.2f} + log(1 - {D_fake:.2f}) = {parts[0]:.3f} + {parts[1]:.3f} = {sum(parts):.3f}, "
            f"{than} -log 4 = {-math.log(4):.3f}. D would raise it; G can lower the second part only.")


sliders(draw, fig, labels={"D_real": "D(x)", "D_fake": "D(G(z))"},
        D_real=(0.05, 0.95, 0.01, 0.8), D_fake=(0.05, 0.95, 0.01, 0.3))

# %% [markdown]
# **Figure 7.5.** Left: the two parts of the value, with dots where $D$ now stands. Right: both parts and their sum. As stored, the judge leans the right way, and the value is above $-\log 4$ (dotted). Set both to 0.50: it is exactly $-\log 4$, the value of a judge who always says "perhaps". Move $D(x)$ down to 0.05: compared with "perhaps", a right answer can gain at most $\log 2$, and a confident mistake loses several times as much.
#
# **It is cross-entropy.** You may read that the minimax loss "resembles" it. $D$'s part *is* it, and $G$'s is minus its second half. The cross-entropy of a verdict with truth 1 is $-\log D$, with truth 0 it is $-\log(1-D)$; so minus $V$ is the sum of two of them. $D$ is trained as any classifier of two classes is.

# %% teaches=["F8", "Q1", "D29", "D31", "D32"]
logits_real, logits_fake = torch.randn(50, generator=rng) + 1, torch.randn(50, generator=rng) - 1
V = torch.sigmoid(logits_real).log().mean() + (1 - torch.sigmoid(logits_fake)).log().mean()
entropy_real = binary_cross_entropy_with_logits(logits_real, torch.ones(50))   # the truth is 1: real
entropy_fake = binary_cross_entropy_with_logits(logits_fake, torch.zeros(50))  # the truth is 0: generated
print(f"minus V: {-V:.6f}")
print(f"two cross-entropies: {entropy_real:.6f} + {entropy_fake:.6f} = {entropy_real + entropy_fake:.6f}")
assert torch.isclose(-V, entropy_real + entropy_fake)
undecided = torch.zeros(50)  # logit 0 is D = 1/2
assert math.isclose(2 * torch.sigmoid(undecided).log().mean(), -math.log(4), rel_tol=1e-6)

# %% [markdown]
# In code a loss is an object with two methods, one for each player; both are made *small*. It works on logits, since $\sigma$ rounds to exactly 0 or 1 for a very sure judge, and then the logarithm breaks. `logsigmoid` computes $\log\sigma(a)$ in one go, and $1-\sigma(a) = \sigma(-a)$ does the rest.

# %% tags=["shows:helpers.losses.Minimax"] teaches=["F8", "Q1", "D27", "D29", "D30", "D31"]
class Minimax:
    """The minimax loss, equation (1) of the paper. Its authors trained G with a variant: lesson 9."""

    name = "minimax"
    is_probability = True  # sigmoid(score) is the probability that D gives to "real"

    def judge(self, scores_real, scores_fake):
        return -(logsigmoid(scores_real).mean() + logsigmoid(-scores_fake).mean())

    def generator(self, scores_fake):
        return logsigmoid(-scores_fake).mean()


minimax = Minimax()
assert torch.isclose(minimax.judge(logits_real, logits_fake), -V)
print(f"both at 1/2: judge {minimax.judge(undecided, undecided):.4f} = log 4, "
      f"generator {minimax.generator(undecided):.4f} = -log 2")
very_sure = torch.tensor(-200.0)
print(f"a very sure judge: log(sigmoid(-200)) = {torch.sigmoid(very_sure).log()}, "
      f"logsigmoid(-200) = {logsigmoid(very_sure)}")
assert math.isclose(minimax.judge(undecided, undecided), math.log(4), rel_tol=1e-6)
assert math.isclose(minimax.generator(undecided), -math.log(2), rel_tol=1e-6)

# %% [markdown]
# The generator's loss keeps only the second part: the first has no $G$ in it.
#
# ### The best discriminator
#
# Fix the generator. At one place $x$ with densities $p$ (real) and $q$ (generated), a judge who says $d$ earns $p\log d + q\log(1-d)$. The slope is $\frac pd - \frac{q}{1-d}$; it is 0 at
#
# $$D^*(x) \;=\; \frac{p(x)}{p(x) + q(x)}.$$
#
# This is your rule (c) with a probability in place of a verdict. Does a network that sees only samples, as you did in Part A, find it?

# %% tags=["nbval-ignore-output"] teaches=["D22", "D30"]
def train_discriminator(real, fake, n_steps, rng, batch_size=256):
    """A discriminator for numbers on the line, trained against a generator that does not move."""
    network = networks.judge((1, 64, 64, 1), rng)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    slower = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, n_steps)  # small steps at the end: less trembling
    for _ in range(n_steps):
        loss = minimax.judge(network(real.sample(batch_size, rng)), network(fake.sample(batch_size, rng)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        slower.step()
    return network


learned = train_discriminator(two_heaps, one_heap, 800, rng, batch_size=512)
D_learned, D_best = torch.sigmoid(learned(line[:, None])).detach(), p / (p + q)
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.fill_between(line, p, color=PALETTE["real"], alpha=0.2)
ax.fill_between(line, q, color=PALETTE["generated"], alpha=0.2)
ax.text(-1.5, 0.42, "real", color=PALETTE["real"], ha="center")
ax.text(0, 0.42, "generated", color=TEXT["generated"], ha="center")
ax.plot(line, D_best, color=PALETTE["discriminator"], lw=5, alpha=0.35, label="the best D: p / (p + q)")
ax.plot(line, D_learned, "--", color=PALETTE["discriminator"], lw=1.8, label="D learned from samples")
ax.axhline(0.5, color=PALETTE["muted"], lw=0.8, ls="--")
ax.legend(frameon=False, loc="upper right")
finish(ax, limits=((-4, 4), (0, 1.1)), xlabel="x", ylabel="D(x), and the densities",
       title="has the network found the best answer?")
plt.show()
gap = ((D_learned - D_best).abs() * (p + q)).sum() / (p + q).sum()
worst = (D_learned - D_best).abs()[p + q > 0.1].max()
sure = ((torch.sigmoid(learned(x_many[:, None])) > 0.5) == truth).float().mean().item()
print(f"average gap {gap:.3f}, largest where points are common {worst:.3f}; right in {100 * sure:.1f} % of the rounds of Part A's game, "
      f"the best possible is {100 * best_score:.1f} %")
assert gap < 0.04 and worst < 0.15 and sure > best_score - 0.02

d = torch.linspace(0.001, 0.999, 999)  # all answers that a judge may give, at each place; one point in five is real
earned = 0.2 * p[:, None] * d.log() + 0.8 * q[:, None] * (1 - d).log()
assert ((d[earned.argmax(dim=1)] - p / (p + 4 * q)).abs() < 0.002).all(), "then the best answer is p / (p + 4q)"

# %% [markdown]
# **Figure 7.6.** The best judge (broad and pale) and a network trained on samples (dashed), over the two densities of Part A. They agree where points are common; outside, the network has seen hardly anything and makes something up.
#
# Only now may one read $D(x)$ as "the probability that $x$ is real", and strictly speaking only under two conditions: $D$ is at its best, and both groups have equal weight, as in $V$, which averages each by itself. (In one pile with four generated points for each real one the best answer would be $p/(p+4q)$: Exercise 4.) In the middle of training, $D(x)$ is just an opinion.
#
# ### Yes, it is a distance
#
# (Part A counted right verdicts; the best possible count measures another distance, the *total variation*. The value measures this one:)
#
# Put $D^*$ into $V$, and what comes out is an old friend from lesson 4, the Jensen-Shannon divergence: 0 for equal distributions, $\log 2$ for those that share nothing.
#
# $$V(D^*, G) \;=\; \mathbb{E}_x\Bigl[\log\frac{p}{p+q}\Bigr] + \mathbb{E}_z\Bigl[\log\frac{q}{p+q}\Bigr] \;=\; -\log 4 + 2\,\mathrm{JS}(p, q).$$
#
# (The first fraction is taken at $x$, the second at $G(z)$. Each lacks a $\tfrac12$ to be the $\frac{p}{(p+q)/2}$ of JS; the two missing $\log\tfrac12$ are the $-\log 4$.) Below, real is $N(0,1)$ and generated $N(\theta, 1)$: the value with $D^*$, by adding up cells of the line; the JS of `distances`; and networks trained on samples.

# %% tags=["nbval-ignore-output"] teaches=["D22", "Q1", "D30"]
cells = np.arange(-8, 14, 0.02)
real_cells = bell(cells) / bell(cells).sum()
sweep_thetas = np.arange(0, 6.01, 0.25)
best_values, from_js = [], []
for theta in sweep_thetas:
    fake_cells = bell(cells - theta) / bell(cells - theta).sum()
    mix = real_cells + fake_cells
    there = (real_cells > 0) & (fake_cells > 0)
    best_values.append((real_cells * np.log(real_cells / mix) + fake_cells * np.log(fake_cells / mix))[there].sum())
    from_js.append(-math.log(4) + 2 * distances.jensen_shannon(real_cells, fake_cells))
assert np.allclose(best_values, from_js, atol=1e-6), "V(D*) = -log 4 + 2 JS"

normal, network_values = distributions.mixture_1d((0.0,), (1.0,), (1.0,)), {}
for theta in (0.0, 1.0, 2.0, 3.0, 4.5):
    shifted = distributions.mixture_1d((theta,), (1.0,), (1.0,))
    network = train_discriminator(normal, shifted, 200, rng)
    with torch.no_grad():
        scores = network(normal.sample(20_000, rng)), network(shifted.sample(20_000, rng))
    network_values[theta] = -minimax.judge(*scores).item()

fig, ax = plt.subplots(figsize=(6.6, 3.5), layout="constrained")
ax.plot(sweep_thetas, best_values, color=PALETTE["ink"], lw=2, label="the best judge")
ax.plot(network_values.keys(), network_values.values(), "D", color=PALETTE["discriminator"], mfc="white", mew=2, ms=8,
        label="networks, on fresh points")
for height, name in ((0, "0: always right, and sure"), (-math.log(4), "$-\\log 4$: cannot tell")):
    ax.axhline(height, color=PALETTE["muted"], lw=0.8, ls="--")
    ax.text(5.95, height + 0.03, name, ha="right", va="bottom", color=PALETTE["ink"])
ax.legend(frameon=False, loc="center right")
finish(ax, limits=((-0.1, 6), (-1.55, 0.2)), xlabel=r"$\theta$, how far the generated heap is off", ylabel="value V",
       title="a judge at its best measures a distance")
plt.show()
for theta, height in network_values.items():
    best = np.interp(theta, sweep_thetas, best_values)
    print(f"theta {theta:.1f}: best {best:.3f}, network {height:.3f}")
    assert best - 0.08 < height < best + 0.03, "close to the best, and not above it by more than chance"

# %% [markdown]
# **Figure 7.7.** The value of the best judge against the shift of the generated heap (line), and what networks reach (diamonds). At shift 0 nobody can tell; with growing shift the value climbs to 0.
#
# So: **a second network can be the distance.** At its best it measures the Jensen-Shannon divergence, from samples, without any density; a judge below its best shows less (that is what "best" means), and on *fresh* points never more, save by chance. (On the points it learned from it may show more: with few of them, it can learn them by heart. Where the two clouds lie on thin sheets that share nothing, JS is $\log 2$ wherever they stand: lesson 8.) And $\min_G$: JS is 0 exactly when $p = q$, so the best that $G$ can do against such a judge is to be perfect, and then $D^* = \tfrac12$ everywhere and $V = -\log 4$. That is the good news, and lesson 4 has told you the bad one: JS goes flat when the clouds are far apart. See the right end of the curve; lesson 8 comes back to it.
#
# ---
# # Part D: the procedure, in six steps
#
# ## The code
#
# Now the real thing, in the plane. The discriminator is lesson 3's network with one output. Between the layers stands `LeakyReLU`, a ReLU that lets a fifth of the negative side through, so that its slope is nowhere 0. The last line makes `(batch, 1)` into `(batch,)`.

# %% tags=["shows:helpers.networks.judge"] teaches=["D21"]
def judge(sizes, rng):
    layers = mlp(sizes, rng, activation=partial(nn.LeakyReLU, 0.2))
    return nn.Sequential(*layers, nn.Flatten(0))  # (batch, 1) to (batch,)

# %% [markdown]
# One iteration of the procedure, one cell for each step.
#
# **Step 1: initialise** both networks, and draw noise.

# %% tags=["nbval-ignore-output"] teaches=["S1", "D26"]
generator, discriminator = mlp((2, 64, 64, 2), rng), judge((2, 64, 64, 1), rng)
z = 2 * uniform_noise(128, 2, rng) - 1
print(f"noise {tuple(z.shape)}, the first is ({z[0, 0]:.2f}, {z[0, 1]:.2f})")
assert z.shape == (128, 2) and z.abs().max() <= 1

# %% [markdown]
# **Step 2: noise becomes generated points.** (Pictures have more numbers than the noise: $G$ itself does the enlarging, as lesson 3 showed.)

# %% tags=["nbval-ignore-output"] teaches=["S2", "D26"]
x_fake = generator(z)
print(f"generated {tuple(x_fake.shape)}, the first is ({x_fake[0, 0]:.2f}, {x_fake[0, 1]:.2f})")
assert x_fake.shape == (128, 2) and x_fake.requires_grad, "they remember which network made them"

# %% [markdown]
# **Step 3: real and generated points go to the discriminator.** It is asked twice; nothing but the point tells it which is which.

# %% tags=["nbval-ignore-output"] teaches=["S3", "D26"]
x_real = moons.sample(128, rng)
logits_real, logits_fake = discriminator(x_real), discriminator(x_fake)
print(f"logits {tuple(logits_real.shape)}: real {logits_real[0]:+.3f}, ..., generated {logits_fake[0]:+.3f}, ...")
assert logits_real.shape == logits_fake.shape == (128,), "one number for each point"

# %% [markdown]
# **Step 4: it classifies.** The sigmoid makes probabilities of the logits; above $\tfrac12$ means "real". An untrained network says nearly the same to everything.

# %% tags=["nbval-ignore-output"] teaches=["S4", "D26"]
D_real, D_fake = torch.sigmoid(logits_real), torch.sigmoid(logits_fake)
verdicts_right = ((D_real > 0.5).float().mean() + (D_fake < 0.5).float().mean()) / 2
print(f"mean D(x) {D_real.mean():.3f}, mean D(G(z)) {D_fake.mean():.3f}, verdicts right {100 * verdicts_right:.0f} %")
assert (torch.cat([D_real, D_fake]) - 0.5).abs().max() < 0.2, "nobody has learned anything yet"

# %% [markdown]
# **Step 5: the losses.** One number for each player.

# %% tags=["nbval-ignore-output"] teaches=["S5", "D26"]
loss_discriminator, loss_generator = minimax.judge(logits_real, logits_fake), minimax.generator(logits_fake)
print(f"discriminator {loss_discriminator:.4f} (log 4 is {math.log(4):.4f}), "
      f"generator {loss_generator:.4f} (-log 2 is {-math.log(2):.4f})")
assert abs(loss_discriminator - math.log(4)) < 0.1, "close to the loss of a judge who always says 1/2"

# %% [markdown]
# Before step 6, the tool for it: inside `with frozen(network):` the network's parameters ask for no slopes, and slopes still pass through it on their way to others.

# %% tags=["shows:helpers.training.frozen"] teaches=["F7", "D25"]
@contextlib.contextmanager
def frozen(network):
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)

# %% [markdown]
# **Step 6: back-propagate and update, first $D$, then $G$.** Strictly speaking these are two passes. In $D$'s pass the generated points are *detached*, cut off from the network that made them, so that no slope reaches $G$. In $G$'s pass $D$ is frozen: slopes pass through it, and none is kept for it. It is asked again, for it has changed. (Here with the same noise, to compare; the loop below draws fresh noise.)

# %% tags=["nbval-ignore-output"] teaches=["S6", "D26", "F7", "D25"]
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.9))
optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.9))

loss_discriminator = minimax.judge(discriminator(x_real), discriminator(x_fake.detach()))
optimizer_d.zero_grad()
loss_discriminator.backward()
assert all(w.grad is None for w in generator.parameters()), "D's loss does not reach G"
optimizer_d.step()
optimizer_d.zero_grad()  # only so that the next check sees what G's pass leaves

with frozen(discriminator):
    new_loss_generator = minimax.generator(discriminator(generator(z)))
    optimizer_g.zero_grad()
    new_loss_generator.backward()
lengths = [w.grad.norm().item() for w in generator.parameters()]
assert all(w.grad is None for w in discriminator.parameters()) and min(lengths) > 0, "G's loss goes through D, into G"
optimizer_g.step()

after = minimax.judge(discriminator(x_real), discriminator(x_fake.detach()))
print(f"D's loss on this batch: {loss_discriminator:.4f} before its step, {after:.4f} after it")
print("lengths of the slopes in G (three weights, three biases): " + ", ".join(f"{length:.4f}" for length in lengths))
assert after < loss_discriminator

# %% [markdown]
# Adam keeps a memory of past slopes, and in a game the past is soon wrong: hence `betas=(0.5, 0.9)`, a shorter memory than usual. Here is the iteration in slow motion, with the numbers of the cells above.

# %% tags=["nbval-ignore-output"] teaches=["S1", "S2", "S3", "S4", "S5", "S6", "D26", "F7", "D25"]
facts = {
    1: f"Step 1. Initialise both networks, draw {len(z)} noise vectors; the first is ({z[0, 0]:.2f}, {z[0, 1]:.2f}).",
    2: f"Step 2. G makes {len(x_fake)} points; the first is ({x_fake[0, 0]:.2f}, {x_fake[0, 1]:.2f}).",
    3: f"Step 3. {len(x_real)} real and {len(x_fake)} generated points go to D.",
    4: f"Step 4. D classifies: mean D(x) {D_real.mean():.3f}, mean D(G(z)) {D_fake.mean():.3f}.",
    5: f"Step 5. Losses: {loss_discriminator.item():.4f} for D, {loss_generator.item():.4f} for G.",
    6: "Step 6, first half. D's loss flows back into D and stops: G is cut off. "
       f"Then D steps; its loss falls to {after.item():.4f}.",
    7: f"Step 6, second half. G's loss ({new_loss_generator.item():.4f}, asked anew) flows back through the frozen D, "
       "through the generated points, into G. Then G steps.",
}
fig, ax = plt.subplots(figsize=(9.4, 3.9), layout="constrained")
ax.set(xlim=(0, 10.6), ylim=(0, 4.4))
ax.set_axis_off()
BOXES = {"z": (0.9, 3.0, "noise\n$z$", "noise"), "G": (2.95, 3.0, "generator\n$G$", "ink"),
         "fake": (5.0, 3.0, "generated\n$G(z)$", "generated"), "real": (5.0, 0.8, "real\n$x$", "real"),
         "D": (7.2, 1.9, "discriminator\n$D$", "discriminator"), "loss_g": (9.6, 3.0, "loss of $G$", "generated"),
         "loss_d": (9.6, 0.8, "loss of $D$", "discriminator")}
ARROWS = {"z-G": ((1.7, 3.0), (2.15, 3.0)), "G-fake": ((3.75, 3.0), (4.2, 3.0)),
          "fake-D": ((5.8, 2.8), (6.5, 2.4)), "real-D": ((5.8, 1.0), (6.5, 1.4)),
          "D-loss_g": ((7.9, 2.4), (8.8, 2.8)), "D-loss_d": ((7.9, 1.4), (8.8, 1.0)),
          "back_d": ((8.8, 0.65), (7.3, 1.4)), "back_g": ((8.8, 3.2), (7.4, 2.42)),
          "back_g2": ((7.0, 2.42), (5.85, 3.2)), "back_g3": ((4.6, 3.5), (3.35, 3.5))}
LIT = {1: {"z", "G", "D"}, 2: {"z", "G", "fake", "z-G", "G-fake"}, 3: {"fake", "real", "D", "fake-D", "real-D"},
       4: {"D"}, 5: {"D", "loss_d", "loss_g", "D-loss_d", "D-loss_g"}, 6: {"loss_d", "D", "back_d", "frozen_g"},
       7: {"loss_g", "D", "fake", "G", "back_g", "back_g2", "back_g3", "frozen_d"}}
parts, words = {}, {}
for name, (x, y, text, color) in BOXES.items():
    box = FancyBboxPatch((x - 0.73, y - 0.42), 1.46, 0.84, boxstyle="round,pad=0.06", fc="white", ec=PALETTE[color],
                         lw=2)
    words[name] = ax.text(x, y, text, ha="center", va="center", color=PALETTE["ink"], fontsize="small")
    parts[name] = ax.add_patch(box)
for name, (tail, head) in ARROWS.items():
    back = name.startswith("back")
    bend = {"back_d": -0.3, "back_g": 0.3, "back_g2": 0.3, "back_g3": 0.4}.get(name, 0)
    arrow = FancyArrowPatch(tail, head, arrowstyle="-|>", mutation_scale=16, lw=2, ls="--" if back else "-",
                            color=PALETTE["extra" if back else "ink"], connectionstyle=f"arc3,rad={bend}")
    parts[name] = ax.add_patch(arrow)
parts["frozen_g"] = ax.text(2.95, 2.28, "cut off", ha="center", va="center", style="italic", color=PALETTE["ink"])
parts["frozen_d"] = ax.text(7.2, 1.2, "frozen", ha="center", va="center", style="italic", color=PALETTE["ink"])


def draw(step):
    for name, artist in parts.items():
        artist.set_alpha(1.0 if name in LIT[step] else 0.0 if name.startswith(("frozen", "back")) else 0.3)
    for name, word in words.items():  # these can be read in every step
        word.set_color(TEXT["ink" if name in LIT[step] else "muted"])
    return facts[step]


sliders(draw, fig, step=(1, 7, 1, 7))

# %% [markdown]
# **Figure 7.8.** The article's diagram of a GAN, with where each loss flows. Solid: points forward. Dashed: slopes backward. At position 7 the generator's loss flows *through* the frozen discriminator into the generator.
#
# ### Where each loss flows
#
# A gradient inspector: what lies in each layer after one backward pass? Choose a pass. Two of them happen by mistake, in many a first GAN.

# %% tags=["nbval-ignore-output"] teaches=["F7", "D25"]
def judge_pass(detach):
    fake = generator(z)
    return minimax.judge(discriminator(x_real), discriminator(fake.detach() if detach else fake))


def generator_pass(freeze):
    if not freeze:
        return minimax.generator(discriminator(generator(z)))
    with frozen(discriminator):
        return minimax.generator(discriminator(generator(z)))


PASSES = {"G's loss, D frozen": lambda: generator_pass(freeze=True),
          "D's loss, G cut off": lambda: judge_pass(detach=True),
          "G's loss, D not frozen (by mistake)": lambda: generator_pass(freeze=False),
          "D's loss, G not cut off (by mistake)": lambda: judge_pass(detach=False)}
found = {}
for name, make_loss in PASSES.items():
    generator.zero_grad()
    discriminator.zero_grad()
    make_loss().backward()
    weights = [layer.weight for network in (generator, discriminator) for layer in network if hasattr(layer, "weight")]
    found[name] = [None if w.grad is None else w.grad.norm().item() for w in weights]

LAYERS = ["G, layer 1", "G, layer 2", "G, layer 3", "D, layer 1", "D, layer 2", "D, layer 3"]
fig, ax = plt.subplots(figsize=(7.4, 3.2), layout="constrained")
LEAST = 1e-5  # where the logarithmic axis begins
columns = ax.bar(LAYERS, [LEAST] * 6, color=[PALETTE["generated"]] * 3 + [PALETTE["discriminator"]] * 3, width=0.6)
labels = [ax.text(i, 0, "", ha="center", va="bottom", color=PALETTE["ink"]) for i in range(6)]
ax.set_yscale("log")
finish(ax, limits=((-0.5, 5.5), (LEAST, 10)), ylabel="length of the slope",
       title="what a backward pass leaves in each layer")


def draw(backward):
    for column, label, length in zip(columns, labels, found[backward]):
        column.set_height(max(length or 0, LEAST))
        label.set_y(1.2 * max(length or 0, LEAST))
        label.set_text("none" if length is None else f"{length:.3f}")
    reached = [name for name, part in (("G", found[backward][:3]), ("D", found[backward][3:])) if part[0] is not None]
    return f"{backward}: slopes arrive in {' and '.join(reached)}."


sliders(draw, fig, labels={"backward": "pass"}, backward=list(PASSES))
assert found["D's loss, G cut off"][:3] == [None] * 3 and found["G's loss, D frozen"][3:] == [None] * 3
assert all(found["D's loss, G cut off"][3:]) and all(found["G's loss, D frozen"][:3])
assert all(all(lengths) for name, lengths in found.items() if "mistake" in name)

# %% [markdown]
# **Figure 7.9.** The slopes after one backward pass, layer by layer (one tick is a factor of ten). In the generator's pass none is left in $D$, and yet all that arrives in $G$ has come through $D$. Frozen does not mean switched off.
#
# Slopes that arrive by mistake do no harm as long as each network has its own optimiser *and* `zero_grad` stands right before `backward`, as in the loop below: then they are wiped before they are used, and only cost time. In any other order they are added in. $D$'s loss is $-V$, so its slopes in $G$ nearly cancel $G$'s own: what is left says next to nothing, and $D$ learns on.
#
# What does the generator hear? As in lesson 5, one arrow for each point. The cell checks that nothing else comes through: it pushes the arrows through $G$ by hand, as lesson 5 did.

# %% tags=["nbval-ignore-output"] teaches=["F7", "D25", "D22"]
generator.zero_grad()
generator_pass(freeze=True).backward()
at_once = [w.grad.clone() for w in generator.parameters()]
points = generator(z).detach().requires_grad_()  # the points alone, cut off from the network
with frozen(discriminator):
    slope_at_points, = torch.autograd.grad(minimax.generator(discriminator(points)), points)
generator.zero_grad()
generator(z).backward(slope_at_points)
difference = max((a - w.grad).abs().max().item() for a, w in zip(at_once, generator.parameters()))
print(f"largest difference between the two ways: {difference:.1e}")
assert difference < 1e-6

early = moon_film[2]
fig, ax = plt.subplots(figsize=(5.4, 5.0), layout="constrained")
show = snapshot_view(ax, early, layers=("field", "real", "generated"))
reach = early.push.norm(dim=1).quantile(0.9).item()
show(early, ("field", "real", "generated", "arrows"), arrow_scale=0.6 / reach)
finish(ax, title=f"step {early.step}: what the generator hears")
plt.show()

# %% [markdown]
# **Figure 7.10.** An early moment of Figure 7.1, with arrows for forty of the generated points. They point up $D$'s slope, to where $D$ says "real": not to the data. Several lead past the moons. (One scale for all arrows, chosen for the eye.) How long is an arrow? The slope of $\log(1-\sigma(a))$ is $-\sigma(a)$, so it is the logit's slope *times* $D$: short on orange ground, just where it is needed most. Lessons 8 and 9 are about that factor.

# %% teaches=["D25"]
points = moons.sample(50, rng).requires_grad_()
slope_of_logit, = torch.autograd.grad(discriminator(points).sum(), points)
slope_of_loss, = torch.autograd.grad(minimax.generator(discriminator(points)), points)
arrows = -len(points) * slope_of_loss
assert torch.allclose(arrows, torch.sigmoid(discriminator(points))[:, None] * slope_of_logit, atol=1e-5)

# %% [markdown]
#
# Compare $D$ with lesson 4's *witness*, the function that was high where real points prevailed. $D$ is a witness that is learned, and corrected by one step after every step of $G$.
#
# ### The whole loop
#
# The two halves of step 6 as functions; then the loop. `no_grad` does the work of `detach`: nothing is remembered, so nothing can flow back. (The helpers of the same names also check what they are given.)

# %% tags=["shows:helpers.training.discriminator_step", "shows:helpers.training.generator_step"] teaches=["D26", "D25"]
def discriminator_step(generator, discriminator, optimizer, x_real, z, loss):
    with torch.no_grad():  # no slopes are wanted in the generator
        x_fake = generator(z)
    loss_discriminator = loss.judge(discriminator(x_real), discriminator(x_fake))
    optimizer.zero_grad()
    loss_discriminator.backward()
    optimizer.step()
    return loss_discriminator.item()


def generator_step(generator, discriminator, optimizer, z, loss):
    with frozen(discriminator):  # its slopes are used on the way, and none is kept for it
        loss_generator = loss.generator(discriminator(generator(z)))
        optimizer.zero_grad()
        loss_generator.backward()
    optimizer.step()
    return loss_generator.item()

# %% tags=["shows:helpers.training.gan_steps"] teaches=["D26", "D1"]
BETAS = 0.5, 0.9


def gan_steps(generator, discriminator, target, rng, loss, noise_dim, batch_size, lr_generator, lr_discriminator,
              discriminator_steps):
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

# %% [markdown]
# One turn is `discriminator_steps` steps of $D$ and one of $G$. Here it is one and one, and this is a compromise: $V$ is the Jensen-Shannon divergence only for a $D$ at its *best*, and one step after each move of $G$ is not that. So the loop goes down the JS only roughly. (More steps come nearer, and cost more; and lesson 8 shows that a perfect $D$ has a trouble of its own.)
#
# A turn is an *iteration*, or step. An *epoch*, a word that you will meet, is something else: one pass through all training data, many iterations. As in lesson 5, `next` makes one step, and the helper `train_gan` drives this very loop:

# %% tags=["nbval-ignore-output"] teaches=["D26"]
def fresh_pair(seed):
    own_rng = torch.Generator().manual_seed(1000 * SEED + seed)
    return mlp((2, 64, 64, 2), own_rng), judge((2, 64, 64, 1), own_rng), own_rng


by_hand = gan_steps(*fresh_pair(0)[:2], moons, torch.Generator().manual_seed(1), minimax, noise_dim=2, batch_size=128,
                    discriminator_steps=1, **RATES)
five = torch.tensor([next(by_hand) for _ in range(5)])
film = list(train_gan(*fresh_pair(0)[:2], moons, torch.Generator().manual_seed(1), minimax, n_steps=5, every=5,
                      n_arrows=0, **RATES))
print("five steps, losses of (D, G): " + ", ".join(f"({d:.3f}, {g:.3f})" for d, g in five))
assert torch.equal(five[:, 0], film[-1].judge_losses) and torch.equal(five[:, 1], film[-1].losses)

# %% [markdown]
# Now play Figure 7.1 as a film. Switch *arrows* and *field* on and off. Watch the losses: what do they tell?

# %% tags=["nbval-ignore-output"] teaches=["D1", "D21", "D26"]
player(moon_film, layers=("real", "generated", "field", "loss"))

# %% [markdown]
# **Figure 7.11.** The training of Figure 7.1 as a film. The generated cloud is chased from place to place, then finds the moons and spreads along them, while the ground pales.
#
# Only $G$'s cloud moves, as in lesson 5; $D$ is no cloud but the colour of the ground. And the loss curves are no progress report: on the moons, after a wild beginning, they hover around $\log 4$ and $-\log 2$, whatever the picture does (the numbers come below). Where $D$'s loss stays *below* $\log 4$, as on the ring further down, the judge does see a difference; but whether it goes up or down is no measure of progress. A loss measured against a moving opponent cannot tell how good either of them is.
#
# ## Check
#
# **Early, $D$ wins easily.** Three fresh pairs; once $G$ is frozen, once both learn in turn.

# %% tags=["nbval-ignore-output"] teaches=["S1", "S6", "D26", "D22"]
def accuracy_on_fresh(generator, discriminator, rng, target=moons, n=2000):
    with torch.no_grad():
        said_real = discriminator(target.sample(n, rng)) > 0
        said_fake = discriminator(generator(2 * uniform_noise(n, 2, rng) - 1)) < 0
    return ((said_real.float().mean() + said_fake.float().mean()) / 2).item()


def accuracies(seed, freeze_g, n_steps=100, every=10):
    """D's accuracy on fresh points, every few steps."""
    generator, discriminator, own_rng = fresh_pair(seed)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=BETAS)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=BETAS)
    curve = [accuracy_on_fresh(generator, discriminator, own_rng)]
    for step in range(1, n_steps + 1):
        x_real, z = moons.sample(128, own_rng), 2 * uniform_noise(128, 2, own_rng) - 1
        discriminator_step(generator, discriminator, optimizer_d, x_real, z, minimax)
        if not freeze_g:
            generator_step(generator, discriminator, optimizer_g, 2 * uniform_noise(128, 2, own_rng) - 1, minimax)
        if step % every == 0:
            curve.append(accuracy_on_fresh(generator, discriminator, own_rng))
    return curve


frozen_curves = [accuracies(seed, freeze_g=True) for seed in range(3)]
turn_curves = [accuracies(seed, freeze_g=False) for seed in range(3)]
fig, ax = plt.subplots(figsize=(6.6, 3.4), layout="constrained")
for curves, look, name in ((frozen_curves, "-", "G frozen"), (turn_curves, "--", "in turn")):
    for i, curve in enumerate(curves):
        ax.plot(range(0, 101, 10), curve, look, color=PALETTE["discriminator"], lw=1.5, label=name if i == 0 else None)
for height, name in ((0.95, "0.95"), (0.5, "guessing")):
    ax.axhline(height, color=PALETTE["muted"], lw=0.8, ls=":")
    ax.text(15, height + 0.005, name, va="bottom", fontsize="small", color=PALETTE["ink"])
ax.legend(frameon=False, loc="lower right")
finish(ax, limits=((0, 100), (0, 1.02)), xlabel="step", ylabel="D's accuracy", title="who is ahead?")
plt.show()
print("after 100 steps, G frozen: " + ", ".join(f"{curve[-1]:.3f}" for curve in frozen_curves)
      + "; in turn: " + ", ".join(f"{curve[-1]:.3f}" for curve in turn_curves))
assert all(curve[8] > 0.95 > curve[0] for curve in frozen_curves), "G frozen: D above .95 within eighty steps"
assert min(min(curve[2:]) for curve in turn_curves) < 0.5, "in turn: below one half at times"
assert np.mean(turn_curves, axis=0)[-1] < np.mean(frozen_curves, axis=0)[-1] - 0.1

# %% [markdown]
# **Figure 7.12.** $D$'s accuracy on fresh points in three pairs. Against a frozen generator (solid) it is right in more than 95 % within eighty steps. Against one that answers (dashed) it wins at first, then goes up and down, at times below one half: as if it still accused the place that $G$ has just left. (At step 0 an untrained $D$ may lie the wrong way round.)
#
# **Late, $D$ is near 50 %. Is the generator good?** Take the pair of Figure 7.1 at the end of its training, freeze the generator, and let a copy of the discriminator learn on, with larger batches.

# %% tags=["nbval-ignore-output"] teaches=["D22", "D26"]
patient = copy.deepcopy(moon_discriminator)
optimizer_d = torch.optim.Adam(patient.parameters(), lr=1e-3, betas=BETAS)
at_the_end = accuracy_on_fresh(moon_generator, patient, rng, n=10_000)
for _ in range(300):
    x_real, z = moons.sample(1000, rng), 2 * uniform_noise(1000, 2, rng) - 1  # large batches: a steady hand
    discriminator_step(moon_generator, patient, optimizer_d, x_real, z, minimax)
with_patience = accuracy_on_fresh(moon_generator, patient, rng, n=10_000)
print(f"D's accuracy at the end of training: {at_the_end:.3f}; after 300 more steps with G frozen: {with_patience:.3f}")
assert abs(at_the_end - 0.5) < 0.15 and with_patience > at_the_end + 0.01
last = moon_film[-1]
print(f"mean losses of the last 300 steps: D {last.judge_losses[-300:].mean():.3f} (log 4 is {math.log(4):.3f}), "
      f"G {last.losses[-300:].mean():.3f} (-log 2 is {-math.log(2):.3f})")
assert abs(last.judge_losses[-300:].mean() - math.log(4)) < 0.1 and abs(last.losses[-300:].mean() + math.log(2)) < 0.15

# %% [markdown]
# So 50 % in the middle of a game does not say "nothing is left to see". It says that *this* judge, busy with a moving target, sees hardly anything just now; a patient one sees more.
#
# **The ring.** (Lesson 5's words: a point is of *high quality* if it lies within three standard deviations of a heap's centre; a heap is *captured* if one such point lies in it, *covered* if a quarter of its fair share does.)

# %% tags=["nbval-ignore-output"] teaches=["D1", "D26"]
ring = distributions.ring()
ring_pair = networks.mlp((2, 64, 64, 2), rng), networks.judge((2, 64, 64, 1), rng)
ring_film = list(train_gan(*ring_pair, ring, rng, n_steps=800, batch_size=128, every=20, n_arrows=40, **RATES))


def count_near(snapshot):
    score = score_modes(snapshot.x_fake, ring)
    return f"{score.captured} of 8 heaps captured, {100 * score.high_quality:.0f} % of all points lie on a heap."


player(ring_film, layers=("real", "generated", "field", "loss"), describe=count_near)

# %% [markdown]
# **Figure 7.13.** A ring of eight small heaps. The cloud swings to and fro as one wide sheet, partly out of the frame; then it opens, and its points gather along the ring and at its heaps. After these steps a large part still lies between the heaps, and some heaps get little, as in lesson 5: a continuous $G$ cannot tear its sheet of noise.
#
# **A comparison.** The same kind of generator, noise, batch and number of steps, once as a GAN and once as a GMN of lesson 5; three seeds each. Wasserstein-1 had no part in either training; remember that two samples of the *same* distribution are one floor apart.

# %% tags=["nbval-ignore-output"] teaches=["D1", "D22"]
BANDWIDTHS = [0.1, 0.3, 1.0, 3.0]  # of lesson 5


def far(snapshot):
    """Wasserstein-1 between 500 generated and 500 real points."""
    return distances.wasserstein1(snapshot.x_fake[:500], snapshot.x_real[:500])


def after_400_steps(target, film, n_seeds):
    """W1 of some GANs (the film is the first of them) and of as many GMNs."""
    common = dict(n_steps=400, batch_size=128, every=400, n_shown=500, n_arrows=0)
    gans, gmns = [far(next(snapshot for snapshot in film if snapshot.step == 400))], []
    for seed in range(1, n_seeds):
        *pair, own_rng = fresh_pair(seed)
        gans.append(far(list(train_gan(*pair, target, own_rng, **common, **RATES))[-1]))
    for seed in range(n_seeds):
        network, _, own_rng = fresh_pair(seed)
        gmns.append(far(list(train_gmn(network, target, own_rng, BANDWIDTHS, lr=2e-3, **common))[-1]))
    return gans, gmns


on_moons, on_ring = after_400_steps(moons, moon_film, n_seeds=3), after_400_steps(ring, ring_film, n_seeds=3)
for name, (gans, gmns) in (("moons:", on_moons), ("ring:", on_ring)):
    print(f"{name:6} W1 after 400 steps: GAN " + ", ".join(f"{w:.2f}" for w in gans)
          + "; GMN " + ", ".join(f"{w:.2f}" for w in gmns))
for target, film in ((moons, moon_film), (ring, ring_film)):
    floor = distances.wasserstein_floor(target, 500, rng, repeats=3)
    print(f"{target.name}: GAN at first {far(film[0]):.2f}, after {film[-1].step} steps {far(film[-1]):.2f}, "
          f"floor {floor:.2f}")
    assert far(film[-1]) < far(film[0]) / 2
print(f"ring, mean losses of the last 300 steps: D {ring_film[-1].judge_losses[-300:].mean():.3f}, "
      f"G {ring_film[-1].losses[-300:].mean():.3f}: here D still sees a difference")
print("ring, GAN:     ", score_modes(ring_film[-1].x_fake, ring))
print("ring, perfect: ", perfect_score(ring, len(ring_film[-1].x_fake)))
assert score_modes(ring_film[-1].x_fake, ring).captured >= 6
assert np.mean(on_moons[1]) < np.mean(on_moons[0]), "on the moons, at this stage, the GMN is ahead"
assert np.mean(on_ring[1]) < 1.15 * np.mean(on_ring[0]), "on the ring, the GAN is level at best"
at_400 = next(snapshot for snapshot in moon_film if snapshot.step == 400)
assert far(moon_film[-1]) < 0.8 * far(at_400), "on the moons the picture got better from step 400 to 1,000 ..."
assert abs(moon_film[-1].judge_losses[-100:].mean() - at_400.judge_losses[-100:].mean()) < 0.1, "... and D's loss did not tell"

# %% [markdown]
# An honest result: after 400 steps on these toys the second network works, and is not ahead of the fixed kernel. On the moons the GMN gets there sooner; on the ring the GAN is level with it at best, and both are still far from the floor. (With many more steps this may turn: try 3,000 on the ring, and look at the share of points on heaps.) GMN and GAN are one generator with two training signals, and in the plane a few bandwidths ask about all that matters. The promise of a GAN lies where no kernel knows what to ask: in pictures. Whether it is kept, and with which loss, is the business of the next lessons.
#
# ## When it breaks
#
# ### Predict: a judge that cannot see
#
# Suppose $D(x) = \tfrac12$ for *every* $x$, and no other setting of *this judge's* weights does better. What follows?
#
# **(a)** the generator is perfect &nbsp; **(b)** the generator gets no push &nbsp; **(c)** the training has become unstable, and the slopes are junk
#
# Real: $N(0, 1)$. Generated: twice as wide. One judge is the $\sigma(ax+b)$ of Part B, the other a small network.

# %% tags=["nbval-ignore-output"] teaches=["D22", "D30"]
x_narrow, x_wide = torch.randn(2000, 1, generator=rng), 2 * torch.randn(2000, 1, generator=rng)
x_narrow, x_wide = (torch.cat([x, -x]) for x in (x_narrow, x_wide))  # with their mirror images: means exactly 0
judges = {"linear": judge((1, 1), rng), "network": judge((1, 32, 32, 1), rng)}
pushes = {}
for name, network in judges.items():
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(200):
        loss = minimax.judge(network(x_narrow), network(x_wide))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    points = x_wide.clone().requires_grad_()
    minimax.generator(network(points)).backward()
    pushes[name] = (len(points) * points.grad).abs().mean().item()

fig, ax = plt.subplots(figsize=(6.8, 3.4), layout="constrained")
ax.fill_between(xs, bell(xs), color=PALETTE["real"], alpha=0.3, label="real")
ax.plot(xs, bell(xs / 2) / 2, color=PALETTE["generated"], lw=2, label="generated")
for (name, network), look in zip(judges.items(), ("-", ":")):
    ax.plot(xs, torch.sigmoid(network(torch.tensor(xs[:, None], dtype=torch.float32))).detach(), look,
            color=PALETTE["discriminator"], lw=2, label=f"D, {name}")
ax.legend(frameon=False, loc="upper right")
finish(ax, limits=((-6, 6), (0, 1.05)), xlabel="x", ylabel="densities, and D(x)", title="one of the judges sees nothing")
plt.show()
flat = torch.sigmoid(judges["linear"](torch.tensor(xs[:, None], dtype=torch.float32)))
evenly = torch.special.ndtri((torch.arange(10_000) + 0.5) / 10_000)  # normal numbers in order, without chance
w1 = distances.wasserstein1(evenly, 2 * evenly)
print(f"the linear D lies between {flat.min():.3f} and {flat.max():.3f}; average push on a generated point: linear "
      f"{pushes['linear']:.4f}, network {pushes['network']:.3f}; the two distributions are {w1:.3f} apart")
assert (flat - 0.5).abs().max() < 0.02 and pushes["linear"] < 0.01 < 0.1 < pushes["network"]
assert math.isclose(w1, math.sqrt(2 / math.pi), rel_tol=0.01), "far from equal"

# %% [markdown]
# **Figure 7.14.** Real (filled), generated (outline), and two judges. The linear one (solid) stays at one half everywhere; the network (dotted) says "real" in the middle and "generated" outside.
#
# **(b)**. A curve that can only rise or fall has no answer to "narrow or wide?", and settles on $\tfrac12$. The generator is far from perfect and hears nothing. Neither (a) nor (c): no push is not junk. $D = \tfrac12$ everywhere means success only if $D$ is the best of *all* judges. When GANs tremble near the end, the cause is not that $D$ says $\tfrac12$; it is that two moving players circle each other, or that batches are noisy, or that $D$ is weak.
#
# ### Predict: four games
#
# Moons again, 250 steps. One is as before. In the others the generator's sign is flipped, so that both players *want the same*; or $D$ is frozen after 40 steps; or $G$ learns ten times as slowly. Which panel is which? (The order is drawn at random.)

# %% tags=["nbval-ignore-output"] teaches=["D22", "D25"]
class Friends(Minimax):
    name = "both want the same"

    def generator(self, scores_fake):
        return -super().generator(scores_fake)


def ruined(loss=minimax, freeze_after=None, rate=2e-3, n_steps=250):
    generator, discriminator, own_rng = fresh_pair(5)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=BETAS)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=rate, betas=BETAS)
    for step in range(n_steps):
        z, x_real = 2 * uniform_noise(128, 2, own_rng) - 1, moons.sample(128, own_rng)
        if freeze_after is None or step < freeze_after:
            discriminator_step(generator, discriminator, optimizer_d, x_real, z, loss)
        generator_step(generator, discriminator, optimizer_g, 2 * uniform_noise(128, 2, own_rng) - 1, loss)
    with torch.no_grad():
        x_fake = generator(2 * uniform_noise(500, 2, own_rng) - 1)
    return discriminator, x_fake


KINDS = {"as before": dict(), "D frozen": dict(freeze_after=40), "G slow": dict(rate=2e-4), "friends": dict(loss=Friends())}
shuffled = [list(KINDS)[i] for i in torch.randperm(4, generator=rng)]  # the panels come in an order nobody has chosen
games = {name: ruined(**KINDS[name]) for name in shuffled}
fig, axes = plt.subplots(1, 4, figsize=(10.6, 2.9), layout="constrained", sharey=True)
window = ((-8.0, 8.0), (-8.0, 8.0))
sides = torch.linspace(-8, 8, 60)
places = torch.cartesian_prod(sides, sides).flip(1)
for ax, letter, (discriminator_then, x_fake_then) in zip(axes, "ABCD", games.values()):
    judge_field(ax, torch.sigmoid(discriminator_then(places)).detach().reshape(60, 60), window)
    scatter_samples(ax, moons.sample(300, rng), kind="real", size=2.5, alpha=0.8, edge=0.3)
    scatter_samples(ax, x_fake_then, kind="generated", size=4, alpha=0.8, edge=0.3)
    inside = (x_fake_then.abs() < 8).all(dim=1).float().mean()
    finish(ax, title=f"{letter}: {100 * inside:.0f} % in view", limits=window, equal=True)
plt.show()

# %% [markdown]
# **Figure 7.15.** Four games after 250 steps, in a wider window than before: the moons are the small blue shapes in the middle. Triangles: the generated points. Those that are not in view have left the picture.

# %% tags=["nbval-ignore-output"] teaches=["D22", "D25"]
distance_then = {name: distances.wasserstein1(x, moons.sample(500, rng)) for name, (_, x) in games.items()}
for letter, (name, w) in zip("ABCD", distance_then.items()):
    print(f"{letter}: {name:10} W1 to the moons {w:8.2f}")
at_first = far(moon_film[0])
assert distance_then["D frozen"] > 5 * at_first, "far beyond where it began"
assert distance_then["friends"] > 0.8 * at_first, "no nearer than at first"
assert distance_then["D frozen"] > 5 * max(distance_then["as before"], distance_then["G slow"])

# %% [markdown]
# A *frozen judge* is followed past the moons, to wherever it says "real", and on. A *slow generator* is not ruined; at this stage it may even lie before the usual one, which still swings to and fro. And two players who *want the same* are soon content: $G$ carries its points to where $D$ has the easiest work, far out or into a gap, and nothing draws them nearer. Whoever
# back-propagates $D$'s loss into both networks, and steps both by it and by nothing else, has built that game.
#
# ---
# # Part E: the theatre
#
# ## Try it: your own distribution, your own networks
#
# First something to learn. Draw with the mouse, a finger or the keyboard (arrow keys move, the space bar draws); there are examples, an eraser and *clear*.

# %% teaches=["D1"]
pad = sketchpad()

# %% [markdown]
# **Figure 7.16.** The sketchpad. Whatever is drawn here is a distribution: its dots, each equally likely, with a little noise around it.
#
# And now the whole lesson on one stage: the two networks of this cell, the `Minimax` of this notebook, and steps that you command. Every step is recorded, and the scrubber goes back to any of them.

# %% tags=["nbval-ignore-output"] teaches=["D1", "D21", "D22", "S1", "S2", "S3", "S4", "S5", "S6", "D26"]
stage_generator, stage_discriminator, _ = fresh_pair(7)
theatre(stage_generator, stage_discriminator, moons, loss=minimax,
        losses={"minimax": minimax, "both want the same": Friends()},
        targets={"two moons": moons, "ring": ring, "your drawing": pad}, batch_size=128, seed=SEED, n_arrows=40,
        **RATES)

# %% [markdown]
# **Figure 7.17.** The theatre before the first step: the moons, the untrained generator's heap, and the discriminator's faint opinion. In a live notebook the controls, the diagram of the six steps and the loss curves stand beside it.
#
# What to look for:
#
# 1. *Slow motion: next*, seven times. Where do the dashed arrows end in the last two, and which network stands still?
# 2. *Train discriminator once*, thirty times: the ground takes sides. Then *train generator once*, thirty times, with *arrows* on. Does the cloud stop at the moons?
# 3. *Play*. Which of the two losses would have told you that the picture got better? *Measure Wasserstein-1* now and then.
# 4. Wait until the ground is pale. Set the generator's learning rate to *0 (frozen)*, and play on. Is there really nothing left for the discriminator to see?
# 5. Choose *both want the same*, and reset. Then choose your own drawing.
#
# ## Exercises
#
# **1. Change a number and predict.** In Figure 7.3, set *start* to 2, *head start* to 100, freeze $D$ and nobody else. Where is $\theta$ after 100 steps, and where after 300? Does it get slower or faster? Say it before you move the slider.
#
# **2. Fill in the line.** The discriminator's minimax loss, from the two lists of *probabilities* $D(x)$ and $D(G(z))$.

# %%
def loss_of_d(D_real, D_fake):
    return ...  # your line: one number, to be made small


d_real, d_fake = torch.tensor([0.9, 0.6, 0.8]), torch.tensor([0.3, 0.1, 0.4])
loss_reference = -(d_real.log().mean() + (1 - d_fake).log().mean())
d_hints = {
    "that is V itself, which D makes large: a loss is made small": -loss_reference,
    "a sum over the batch where a mean is asked for": -(d_real.log().sum() + (1 - d_fake).log().sum()),
    "for generated points the right answer has probability 1 - D": -(d_real.log().mean() + d_fake.log().mean()),
    "for real points the right answer has probability D": -((1 - d_real).log().mean() + (1 - d_fake).log().mean()),
    "real and generated are exchanged": -((1 - d_real).log().mean() + d_fake.log().mean()),
    "the second part is log(1 - D), not 1 - log D": -(d_real.log().mean() + (1 - d_fake.log()).mean()),
    "the logarithms are missing": -(d_real.mean() + (1 - d_fake).mean()),
    "the mean of the logarithms, not the logarithm of the mean": -(d_real.mean().log() + (1 - d_fake).mean().log()),
    "the two parts are added, not averaged": loss_reference / 2,
}
compare("loss_of_d", lambda: loss_of_d(d_real, d_fake), loss_reference, d_hints)

# %% [markdown]
# **3. Fill in the line.** The generator's minimax loss, from *logits*, without ever taking the logarithm of 0: `logsigmoid` is there.

# %%
def loss_of_g(logits_fake):
    return ...  # your line: one number, to be made small


a_fake = torch.tensor([-3.0, 0.5, 200.0, 1.0])
g_hints = {
    "the sign is flipped: that would help the discriminator": -logsigmoid(-a_fake).mean(),
    "that is log D, and G would make it small; minimax has log(1 - D)": logsigmoid(a_fake).mean(),
    "that is the modified loss of lesson 9; minimax has log(1 - D)": -logsigmoid(a_fake).mean(),
    "a sum over the batch where a mean is asked for": logsigmoid(-a_fake).sum(),
    "1 - sigmoid(a) is sigmoid(-a): the minus belongs inside": (1 - logsigmoid(a_fake)).mean(),
}
compare("loss_of_g", lambda: loss_of_g(a_fake), logsigmoid(-a_fake).mean(), g_hints)

# %% [markdown]
# **4. Fill in the line.** A judge is trained on one mixed pile, of which only the share `real_share` is real. What is the best $D$ at a place with densities `p` and `q`? (Until now the share was one half.)

# %%
def best_D(p, q, real_share):
    return ...  # your line


p_test, q_test = torch.tensor([0.4, 0.1, 0.2]), torch.tensor([0.1, 0.1, 0.3])
best_reference = 0.2 * p_test / (0.2 * p_test + 0.8 * q_test)
best_hints = {
    "that is the best D for equal shares": p_test / (p_test + q_test),
    "the share belongs below the line, too": 0.2 * p_test / (p_test + q_test),
    "the generated points have the share 1 - real_share": 0.2 * p_test / (0.2 * p_test + q_test),
    "the shares are exchanged": 0.8 * p_test / (0.8 * p_test + 0.2 * q_test),
    "that is the probability of generated": 0.8 * q_test / (0.2 * p_test + 0.8 * q_test),
}
compare("best_D", lambda: best_D(p_test, q_test, 0.2), best_reference, best_hints)

# %% [markdown]
# **5. Fill in the line.** The loss for $D$'s step, from the networks themselves. `minimax.judge(discriminator(x_real), discriminator(generator(z)))` is right as a number, but after `backward` there are slopes in the generator. Write it so that none arrive there, and $D$ gets all of its own.

# %%
def loss_for_d_step(generator, discriminator, x_real, z):
    return ...  # your line: one number


def inspected(make_loss):
    """[the loss, length of all slopes in G, length of all slopes in D] for a small fixed pair of networks."""
    fixed = torch.Generator().manual_seed(0)
    pair = mlp((2, 8, 8, 2), fixed), judge((2, 8, 8, 1), fixed)
    loss = make_loss(*pair, moons.sample(16, fixed), 2 * uniform_noise(16, 2, fixed) - 1)
    if not isinstance(loss, torch.Tensor):
        return loss
    loss.backward()
    return [loss.item(), *(sum(w.grad.square().sum().item() for w in network.parameters() if w.grad is not None) ** 0.5
                           for network in pair)]


def with_detach(detach_points, detach_verdict, detach_real=False):
    """The loss with `detach` in one of three places."""
    def make_loss(generator, discriminator, x_real, z):
        x_fake = generator(z).detach() if detach_points else generator(z)
        scores_real, scores_fake = discriminator(x_real), discriminator(x_fake)
        return minimax.judge(scores_real.detach() if detach_real else scores_real,
                             scores_fake.detach() if detach_verdict else scores_fake)
    return make_loss


step_reference = inspected(with_detach(True, False))
step_hints = {
    "slopes still arrive in G: detach what the generator makes": inspected(with_detach(False, False)),
    "detached too late: D learns nothing from the generated points any more": inspected(with_detach(False, True)),
    "that cuts the real points off: now D learns nothing from them": inspected(with_detach(False, False, True)),
}
compare("loss_for_d_step", lambda: inspected(loss_for_d_step), step_reference, step_hints)

# %% [markdown]
# **6. Open question.** $D$ looks at one point at a time. Suppose the generator makes only points of *one* of the ring's eight heaps, but perfect ones. What will $D$ say about them at first, and what does the generator hear? And what after $D$ has learned?
#
# ## Recap
#
# - A discriminator answers one question about one point: real or generated? A good one is a measure of difference; the best possible one, $p/(p+q)$, turns the value into $-\log 4 + 2\,\mathrm{JS}$.
# - The value is two cross-entropies with a minus. $D$ makes it large, $G$ can lower its second part only.
# - Six steps: initialise, generate, show both, classify, compute the losses, back-propagate: first into $D$ with $G$ cut off, then through the frozen $D$ into $G$.
# - The generator hears one arrow for each point, as in lesson 5; the arrows are $D$'s slopes. They are right where the generator is *now*, and stale a moment later.
# - $D$ near $\tfrac12$ says that this judge sees nothing at the moment. It is success only for the best of all judges.
# - Loss curves of a game do not show progress. Look at samples, or at a distance that had no part in the game.
#
# The table that grows through the series:
#
# | lesson | how a new point is made | what it needs | where it stops |
# |---|---|---|---|
# | 1 | a training point plus a little noise (kernel density) | samples | in many dimensions: copies with noise, nothing new |
# | 2 | a transformation of uniform numbers, built by hand | a formula; on a line, samples | where there is no formula and no order |
# | 3 | a transformation of noise, made by a network | pairs of noise and sample | where there are samples but no pairs |
# | 4 | a given point is moved down the MMD | samples, and a bandwidth that fits | it moves the points it has; for a new one, everything starts again |
# | 5 | a network trained down the MMD turns noise into points | samples, a kernel, large batches | where a fixed kernel sees too little: sharp pictures |
# | 6 | no new way: the Dirac-GAN moves one single point | a second learner in place of the kernel | where the two circle and never settle |
# | 7 | a network trained by what a second network says | samples, and a judge that keeps pace | where the two lose touch: lesson 8 |
#
# ## Next
#
# The judge may win too clearly, and then its curve is flat where the generator stands. The generator may please the judge of the moment with one good trick. And nobody rings a bell when it is time to stop. *How does it go wrong?*

# %% [markdown]
# ## Answers
#
# Open what you want to see: the answers in words by their triangle, the code by the three dots.

# %% [markdown] tags=["answer"]
# <details><summary>Answer 1</summary>
#
# After the head start $D$ falls from left to right, and says "real" on the left. The push is to the left, through 0 and on. Once the generated heap lies where $D$ is near 1, the push is at its *strongest* and stays so: it is $a$ times the mean of $D(G(z))$. So $\theta$ gets faster at first, then keeps its speed, for ever: the cell below counts.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer"]
path = play(2.0, 300, freeze_d=True, head_start=100)[:, 2]
print(f"theta after 100 steps {path[100]:.1f}, after 300 {path[300]:.1f}; "
      f"a step is {path[1] - path[0]:.3f} at first, {path[300] - path[299]:.3f} at the end")
assert path[100] < 0 and abs(path[300] - path[299]) > 2 * abs(path[1] - path[0])
assert np.isclose(path[300] - path[299], path[250] - path[249], rtol=1e-3)

# %% jupyter={"source_hidden": true} tags=["answer"]
def loss_of_d(D_real, D_fake):
    return -(D_real.log().mean() + (1 - D_fake).log().mean())


def loss_of_g(logits_fake):
    return logsigmoid(-logits_fake).mean()


def best_D(p, q, real_share):
    return real_share * p / (real_share * p + (1 - real_share) * q)


def loss_for_d_step(generator, discriminator, x_real, z):
    return minimax.judge(discriminator(x_real), discriminator(generator(z).detach()))


compare("loss_of_d", lambda: loss_of_d(d_real, d_fake), loss_reference, d_hints)
compare("loss_of_g", lambda: loss_of_g(a_fake), logsigmoid(-a_fake).mean(), g_hints)
compare("best_D", lambda: best_D(p_test, q_test, 0.2), best_reference, best_hints)
compare("loss_for_d_step", lambda: inspected(loss_for_d_step), step_reference, step_hints)

# %% [markdown] tags=["answer"]
# <details><summary>What to look for in the theatre</summary>
#
# (1) In the last but one they end in $D$, and $G$ stands still; in the last they run through $D$, which is frozen, into $G$. (2) No: the arrows come from a judge that no longer learns, and lead past the moons. (3) Neither: a loss is measured against a moving opponent; Wasserstein-1 is not. (4) No: with the generator frozen its losses part again and the ground takes on colour. (5) The cloud goes where $D$ has the easiest work, far out or into a gap, and nothing draws it nearer.
#
# </details>

# %% [markdown] tags=["answer"]
# <details><summary>Answer 6</summary>
#
# At first $D$ finds each of them real: one by one they are. The generator hears "stay". Then $D$ learns that generated points come from this heap *more often* than real ones do ($q$ is eight times $p$ there, so $D^* = \tfrac19$), and calls the heap generated, everywhere else real. While $D$ learns this, its ground slopes, and all points are pushed away from the heap, the same way, and nothing tells them to part: they may run
# together to the next heap, and the hunt begins again. Lesson 8 calls it mode collapse. (A perfect $D^*$ would be flat on the heap, $\tfrac19$ everywhere, and push nowhere.)
#
# </details>
