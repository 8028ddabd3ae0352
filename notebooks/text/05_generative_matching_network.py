# %% [markdown]
# # 5. A generator trained by a distance
#
# **Can a distance alone train a generator?**
#
# Lesson 4 ended with two hundred points that followed their forces until they were moons. They were moved one by one, and for a new point everything would have to start again. In this lesson
# the force on each point tells a *network* how to change, and the network learns to make points: any number of them, from noise, in one go.
#
# The article calls this a *generative matching network*, **GMN**. In the literature it is the **generative moment matching network**, GMMN (Li et al. 2015); Dziugaite et al. (2015) had the same idea at the same time.
#
# *You need*: lessons 3 (networks, training loop) and 4 (MMD, bandwidth, force, Wasserstein-1 and its floor). *Time*: about two hours, with the exercises.
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
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from helpers import distances, distributions, networks, puppies, sampling
from helpers.checks import compare
from helpers.distances import mmd2
from helpers.plots import PALETTE, TEXT, film_strip, finish, picture_grid
from helpers.sampling import uniform_noise
from helpers.scores import perfect_score, score_modes
from helpers.training import train_gmn
from helpers.widgets import player, sliders

torch.set_num_threads(1)  # on networks as small as these, several threads only wait for each other
SEED = 5
rng = torch.Generator().manual_seed(SEED)

# %% [markdown]
# This is where we are going. A network with random weights turns a square full of noise into a small heap. Six moments of its training, with nothing but a distance to learn from:

# %% tags=["nbval-ignore-output"] teaches=["D15", "D16"]
BANDWIDTHS = [0.1, 0.3, 1.0, 3.0]  # reach far and see detail: lesson 4
moons = distributions.two_moons()
moon_generator = networks.mlp((2, 64, 64, 2), rng)
moon_film = list(train_gmn(moon_generator, moons, rng, BANDWIDTHS, n_steps=700, batch_size=128, lr=3e-3, every=20,
                           n_arrows=40))

fig, axes = plt.subplots(1, 6, figsize=(10.2, 2.2), layout="constrained")
film_strip(axes, moon_film, layers=("real", "generated", "grid"))
plt.show()

# %% [markdown]
# **Figure 5.1.** Two moons (blue), generated points (orange) and the noise grid (green) at six moments. The heap unfolds, shoots beyond its aim, comes back, and bends into an S that runs along both moons, with a thin sheet in between.
#
# ## Words
#
# | idea | symbol | in code | shape |
# |---|---|---|---|
# | noise | $z$ | `z` | `(batch_size, noise_dim)` |
# | **generator**: the network that turns noise into points | $G$ | `generator` | a module |
# | generated points; real points | $G(z)$; $x$ | `x_fake`; `x_real` | `(batch_size, data_dim)` |
# | **loss**: here the squared MMD of the two batches | $\mathrm{MMD}^2(G(z), x)$ | `loss` | one number |
# | **back-propagate**: compute the slope of the loss along every parameter | $\nabla_\theta$ | `loss.backward()` | as the parameters |
# | **code**: a short list of numbers that stands for a picture | $c$ | `codes` | `(n, 64)` |
# | **mode**: a heap of a distribution | | `score_modes` | |
#
# And lesson 4 in five lines. The **kernel** $k(x, y) = e^{-|x-y|^2/2\sigma^2}$ says how much two points count as the same place; its reach is the **bandwidth** $\sigma$, and for a list of bandwidths the kernels are averaged. The **squared MMD** of two clouds is
#
# $$\text{mean } k \text{ within the real} \;+\; \text{mean } k \text{ within the generated} \;-\; 2 \cdot \text{mean } k \text{ across}.$$
#
# Which cloud is named first does not matter. From samples it is an *estimate*; `mmd2` gives the unbiased one, which is right on average and may be slightly below 0. Minus its slope at a generated point, times the number of points, is the **force** on that point: the pull of the real ones plus the push of the other generated ones.
# **Wasserstein-1** says how far points would have to travel; the **floor** is what it gives for two samples of the real distribution.
#
# ---
# # Part A: the loop
#
# The article tells the story in five verbs: *draw* noise, *generate* points, *compare* them with real samples, *back-propagate* the difference and *update* the generator. It calls this the **direct** way, because the
# difference itself is what is minimised. Step through one turn of the loop, with the numbers of a real one. (It opens at step 4, the way back, which is the new thing. Noise is uniform between $-1$ and $1$ from here on, no longer between 0 and 1.)

# %% teaches=["D15", "D16", "F6", "D19"]
step_generator = networks.mlp((2, 64, 64, 2), rng)
z = 2 * uniform_noise(128, 2, rng) - 1
x_fake = step_generator(z)
x_real = moons.sample(128, rng)
loss = mmd2(x_fake, x_real, BANDWIDTHS)
loss.backward()
layer_norms = [layer.weight.grad.norm().item() for layer in step_generator if hasattr(layer, "weight")]
facts = {
    1: f"1. Draw: {z.shape[0]} noise vectors of {z.shape[1]} numbers. The first is ({z[0, 0]:.2f}, {z[0, 1]:.2f}).",
    2: f"2. Generate: the first becomes ({x_fake[0, 0]:.2f}, {x_fake[0, 1]:.2f}). "
       f"{len(x_real)} real points are drawn as well.",
    3: f"3. Compare: the squared MMD of the two batches is {loss.item():.3f}. One number for 256 points.",
    4: "4. Back-propagate: a force on each generated point, and through G a slope for each weight. Lengths, layer by layer: "
       + ", ".join(f"{norm:.3f}" for norm in layer_norms) + ". The real points stay where they are.",
    5: "5. Update: every weight of G takes a small step against its slope. Then the next turn begins.",
}

fig, ax = plt.subplots(figsize=(8.8, 3.3), layout="constrained")
ax.set(xlim=(0, 10), ylim=(0, 3.6))
ax.set_axis_off()
BOXES = {"z": (0.9, 2.6, "noise\n$z$", "noise"), "G": (3.3, 2.6, "generator\n$G$", "ink"),
         "fake": (5.8, 2.6, "generated\n$G(z)$", "generated"), "real": (5.8, 0.7, "real\n$x$", "real"),
         "compare": (8.7, 1.65, "compare\nMMD$^2$", "extra")}
ARROWS = {"z-G": ((1.65, 2.6), (2.5, 2.6)), "G-fake": ((4.1, 2.6), (5.0, 2.6)),
          "fake-compare": ((6.6, 2.4), (7.85, 1.75)), "real-compare": ((6.6, 0.8), (7.85, 1.35)),
          "back to the points": ((8.5, 2.2), (6.65, 2.85)), "back to G": ((5.0, 2.95), (4.15, 2.95))}
LIT = {1: {"z"}, 2: {"z", "G", "fake", "real", "z-G", "G-fake"},
       3: {"fake", "real", "compare", "fake-compare", "real-compare"},
       4: {"compare", "back to the points", "fake", "back to G", "G"}, 5: {"G", "weights"}}
shapes, words = {}, {}
for name, (x, y, text, color) in BOXES.items():
    box = FancyBboxPatch((x - 0.7, y - 0.42), 1.4, 0.84, boxstyle="round,pad=0.06", fc="white", ec=PALETTE[color], lw=2)
    shapes[name], words[name] = ax.add_patch(box), ax.text(x, y, text, ha="center", va="center")
for name, (tail, head) in ARROWS.items():
    back = name.startswith("back")
    arrow = FancyArrowPatch(tail, head, arrowstyle="-|>", mutation_scale=18, lw=2, ls="--" if back else "-",
                            color=PALETTE["extra" if back else "ink"],
                            connectionstyle=f"arc3,rad={0.2 if name == 'back to the points' else 0}")
    shapes[name] = ax.add_patch(arrow)
for name, (x, y, text) in {"back to the points": (7.9, 3.15, "force on each point"), "back to G": (4.55, 3.4, "what G can do"),
                           "weights": (3.3, 1.8, "new weights")}.items():
    words[name] = ax.text(x, y, text, ha="center", va="center")


def draw(step):
    for name, shape in shapes.items():
        shape.set_alpha(1.0 if name in LIT[step] else 0.3)
    for name, word in words.items():  # grey, but never too pale to be read
        word.set_color(TEXT["muted" if name not in LIT[step] else "ink" if name in BOXES else "extra"])
    return facts[step]


sliders(draw, fig, step=(1, 5, 1, 4))

# %% [markdown]
# **Figure 5.2.** The article's diagram of the loop; the active parts are dark, the others pale. Noise goes through the generator; generated and real points meet in *compare*; the dashed arrows are the path of the gradient: from the comparison to the generated points, and through them into the generator.
#
# Two things follow from the picture. Only $G$'s cloud moves: the loss has a slope along the real points too, but they are data, and nobody follows it. And the gradient has to reach every *layer* of $G$, or a part of it would never learn.

# %% teaches=["D19", "F6"]
parameters = list(step_generator.parameters())
assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in parameters), "every layer's weights and biases get a slope"
as_if = x_real.clone().requires_grad_()  # if somebody asked, there would be one along the real points
slope_along_real, = torch.autograd.grad(mmd2(x_fake.detach(), as_if, BANDWIDTHS), as_if)
print(f"{len(parameters)} arrays of weights and biases got a gradient; "
      f"length of the slope along the real points, which nobody follows: {slope_along_real.norm():.3f}")
assert slope_along_real.norm() > 0

# %% [markdown]
# ## Predict: the first network you train without pairs
#
# A network takes one number $z$, uniform between $-1$ and $1$, and returns one number. It will be trained by MMD alone to make samples of a mixture of three heaps. Lesson 2 knew an exact transformation for this: the inverse
# CDF, which rises from the left end to the right end. What will the network's curve look like?
#
# **(a)** wild: any curve that visits the heaps often enough will do &nbsp; **(b)** the inverse CDF &nbsp; **(c)** the inverse CDF or its mirror image &nbsp; **(d)** three flat steps, one at each heap's centre
#
# ### The whole loop
#
# Here it is. The numbers are those of the steps in Figure 5.2. (`zero_grad` wipes the slopes of the turn before; without it they would add up. Adam is the stepper of lesson 3.)

# %% tags=["nbval-ignore-output"] teaches=["D15", "D16", "D19"]
mixture = distributions.mixture_1d()
generator = networks.mlp((1, 64, 64, 1), rng)
optimizer = torch.optim.Adam(generator.parameters(), lr=3e-3)
losses = []
for _ in range(400):
    z = 2 * uniform_noise(128, 1, rng) - 1         # 1. draw noise
    x_fake = generator(z)                          # 2. generate
    x_real = mixture.sample(128, rng)
    loss = mmd2(x_fake, x_real, BANDWIDTHS)        # 3. compare
    optimizer.zero_grad()
    loss.backward()                                # 4. back-propagate
    optimizer.step()                               # 5. update
    losses.append(loss.item())
print(f"squared MMD: {losses[0]:.3f} at first, {np.mean(losses[-50:]):.4f} on average over the last 50 steps")
assert np.mean(losses[-50:]) < losses[0] / 10, "it falls tenfold"
assert all(p.grad is not None for p in generator.parameters()), "G hears something"
assert {p for group in optimizer.param_groups for p in group["params"]} == set(generator.parameters()), "only G is moved: no noise, no data"

# %% [markdown]
# Compare it with lesson 3's training loop: there, a partner stood beside every noise vector. Here nobody says which $z$ should become which $x$. The two batches are just two clouds.
#
# The helper `train_gmn` runs this loop and takes a **snapshot** every few steps: what the generator makes of the same noise, so that you can follow single points. Looking never changes the training.
#
# ## Try it: play the training
#
# Press *play*, or move *snapshot* by the arrow keys.

# %% tags=["nbval-ignore-output"] teaches=["D16"]
line_generator = networks.mlp((1, 64, 64, 1), rng)
line_film = list(train_gmn(line_generator, mixture, rng, BANDWIDTHS, noise_dim=1, n_steps=600, batch_size=128,
                           lr=3e-3, every=15))
player(line_film)

# %% [markdown]
# **Figure 5.3.** Histograms of real numbers (blue, filled) and generated ones (orange outline) while the network learns; beside them the loss. At first all generated numbers lie together; they spread out, then gather into the three heaps. Between the heaps more of them remain than of the real ones. The next figure shows why.
#
# And the curve itself, beside the exact one from lesson 2:

# %% tags=["nbval-ignore-output"] teaches=["D16"]
z_line = torch.linspace(-1, 1, 401)
sample = mixture.sample(100_000, rng)[:, 0]
exact = sampling.inverse_cdf((0.999 * z_line + 1) / 2, sample)


def learned_curve(generator):
    return generator(z_line[:, None]).detach()[:, 0]


fig, ax = plt.subplots(figsize=(5.6, 3.9), layout="constrained")
ax.plot(z_line, exact, color=PALETTE["real"], lw=2, label="inverse CDF")
ax.plot(z_line, exact.flip(0), ":", color=PALETTE["real"], lw=2, label="its mirror image")
ax.plot(z_line, learned_curve(line_generator), "--", color=PALETTE["generated"], lw=2.5, label="learned by the network")
ax.legend(frameon=False, fontsize="small", loc="lower center")
finish(ax, title="from noise to number", limits=((-1, 1), mixture.limits[0]), xlabel="z", ylabel="generated number")
plt.show()

# %% [markdown]
# **Figure 5.4.** The inverse CDF (solid; made from 100,000 samples by lesson 2's `inverse_cdf`), its mirror image (dotted), and the curve that the network has learned (dashed), which follows one of the two. Inside, the steep places are the gaps between the heaps. The network's curve is less steep there than it should be, and so some of its points land in the gaps.
#
# ## What you saw
#
# **(c)**. Nobody told the network about lesson 2, and it has found lesson 2's answer, or the same answer back to front. There is a reason: for every distribution there is exactly one curve that only rises and gives it, the inverse CDF, and exactly one that only falls, its mirror image. A network that matches the distribution without turning back has no other choice. Which of the two is decided by its random start: uniform noise looks the same from both sides. Six more networks:

# %% tags=["nbval-ignore-output"] teaches=["D16"]
def gap(curve, other):
    return (curve - other).abs().mean().item()


straight = z_line * (exact * z_line).sum() / (z_line**2).sum() + exact.mean()  # the straight line nearest to it
fig, axes = plt.subplots(1, 6, figsize=(10.2, 2.3), layout="constrained", sharey=True)
found = []
for seed, ax in enumerate(axes):
    own_rng = torch.Generator().manual_seed(100 * SEED + seed)
    network = networks.mlp((1, 64, 64, 1), own_rng)
    list(train_gmn(network, mixture, own_rng, BANDWIDTHS, noise_dim=1, n_steps=250, batch_size=128, lr=3e-3,
                   every=250, n_arrows=0))
    curve = learned_curve(network)
    gaps = {"inverse CDF": gap(curve, exact), "mirror image": gap(curve, exact.flip(0))}
    which = min(gaps, key=gaps.get)
    found.append(which if gaps[which] < gap(straight, exact) else "neither")
    ax.plot(z_line, exact if which == "inverse CDF" else exact.flip(0), color=PALETTE["real"], lw=1)
    ax.plot(z_line, curve, "--", color=PALETTE["generated"], lw=2)
    finish(ax, title=found[-1], limits=((-1, 1), mixture.limits[0]), xlabel="z")
axes[0].set_ylabel("generated number")
plt.show()
print({which: found.count(which) for which in sorted(set(found))},
      f"('found': its average gap is below that of a straight line, {gap(straight, exact):.2f})")
assert found.count("neither") <= 3

# %% [markdown]
# **Figure 5.5.** Six networks after 250 steps (dashed), each with the curve it is nearer to (solid), and what it has found: *neither* if it comes no nearer than a straight line would.
#
# Now and then a network ends on neither: its curve turns back somewhere, two stretches of noise share one heap, and no small change would undo the fold. Option (a), wild, would satisfy the distance just as well: many transformations make the same distribution. But a small network begins as a gentle curve, and training usually bends it no more than it must.
#
# ## Why
#
# What we minimise is a distance between *distributions*, written with samples:
#
# $$\min_\theta\; \mathrm{MMD}^2\bigl(G_\theta(z),\, x\bigr),$$
#
# where $\theta$ stands for all weights and biases of $G$. The chain rule splits its slope into two factors. One is lesson 4's force on each generated point; the other is how the point moves when a weight moves:
#
# $$\frac{\partial\,\mathrm{MMD}^2}{\partial\theta} \;=\; \sum_i \underbrace{\frac{\partial\,\mathrm{MMD}^2}{\partial G_\theta(z_i)}}_{\text{minus the force on point } i, \text{ divided by } n} \cdot \underbrace{\frac{\partial\, G_\theta(z_i)}{\partial\theta}}_{\text{what the network can do}}.$$
#
# A few lines check it: work out the slope at each point first, then hand these slopes to the network and let PyTorch do the second factor only. (`x.backward(slopes)` goes on from slopes that are known already.)

# %% teaches=["D16", "D19"]
z, x_real = 2 * uniform_noise(128, 2, rng) - 1, moons.sample(128, rng)
step_generator.zero_grad()
mmd2(step_generator(z), x_real, BANDWIDTHS).backward()
at_once = [p.grad.clone() for p in step_generator.parameters()]

points = step_generator(z).detach().requires_grad_()  # the points alone, cut off from the network
slope_at_points, = torch.autograd.grad(mmd2(points, x_real, BANDWIDTHS), points)
step_generator.zero_grad()
step_generator(z).backward(slope_at_points)  # the slope at each point, handed on through the network
difference = max((a - p.grad).abs().max().item() for a, p in zip(at_once, step_generator.parameters()))
print(f"largest difference between the two ways: {difference:.1e}")
assert difference < 1e-6

# %% [markdown]
# So lesson 4's arrows are all the generator ever hears. (One thing, many names: lesson 4 said *force*, we say *arrow*, and *push* or *pull* where its strength is meant. It is always minus a slope of the loss, at a generated point.) The comparison could be something else entirely, and the generator would not notice: it would still receive one arrow for each point.
#
# ## The code: the loop with a pause button
#
# To watch a loop as in Figure 5.3, one must be able to stop it and go on. Python has one word for that: a function that says `yield` instead of `return` hands out a value, sleeps, and goes on from the same line when asked for the next. The same loop, with that word:

# %% tags=["shows:helpers.training.gmn_steps"] teaches=["D16"]
def gmn_steps(generator, target, rng, bandwidth, noise_dim, batch_size, lr):
    optimizer = torch.optim.Adam(generator.parameters(), lr=lr)
    while True:
        z = 2 * uniform_noise(batch_size, noise_dim, rng) - 1  # 1. draw noise
        x_fake = generator(z)                                  # 2. generate
        x_real = target.sample(batch_size, rng)
        loss = mmd2(x_fake, x_real, bandwidth)                 # 3. compare
        optimizer.zero_grad()
        loss.backward()                                        # 4. back-propagate
        optimizer.step()                                       # 5. update
        yield loss.item()

# %% [markdown]
# `next(...)` makes one step. You own the button: in a cell of your own, `next(by_hand)` makes the sixth. (Run the cell below again, and a new network begins.)

# %% tags=["nbval-ignore-output"] teaches=["D16"]
by_hand = gmn_steps(networks.mlp((1, 64, 64, 1), rng), mixture, rng, BANDWIDTHS, noise_dim=1, batch_size=128, lr=3e-3)
print("five steps by hand:", ", ".join(f"{next(by_hand):.3f}" for _ in range(5)))

# %% [markdown]
# `train_gmn` is this loop with a progress bar, a snapshot every few steps, and a safe stop: keep the run under a name, `run = train_gmn(...)`, and after an interrupt `next(run)` goes on.
#
# ---
# # Part B: moons and a ring
#
# In the plane one sees more: the *grid* shows how the sheet of noise folds, the *arrows* (on the first 40 points) are the forces.

# %% tags=["nbval-ignore-output"] teaches=["D15", "D16"]
player(moon_film, layers=("real", "grid", "arrows", "loss"))

# %% [markdown]
# **Figure 5.6.** The training of Figure 5.1 as a film, without the generated points (switch them on), so that the sheet can be seen. Its lines crowd together along the moons: crowded lines, many points. Between the moons it is stretched thin, but not torn: the bridge of lesson 3. The two inner tips are still nearly empty at the end. The arrows are long at first; later pull and push nearly cancel, and they hardly show.
#
# The ring of eight heaps is harder: eight gaps to stretch thin, and a hole in the middle.

# %% tags=["nbval-ignore-output"] teaches=["D15", "D16"]
ring = distributions.ring()
ring_generator = networks.mlp((2, 64, 64, 2), rng)
ring_film = list(train_gmn(ring_generator, ring, rng, BANDWIDTHS, n_steps=900, batch_size=128, lr=4e-3, every=30))


def count_near(snapshot):
    return f"Of all points, {100 * score_modes(snapshot.x_fake, ring).high_quality:.0f} % lie on a heap."


player(ring_film, layers=("real", "generated", "grid", "loss"), describe=count_near)

# %% [markdown]
# **Figure 5.7.** A ring of eight small heaps. The sheet opens, shoots beyond the ring (and the frame), comes back, and gathers at the heaps; the rest of it hangs between them like a net.
#
# How good is that? Two numbers that had no part in the training: Wasserstein-1 with its floor, and the count of heaps. A point counts as **high quality** if it lies within three standard deviations of a heap's centre. A heap is **captured** if at least one high-quality point lies in it, and **covered** if it has at least a quarter of its fair share. The **reverse KL** says how uneven the shares of the heaps are: 0 if they are equal, log 8 = 2.08 if one has everything. A perfect sampler does not score 100 %: its own points stray.

# %% tags=["nbval-ignore-output"] teaches=["D15", "D16"]
FLOORS = {target.name: distances.wasserstein_floor(target, 500, rng, repeats=5) for target in (moons, ring)}


def far(snapshot):
    """Wasserstein-1 between 500 generated and 500 real points."""
    return distances.wasserstein1(snapshot.x_fake[:500], snapshot.x_real[:500])


for target, film in ((moons, moon_film), (ring, ring_film)):
    print(f"{target.name}: W1 {far(film[0]):.2f} at first, {far(film[-1]):.2f} at the end, "
          f"floor {FLOORS[target.name]:.2f}")
    assert film[-1].losses[-50:].mean() < film[-1].losses[0] / 10, "the loss falls tenfold"
print("generated:", score_modes(ring_film[-1].x_fake, ring))
print("perfect:  ", perfect_score(ring, len(ring_film[-1].x_fake)))
assert score_modes(ring_film[-1].x_fake, ring).captured == 8

# %% [markdown]
# All eight heaps are captured; how even the shares are differs from run to run. But in these runs a good part of the points lies *between* the heaps. Both are typical of a GMN. A real heap without generated points, *within reach of a bandwidth*, pulls at every step, and mostly somebody comes; and a small rest between two heaps, with real points on both sides, is hardly pushed at all.
#
# ## Check: three experiments
#
# Bandwidth, batch size, noise dimension. Each is one function with one argument that varies; three seeds each, and the spread is shown. Say first what you expect.

# %% tags=["nbval-ignore-output"] teaches=["D16", "D20"]
def trained_distance(target, seed, bandwidth=BANDWIDTHS, batch_size=128, noise_dim=2, n_steps=120):
    """Wasserstein-1 (500 points) of a fresh network at the end of its training."""
    own_rng = torch.Generator().manual_seed(100 * SEED + seed)
    network = networks.mlp((noise_dim, 64, 64, 2), own_rng)
    film = list(train_gmn(network, target, own_rng, bandwidth, noise_dim, n_steps=n_steps, batch_size=batch_size,
                          lr=4e-3, every=n_steps, n_shown=500, n_arrows=0))
    return far(film[-1])


def experiment(target, argument, values):
    """{value in words: the distances of three networks}"""
    words = ["several" if value is BANDWIDTHS else str(value) for value in values]
    ends = [[trained_distance(target, seed, **{argument: value}) for seed in range(3)] for value in values]
    return dict(zip(words, ends))


by_bandwidth = experiment(moons, "bandwidth", (0.03, 0.3, 10.0, BANDWIDTHS))
by_batch = experiment(moons, "batch_size", (8, 32)) | {"128": by_bandwidth["several"]}  # the same runs

# %% tags=["nbval-ignore-output"] teaches=["D16", "D20"]
by_noise = experiment(ring, "noise_dim", (1, 2, 16))

results = {"bandwidth": by_bandwidth, "batch size": by_batch, "noise dimension": by_noise}
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), layout="constrained", width_ratios=(4, 3, 3))
for ax, (name, result), target in zip(axes, results.items(), (moons, moons, ring)):
    for i, ends in enumerate(result.values()):
        ax.plot([i] * len(ends), ends, "^", color=PALETTE["generated"], ms=6, alpha=0.7)
        ax.plot([i - 0.25, i + 0.25], [np.mean(ends)] * 2, color=PALETTE["ink"], lw=2)
    floor, top = FLOORS[target.name], 1.15 * max(max(ends) for ends in result.values())
    ax.axhline(floor, color=PALETTE["real"], ls="--", lw=1)
    ax.text(-0.4, floor - 0.01 * top, "floor", color=PALETTE["real"], va="top", fontsize="small")
    ax.set_xticks(range(len(result)), list(result))
    finish(ax, title=f"{name} ({target.name})", limits=((-0.5, len(result) - 0.5), (0, top)), xlabel=name)
axes[0].set_ylabel("Wasserstein-1 after 120 steps")
plt.show()

# %% [markdown]
# **Figure 5.8.** Each triangle is one network after 120 steps, the bars are means, the dashed line the floor: two samples of the real distribution. (Each panel has its own scale.) Left: a bandwidth far too small or far too large ruins the training; 0.3 happens to suit the moons, and several bandwidths come near it without our knowing that. Middle: with 128 points in a batch the mean distance is clearly smaller than with 8. Right: on the ring, two noise dimensions are ahead of one and sixteen.

# %% teaches=["D16", "D20"]
mean = {name: {key: np.mean(ends) for key, ends in result.items()} for name, result in results.items()}
assert min(by_bandwidth["10.0"]) > 2 * max(by_bandwidth["several"])
assert min(by_bandwidth["0.03"]) > max(by_bandwidth["several"])
assert mean["bandwidth"]["several"] < 1.6 * mean["bandwidth"]["0.3"]
assert mean["batch size"]["8"] > 1.15 * mean["batch size"]["128"]
assert mean["noise dimension"]["2"] < min(mean["noise dimension"]["1"], mean["noise dimension"]["16"])

# %% [markdown]
# The batch has its price: every step compares all pairs, $3n^2$ of them. From 8 to 128 points per batch there are 256 times as many. And why does a *larger* noise space not help? The ring is a curve with gaps, and sixteen dimensions of noise have to be folded into it. A single thread, on the other hand, must be bent at every heap, which is slow to learn. Slow is the word: this is a race of 120 steps. With more steps sixteen dimensions may catch up (`trained_distance(ring, 0, noise_dim=16, n_steps=1200)` is one way to look), and other targets want other noise: the pictures below get sixteen, since puppies vary in many ways at once.
#
# ### The same network, two training signals
#
# Before the pictures, one remark to keep. Figure 5.2 had a box called *compare*, and the generator hears nothing of it but one arrow per point. In this lesson the box is a fixed formula. In lesson 7 it will be a second network that learns to see differences. **The generator stays the same.** GMN and GAN (*generative adversarial network*, the pair of lesson 7) are not two kinds of generators; they are two training signals.
#
# | | this lesson | lesson 7 |
# |---|---|---|
# | generator, noise, loop | the same | the same |
# | compare | squared MMD: a fixed kernel | a second network, trained at the same time |
# | what is minimised | the distance itself (direct) | what the second network says (indirect) |
# | looks at | all pairs of a batch | one point at a time |
#
# ---
# # Part C: puppies
#
# Now 3,072 numbers for each picture: $32\times32$ puppies in colour. The loop does not change; a vector is a point. The bandwidths are multiples of the median distance, since nobody knows the scale of pixel space by heart.
#
# There are two ways to let a network make a picture. It can make the **pixels**. Or it can make a **code**, 64 numbers that stand for a picture, and a fixed *decoder* makes the picture of them. Our codes are lesson 1's principal components, the 64 directions in which puppies vary most. (The GMMN paper does the same with a decoder that was trained.)

# %% teaches=["D15"]
pixels = puppies.draw_puppies(uniform_noise(1000, puppies.N_FACTORS, rng), size=32).flatten(1)
fresh = puppies.draw_puppies(uniform_noise(300, puppies.N_FACTORS, rng), size=32).flatten(1)

mean_picture = pixels.mean(dim=0)
_, _, directions = torch.linalg.svd(pixels - mean_picture, full_matrices=False)
directions = directions[:64].T  # (3072, 64)
code_scale = ((pixels - mean_picture) @ directions).std()


def encode(x):
    return (x - mean_picture) @ directions / code_scale


def decode(codes):
    return codes * code_scale @ directions.T + mean_picture


def outside(x):
    """The share of the variance that lies outside the 64 directions."""
    return (((decode(encode(x)) - x) ** 2).sum() / ((x - x.mean(dim=0)) ** 2).sum()).item()


print(f"a code of 64 numbers instead of 3,072 pixels keeps {100 * (1 - outside(fresh)):.0f} % of the variance of fresh puppies")

# %% [markdown]
# ## Predict
#
# A code can be compared as a code or, decoded, as a picture; pixels only as pixels. So there are three GMNs, with the same hidden layers, noise and number of steps: it makes codes and *codes* are compared; it makes codes and *pixels* are compared; it makes pixels. Which pictures will look alike?
#
# **(a)** all three &nbsp; **(b)** the two that are compared in pixels &nbsp; **(c)** the two that make codes &nbsp; **(d)** none

# %% tags=["nbval-ignore-output"] teaches=["D15", "D20"]
class Decoder(torch.nn.Module):
    """The fixed decoder as a last layer, with nothing in it to be trained."""

    def forward(self, codes):
        return decode(codes)


def trained(makes, compares, seed, n_steps=150):
    """The pictures that a network makes of 400 noise vectors after its training."""
    own_rng = torch.Generator().manual_seed(100 * SEED + seed)
    network = networks.mlp((16, 128, 128, 3072 if makes == "pixels" else 64), own_rng)
    if makes == "codes" and compares == "pixels":
        network = torch.nn.Sequential(network, Decoder())
    data = pixels if compares == "pixels" else encode(pixels)
    bandwidths = [scale * distances.median_bandwidth(data[:500]) for scale in (0.25, 0.5, 1.0, 2.0)]
    film = list(train_gmn(network, distributions.from_points(data), own_rng, bandwidths, noise_dim=16, n_steps=n_steps,
                          batch_size=128, lr=4e-3, every=n_steps, n_shown=400, n_arrows=0))
    return film[-1].x_fake if compares == "pixels" else decode(film[-1].x_fake)


gaussian = torch.distributions.MultivariateNormal(encode(pixels).mean(dim=0), torch.cov(encode(pixels).T))
gaussian_codes = torch.randn(400, 64, generator=rng) @ gaussian.scale_tril.T + gaussian.loc
sheets = {"real, never seen in training": fresh,
          "real, through their codes: the best such codes allow": decode(encode(fresh)),
          "GMN makes codes, codes are compared": trained("codes", "codes", seed=0),
          "GMN makes codes, pixels are compared": trained("codes", "pixels", seed=0),
          "GMN makes pixels": trained("pixels", "pixels", seed=0),
          "no network: one Gaussian, fitted to the codes": decode(gaussian_codes)}
fig, axes = plt.subplots(6, 1, figsize=(9, 6.9), layout="constrained")
for ax, (name, x) in zip(axes, sheets.items()):
    picture_grid(ax, x[:12].clamp(0, 1).reshape(-1, 3, 32, 32), columns=12)
    finish(ax, title=name)
plt.show()

# %% [markdown]
# **Figure 5.9.** Six rows of twelve pictures. Real puppies; the same through their codes, soft, with ghosts of ears; three GMNs; and codes drawn from one Gaussian. Whatever makes codes makes puppies with ghosts of other ears and outlines. What makes pixels makes the shape of a puppy under coloured noise.
#
# **(c)**: it matters little where they are *compared*, and much what the generator *can make*. Now measured. **Sharpness**: the average difference between neighbouring pixels, divided by that of real pictures; below 1 is blur, far above 1 is noise. **Outside**: the share of the variance that lies outside the 64 directions.
# **Spread**: the average distance between two generated pictures, divided by that between two real ones, both reduced to codes (noise between pixels would fake it); near 0 would be collapse, one picture over and over.
# **Litters**: how many of the 40 kinds of puppies appear, read by the network of `helpers.puppies`. **Nearest**: the distance to the nearest training picture, again in codes, divided by what a fresh real puppy has; near 0 would be copying.

# %% tags=["nbval-ignore-output"] teaches=["D15", "D20"]
def neighbour_difference(x):
    x = x.clamp(0, 1).reshape(-1, 3, 32, 32)
    return ((x[:, :, 1:] - x[:, :, :-1]).abs().mean() + (x[..., 1:] - x[..., :-1]).abs().mean()).item()


def to_nearest(x):
    return torch.cdist(encode(x), encode(pixels)).min(dim=1).values.mean().item()


def measures(x):
    x = x.clamp(0, 1)
    return {"sharpness": neighbour_difference(x) / neighbour_difference(fresh), "outside": outside(x),
            "spread": (torch.pdist(encode(x)).mean() / torch.pdist(encode(fresh)).mean()).item(),
            "litters": len(set(puppies.litter_of(x.reshape(-1, 3, 32, 32)).tolist())),
            "nearest": to_nearest(x) / to_nearest(fresh)}


print(f"{'':54}" + "".join(f"{name:>10}" for name in ("sharpness", "outside", "spread", "litters", "nearest")))
table = {name: measures(x) for name, x in sheets.items()}
for name, row in table.items():
    print(f"{name:54}" + "".join(f"{value:10}" if isinstance(value, int) else f"{value:10.2f}" for value in row.values()))
makes_pixels = table["GMN makes pixels"]
for how in ("codes", "pixels"):
    makes_codes = table[f"GMN makes codes, {how} are compared"]
    assert makes_codes["sharpness"] < 0.6 * makes_pixels["sharpness"] and makes_pixels["sharpness"] > 1.5
    assert makes_codes["outside"] < 0.1 < 0.3 < makes_pixels["outside"], "clipping to black and white leaves a little"
    assert makes_codes["spread"] > 0.7 > makes_pixels["spread"]
plain, gmn = table["no network: one Gaussian, fitted to the codes"], table["GMN makes codes, codes are compared"]
assert plain["spread"] > 0.95 * gmn["spread"] and plain["nearest"] < gmn["nearest"]
assert abs(plain["sharpness"] - 1) < abs(gmn["sharpness"] - 1) and plain["litters"] >= gmn["litters"]

# %% [markdown]
# The same for other seeds, where codes are compared:

# %% tags=["nbval-ignore-output"] teaches=["D15"]
for seed in (1, 2):
    row = measures(trained("codes", "codes", seed))
    print(f"seed {seed}: " + ", ".join(f"{key} {value:.3g}" for key, value in row.items()))
    assert row["spread"] > 0.7, "no collapse"
    assert row["nearest"] > 1, "on average farther from the training pictures than fresh puppies are"

# %% [markdown]
# Read the columns. *The GMN on codes does not collapse*: its spread stays near that of real puppies, on all three seeds, and it *does not simply copy*: on average its pictures are farther from the training pictures than fresh puppies are. (A mean would hide single copies; lesson 11 has a test for them.) That is also what is wrong with them: they lie *beside* the thin sheets on which puppies lie.
# (The decoder alone blurs; false detail lifts the sharpness above 1 again. And *litters* is a generous measure: the reading network names a litter for any picture, even an ugly one. Lesson 11 comes back with better ones.)
#
# Now look at the last row. One Gaussian, that is means and covariances and nothing else, does as well or better in sharpness, spread, litters and *nearest*. (*Outside* tells a network that makes pixels from a decoder, and no more.) After this training these measures, and perhaps your eyes, give no sign that the GMN has learned anything beyond them. Claims about generated pictures need such a row.
#
# And why noise, when the network makes pixels? Not because the comparison got worse: behind the decoder, the same comparison in pixels does no harm. The likely reason: the kernel sees only distances between pictures, and these can be made about right in a cheap way, by noise in directions in which real puppies hardly vary. (Look at *outside*, and at the spread that is left in codes. The last layer mixes 128 hidden numbers, so there are at most 128 such directions, but each is spread over all pixels.) To take the noise back needs a signal along each of them, and each is faint. A decoder cannot make such noise in the first place.
#
# ---
# # Part D: why GMNs are rare
#
# You may read that GMNs are rare because minimising the MMD is unstable. In the runs above with sensible settings nothing unstable happened. There are other reasons.
#
# **A fixed kernel asks the wrong question about pictures.** It compares pixel by pixel: a puppy moved by two pixels is far from itself, and one under faint noise is near. Behind the decoder that did little harm, because the decoder leaves few wrong pictures to make; it is no guide to sharp ones.
#
# **The signal drowns in coordinates that carry noise.** Take two round Gaussians in $d$ dimensions, with standard deviation 1 in each coordinate, one of them shifted by 1 along one coordinate. Whoever knows the densities finds the difference as easily as ever: KL is exactly $\tfrac12$ for every $d$. The MMD has a closed form too. Two points of one cloud differ by about $\sqrt{2d}$, so take that as the bandwidth, $\sigma^2 = 2d$:
#
# $$\mathrm{MMD}^2 \;=\; 2\,\underbrace{\left(1+\tfrac{2}{\sigma^2}\right)^{-d/2}}_{\text{mean kernel within a cloud}}\,\Bigl(1 - \underbrace{e^{-1/(2(2+\sigma^2))}}_{\text{what the shift leaves of it}}\Bigr) \;\approx\; \frac{0.303}{d} \quad\text{for large } d.$$
#
# (The first factor tends to $e^{-1/2}$, the bracket is about $1/(4d)$, and $2 \cdot e^{-1/2} / 4 = 0.303$.)

# %% teaches=["D20"]
def shift_mmd2(d):
    """The exact squared MMD of N(0, I) and N(e, I) in d dimensions, |e| = 1, at bandwidth sqrt(2 d)."""
    square = 2 * d
    return -2 * (1 + 2 / square) ** (-d / 2) * math.expm1(-1 / (2 * (2 + square)))


for d in (1, 2, 10, 100, 30_000):
    print(f"d = {d:6}: squared MMD {shift_mmd2(d):.3e}, times d {d * shift_mmd2(d):.3f}; KL 0.5")
assert math.isclose(shift_mmd2(1), 0.16617, rel_tol=1e-4) and math.isclose(shift_mmd2(30_000), 1.0109e-5, rel_tol=1e-3)
assert abs(30_000 * shift_mmd2(30_000) - 0.303) < 0.001

# %% [markdown]
# Small numbers alone do no harm; one could multiply. What counts is the *noise* of the estimate beside them. The sliders show 60 estimates, with the shift and without, for as many dimensions, and as many points in each cloud, as you choose.

# %% tags=["nbval-ignore-output"] teaches=["D20"]
DIMENSIONS, POINTS = (1, 10, 100, 1000), (25, 100, 400)


def estimates(d, n, shift, repeats=60):
    found = []
    for _ in range(repeats):
        x, y = torch.randn(2, n, d, generator=rng)
        y[:, 0] += shift
        found.append(mmd2(x, y, math.sqrt(2 * d)).item())
    return np.array(found)


drawn = {(d, n): (estimates(d, n, 1.0), estimates(d, n, 0.0)) for d in DIMENSIONS for n in POINTS}

# %% tags=["nbval-ignore-output"] teaches=["D20"]
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
EDGES = np.linspace(-4, 16, 61)
with_shift = ax.stairs(np.zeros(60), EDGES, fill=True, color=PALETTE["extra"], alpha=0.5, label="one cloud shifted by 1")
without = ax.stairs(np.zeros(60), EDGES, color=PALETTE["ink"], lw=2, label="no difference")
ax.legend(frameon=False, loc="upper right")
finish(ax, limits=((-4, 16), (0, 25)), title="does the shift stand out?", ylabel="of 60 repeats",
       xlabel="estimated squared MMD, in standard deviations of 'no difference'")
ax.set_xticks([-4, 0, 4, 8, 12, 15.8], ["-4", "0", "4", "8", "12", "16 and more"])


def in_deviations(d, n):
    shifted, same = drawn[d, n]
    return shifted / same.std(), same / same.std()


def stands_out(d, n):
    """The share of estimates with the shift that are larger than 95 % of those without."""
    shifted, same = drawn[d, n]
    return (shifted > np.quantile(same, 0.95)).mean()


def draw(dimensions, points):
    shifted, same = in_deviations(dimensions, points)
    with_shift.set_data(np.histogram(shifted.clip(-4, 15.9), EDGES)[0])
    without.set_data(np.histogram(same.clip(-4, 15.9), EDGES)[0])
    return (f"Dimensions: {dimensions}, points in each cloud: {points}. Exact squared MMD {shift_mmd2(dimensions):.2g}; the shift "
            f"stands out in {100 * stands_out(dimensions, points):.0f} % of the repeats (5 % would be chance).")


sliders(draw, fig, dimensions=list(DIMENSIONS)[::-1], points=[100, 25, 400])

# %% [markdown]
# **Figure 5.10.** Estimates with the shift (filled) and without (outline), in units of the scatter without. In 1,000 dimensions and with 100 points the two overlap for the most part, and in many repeats the shift is missed. Choose 1 dimension, and they lie far apart; or 400 points, and they part. (The last bar collects everything from 16 on; where it reaches the top it is cut off.)

# %% tags=["nbval-ignore-output"] teaches=["D20"]
print("the shift stands out, in % of the repeats:")
for n in POINTS:
    print(f"  {n:3} points: " + ", ".join(f"{100 * stands_out(d, n):3.0f} in d = {d}" for d in DIMENSIONS))
assert stands_out(1, 100) > 0.9 and stands_out(1000, 100) < 0.75
assert stands_out(1000, 25) < stands_out(1000, 400)
scatter = {n: np.mean([drawn[d, n][1].std() * n for d in (10, 100)]) for n in POINTS}
assert 0.7 < scatter[400] / scatter[25] < 1.4, "without a difference the scatter falls like 1/n"

# %% [markdown]
# **More points help, and cost their square.** Without a difference the scatter of the estimate falls like $1/n$ (with a large one, like $1/\sqrt n$), and the cost of a step grows like $n^2$: a signal that is ten times weaker *beside the scatter* wants ten times the batch and a hundred times the work. (From 100 to 1,000 dimensions the squared MMD falls tenfold, but the scatter falls too: four times the points were enough.) Part of this is simply the price of not knowing where to look, and every such comparison pays it.
#
# Now the part that is often told wrong. It is *not* the number of coordinates that is to blame. Lay the ring flat into 784 dimensions, by any rotation: no distance between points changes, so no kernel changes, and MMD sees what it saw. What drowns it are coordinates that carry *noise of their own*. The same pairs of clouds, the same bandwidth, three ways to lay them out:

# %% tags=["nbval-ignore-output"] teaches=["D20"]
rotation, _ = torch.linalg.qr(torch.randn(784, 784, generator=rng))


def flat(x):
    return x @ rotation[:2]


def with_noise(x):
    return torch.cat([x, torch.randn(len(x), 782, generator=rng)], dim=1)


WIDE = distances.median_bandwidth(with_noise(ring.sample(100, rng)))  # fits where the noise is
step_aside = torch.tensor([1.0, 0.0])
pairs = [(ring.sample(100, rng), ring.sample(100, rng)) for _ in range(60)]
signals = {}
for name, place in {"in the plane": lambda x: x, "flat in 784 dimensions": flat, "with 782 noise coordinates": with_noise}.items():
    same = [mmd2(place(x), place(y), WIDE).item() for x, y in pairs]
    other = [mmd2(place(x), place(y + step_aside), WIDE).item() for x, y in pairs]
    signals[name] = np.mean(other) / np.std(same)
print(f"ring against the ring shifted by 1, bandwidth {WIDE:.1f}, average signal in standard deviations: "
      + ", ".join(f"{name} {value:.1f}" for name, value in signals.items()))
x, y = pairs[0]
assert torch.isclose(mmd2(x, y, 1.0), mmd2(flat(x), flat(y), 1.0), atol=1e-4)
assert signals["flat in 784 dimensions"] > 4 * signals["with 782 noise coordinates"]

# %% [markdown]
# (The bandwidth is one that suits the noisy case; so wide a kernel sees means only, and the shift is a difference of means.)
#
# ## When it breaks
#
# Three ways to ruin a run, and a good one, in some order: one bandwidth of 0.03; a batch of 4; a learning rate of 0.3. Which is which? (Do not read the cell that draws them; the one after the figure tells.)

# %% tags=["nbval-ignore-output"] teaches=["D16"]
SETTINGS = {"a learning rate of 0.3": dict(bandwidth=BANDWIDTHS, batch_size=128, lr=0.3),
            "a batch of 4": dict(bandwidth=BANDWIDTHS, batch_size=4, lr=3e-3),
            "good": dict(bandwidth=BANDWIDTHS, batch_size=128, lr=3e-3),
            "one bandwidth of 0.03": dict(bandwidth=0.03, batch_size=128, lr=3e-3)}
fig, axes = plt.subplots(2, 4, figsize=(9.6, 4.9), layout="constrained")
broken = {}
low, high = torch.tensor(moons.limits).T
for i, (name, setting) in enumerate(SETTINGS.items()):
    own_rng = torch.Generator().manual_seed(SEED)
    network = networks.mlp((2, 64, 64, 2), own_rng)
    film = list(train_gmn(network, moons, own_rng, n_steps=300, every=280, n_arrows=0, **setting))
    broken[name] = film[-2:]
    for ax, snapshot in zip(axes[:, i], film[-2:]):  # two moments, 20 steps apart
        film_strip(ax, [snapshot])
        finish(ax, title=f"{'ABCD'[i]}, step {snapshot.step}")
        if n_outside := ((snapshot.x_fake < low) | (snapshot.x_fake > high)).any(dim=1).sum().item():
            ax.text(0.97, 0.03, f"{n_outside:,} outside", transform=ax.transAxes, ha="right", fontsize="small")
plt.show()

# %% [markdown]
# **Figure 5.11.** Four runs, each after 280 and after 300 steps, with the number of generated points that lie outside the picture: A has lost all of them; B has the right region, and moves between the two moments; C follows both moons, with a sheet between them; D has some points on a moon and many that lie about.

# %% tags=["nbval-ignore-output"] teaches=["D16"]
ends = {}
for letter, (name, snapshots) in zip("ABCD", broken.items()):
    moved = (snapshots[1].x_fake - snapshots[0].x_fake).norm(dim=1).mean()
    ends[name] = far(snapshots[1])
    last_losses = snapshots[1].losses[-20:]
    print(f"{letter}: {name:24} W1 {ends[name]:9,.2f}    average way of a point in 20 steps {moved:6.2f}    "
          f"loss in them between {last_losses.min():.3f} and {last_losses.max():.3f}")
    assert last_losses.isfinite().all(), "no number breaks"
assert ends["good"] < min(end for name, end in ends.items() if name != "good")

# %% [markdown]
# *A*: steps far too long; the network has thrown its points far out of the picture, where no kernel reaches, and they do not come back. (They still wander: Adam gives every parameter its own step length, and makes long steps even of a slope that is nearly 0.) No error was raised: the loss is a finite number, and not even a strange one. *B*: four points say little about a distribution, and every step believes them. *D*: the points push each other apart, and only those that happen to be near feel the moons.
#
# When the numbers themselves break, the run says so and stops, with the network as it was before that step (which by then is usually spoilt: the step before had already thrown it out):

# %% teaches=["D16"]
wild = networks.mlp((2, 64, 64, 2), torch.Generator().manual_seed(0))
try:
    list(train_gmn(wild, moons, torch.Generator().manual_seed(0), BANDWIDTHS, n_steps=400, batch_size=64, lr=1e20))
    raise AssertionError("a learning rate like this must not go unnoticed")
except FloatingPointError as error:
    print(error)

# %% [markdown]
# ## Exercises
#
# **1. Change a number and predict.** Suppose the mixture of Figure 5.3 had a fourth heap, far out at 20, with a tenth of the points. Which of the bandwidths 0.1, 0.3, 1, 3 would tell the network of it? Is it enough to add 10 to the list? What if 10 were the only one? Predict; then copy the loop of Part A, put in `distributions.mixture_1d((-2.0, 0.5, 2.5, 20.0), (0.5, 0.3, 0.6, 0.5), (0.3, 0.3, 0.3, 0.1))` for `mixture` and your own list for `BANDWIDTHS`, train a new network for 600 steps with each list, and look at `(x_fake > 15).float().mean()`.
#
# **2. Fill in the line.** The loss of one step of a GMN, by the unbiased estimate. Mind who is compared with whom.

# %%
probe = networks.mlp((2, 8, 2), torch.Generator().manual_seed(1))
z_probe, x_probe = 2 * uniform_noise(50, 2, rng) - 1, moons.sample(50, rng)


def gmn_loss(generator, z, x_real, bandwidth):
    return ...  # your line: one number; the helper mmd2 may be used


made = probe(z_probe)
loss_hints = {
    "the noise has to go through the generator first": mmd2(z_probe, x_probe, 0.5),
    "that is the biased estimate (with which the first GMMN was trained, too)": mmd2(made, x_probe, 0.5, biased=True),
    "that pushes generated points away from the real ones: the sign is wrong": -mmd2(made, x_probe, 0.5),
    "that asks point i to become point i, as if there were pairs": ((made - x_probe) ** 2).mean(),
    "the real points went through the generator, too": mmd2(made, probe(x_probe), 0.5),
}
compare("gmn_loss", lambda: gmn_loss(probe, z_probe, x_probe, 0.5), mmd2(made, x_probe, 0.5), loss_hints)

# %% [markdown]
# **3. Find the missing line.** This function should return the slope of the *second* loss alone, as a training loop needs it. One line is missing between the two back-propagations; put it in, and complete the last one. (For a tensor without an optimizer, `weight.grad = None` does what `zero_grad` does.)

# %%
def slope_of_the_second(weight, first, second):
    first().backward()   # first() and second() compute the two losses
    # a line is missing here
    second().backward()
    return ...           # then return weight.grad


def two_losses():
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    called = []  # the second loss is another number if the first was not worked out before it

    def first():
        called.append("first")
        return (weight**2).sum()

    def second():
        return (3 * weight if called else weight).sum()

    return weight, first, second


slope_hints = {
    "slopes add up until somebody wipes them: weight.grad = None between the two": torch.tensor([5.0, 7.0]),
    "that is the slope of the first loss": torch.tensor([2.0, 4.0]),
    "that is the weight itself": torch.tensor([1.0, 2.0]),
    "the first loss has to be back-propagated, too": torch.tensor([1.0, 1.0]),
}
compare("slope_of_the_second", lambda: slope_of_the_second(*two_losses()), torch.tensor([3.0, 3.0]), slope_hints)

# %% [markdown]
# **4. Fill in the line.** How many kernel values does one step of training compute, for `n` generated and `n` real points and `k` bandwidths? (Count all three blocks in full, the diagonals too, and no shortcuts.)

# %%
def kernel_values(n, k):
    return ...  # your line


count_hints = {
    "generated with generated, real with real, generated with real: three blocks": 100**2 * 5,
    "every block has n times n pairs": 3 * 100 * 5,
    "each bandwidth has a kernel of its own": 3 * 100**2,
    "count the diagonals too: they are computed, and left out afterwards": (2 * 100 * 99 + 100**2) * 5,
    "the mixed pairs are computed once; the factor 2 of the formula costs nothing": 4 * 100**2 * 5,
}
compare("kernel_values", lambda: kernel_values(100, 5), 150_000, count_hints)

# %% [markdown]
# **5. Fill in the line.** A *linear* generator $G(z) = Az + b$ turns our square of noise into parallelograms. What can it learn from the linear kernel $x \cdot y$? Return the loss for a batch `x_fake` and `x_real`: the squared MMD of the linear kernel, biased, without any double sum.

# %%
def linear_mmd2(x_fake, x_real):
    return ...  # your line


linear_reference = ((made.mean(dim=0) - x_probe.mean(dim=0)) ** 2).sum()
linear_hints = {
    "square the difference of the means": (made.mean(dim=0) - x_probe.mean(dim=0)).abs().sum(),
    "that is a distance: the square root is too much": linear_reference.sqrt(),
    "the mean over the points, not over everything": (made.mean() - x_probe.mean()) ** 2,
    "mean first, square then: yours pairs the points": ((made - x_probe) ** 2).sum(dim=1).mean(),
    "sum over the coordinates": ((made.mean(dim=0) - x_probe.mean(dim=0)) ** 2).mean(),
}
compare("linear_mmd2", lambda: linear_mmd2(made, x_probe), linear_reference, linear_hints)

# %% [markdown]
# **6. Open question.** The witness of lesson 4 is the best question that one *fixed* kernel can ask, and in pixel space it asks poorly. Who could ask better ones, and where would they learn which questions are good? What might go wrong when they do?
#
# ## Recap
#
# - Can a distance alone train a generator? Yes, in few dimensions; for pictures, not this one, not alone.
# - Draw, generate, compare, back-propagate, update: five steps train a generator from samples alone. The gradient flows through the comparison and the generated points into the generator.
# - The slope at a weight is the force on each point times what the network can do about it. The generator hears nothing else.
# - On a line the network most often finds the inverse CDF or its mirror image. In the plane it folds the sheet of noise; bridges remain.
# - In these runs several bandwidths and a decent batch did best or nearly so. All eight heaps of the ring were captured, and the GMN on codes did not collapse; many points stayed between the heaps, and the pictures had ghosts. A bandwidth that reaches a heap is necessary, and not sufficient (Exercise 1).
# - On pictures, let the generator make codes rather than pixels. Set the row of a simple Gaussian beside every claim.
# - GMNs are rare because a fixed kernel compares pictures poorly, because the signal drowns where coordinates carry noise, and because more points cost their square. In our runs they were not unstable.
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
#
# ## Next
#
# A fixed kernel asks fixed questions. What if the questions could be *learned*, by a second network that looks for differences while the first one removes them? Then two networks learn at the same time, and what is good for the one is bad for the other. That is a game, and games have surprises of their own.
# *What happens when two players learn at once?*

# %% [markdown]
# ## Answers
#
# Open what you want to see: the answers in words by their triangle, the code by the three dots.

# %% [markdown] tags=["answer"]
# <details><summary>Answer 1</summary>
#
# None of the four: 20 is more than five times the widest bandwidth away from everything the network makes, and at such a distance the kernel is below $10^{-5}$. The far heap adds a constant to the loss and no slope. A bandwidth of 10 feels it: alone, it sends points there within 600 steps.
# As a fifth member of the list it does not, and that is less obvious. The most that a kernel can pull goes like $1/\sigma$ (lesson 4), so the narrow ones have more to say, and they hold every point that already lies in the right heap: to leave is to make a hole. What is far must outweigh what is near; a bandwidth that reaches is necessary, and not sufficient.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer", "nbval-ignore-output"]
far_heap = distributions.mixture_1d((-2.0, 0.5, 2.5, 20.0), (0.5, 0.3, 0.6, 0.5), (0.3, 0.3, 0.3, 0.1))
for bandwidths in (BANDWIDTHS, [*BANDWIDTHS, 10.0], [10.0]):
    own_rng = torch.Generator().manual_seed(SEED)
    film = list(train_gmn(networks.mlp((1, 64, 64, 1), own_rng), far_heap, own_rng, bandwidths, noise_dim=1,
                          n_steps=600, batch_size=128, lr=3e-3, every=600, n_arrows=0))
    share = (film[-1].x_fake > 15).float().mean().item()
    print(f"bandwidths {bandwidths}: {100 * share:.1f} % of the generated points beyond 15")
    assert share > 0.002 if bandwidths == [10.0] else share < 0.002

# %% jupyter={"source_hidden": true} tags=["answer"]
def gmn_loss(generator, z, x_real, bandwidth):
    return mmd2(generator(z), x_real, bandwidth)


def slope_of_the_second(weight, first, second):
    first().backward()
    weight.grad = None  # what optimizer.zero_grad() does
    second().backward()
    return weight.grad


def kernel_values(n, k):
    return 3 * n**2 * k


def linear_mmd2(x_fake, x_real):
    return ((x_fake.mean(dim=0) - x_real.mean(dim=0)) ** 2).sum()


compare("gmn_loss", lambda: gmn_loss(probe, z_probe, x_probe, 0.5), mmd2(made, x_probe, 0.5), loss_hints)
compare("slope_of_the_second", lambda: slope_of_the_second(*two_losses()), torch.tensor([3.0, 3.0]), slope_hints)
compare("kernel_values", lambda: kernel_values(100, 5), 150_000, count_hints)
compare("linear_mmd2", lambda: linear_mmd2(made, x_probe), linear_reference, linear_hints)

# %% [markdown] tags=["answer"]
# <details><summary>Answer 5, in words</summary>
#
# Its $b$, so that the means agree, and nothing of the shape: the linear kernel compares means only, and since the noise has mean 0, $A$ does not change the mean of what is made.
#
# </details>

# %% [markdown] tags=["answer"]
# <details><summary>Answer 6</summary>
#
# A second network can ask questions, one number for each point, and it can learn good ones from the only teacher there is: the points themselves, labelled *real* and *generated*. What might go wrong: the question that separates the clouds today is stale tomorrow, because the generator has moved; the questioner may become so good that every answer is "certainly generated", and then a small
# step changes nothing and there is no slope to follow; and the two may chase each other in circles. Lessons 6 to 8 meet all three.
#
# </details>
