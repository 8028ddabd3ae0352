# %% [markdown]
# # 4. The distance between two clouds
#
# **How far apart are two clouds of points?**
#
# Lesson 3 ended with a wish: make a cloud of generated points like a cloud of real ones, when nobody says which point belongs to
# which. Before anything can be made *more alike*, somebody has to say *how* alike: one number for two clouds. This lesson tries
# several such numbers, breaks most of them, and takes one apart until you can feel it push: the **maximum mean discrepancy**.
#
# *You need*: lessons 1 to 3, the mean and the variance, and what a slope is. *Time*: about two hours, with the exercises.
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
from matplotlib.colors import LinearSegmentedColormap

from helpers import distances, distributions
from helpers.checks import compare
from helpers.plots import DISTANCE_LOOKS, PALETTE, TEXT, finish, scatter_samples
from helpers.widgets import sliders

torch.set_num_threads(1)  # on clouds as small as these, several threads only wait for each other
SEED = 4
rng = torch.Generator().manual_seed(SEED)

# %% [markdown]
# Here are two clouds, 400 points each. The real ones come from a ring of eight heaps, the generated ones from a single round
# Gaussian. (Nothing has been trained in this lesson: "generated" just means the cloud that should become like the other.)

# %% teaches=["D12"]
ring = distributions.ring(8, radius=2.0, sd=0.15)
LIMITS = ((-5.0, 5.0), (-4.2, 4.2))


def standardised(x):
    """x moved, turned and stretched to mean 0 and the identity as covariance, exactly."""
    x = x - x.mean(dim=0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T))).T


x_ring = ring.sample(400, rng)
round_cloud = standardised(torch.randn(400, 2, generator=rng))
like_ring = torch.linalg.cholesky(torch.cov(x_ring.T))  # gives a cloud the ring's own covariance
x_round = round_cloud @ like_ring.T + x_ring.mean(dim=0)

fig, ax = plt.subplots(figsize=(5.4, 4.6), layout="constrained")
scatter_samples(ax, x_ring, kind="real", label="real")
scatter_samples(ax, x_round, kind="generated", label="generated")
ax.legend(loc="upper right", frameon=False)
finish(ax, title="two clouds: how far apart?", limits=LIMITS, equal=True)
plt.show()

# %% [markdown]
# **Figure 4.1.** Blue circles: real points in eight heaps on a ring. Orange triangles: generated points, one round cloud in the
# same place. Nobody would mix them up.
#
# ## Words
#
# | idea | symbol | in code | shape |
# |---|---|---|---|
# | real points; generated points | $x_1 \dots x_n$; $y_1 \dots y_m$ | `x_real`; `x_fake` | `(n, d)`; `(m, d)` |
# | **divergence**: a number for two distributions, 0 only if they are equal | $\mathrm{KL}(p\,\Vert\,q)$, $\mathrm{JS}(p, q)$ | `kullback_leibler`, `jensen_shannon` | one number |
# | **Wasserstein-1 distance**: how far points must travel on average to turn one cloud into the other | $W_1$ | `wasserstein1` | one number |
# | **kernel**: how much two points count as the same place | $k(x, y)$ | `gaussian_kernel` | `(n, m)` for all pairs |
# | **bandwidth**: the kernel's reach, in the units of the points; lesson 1 wrote $h$ | $\sigma$ | `bandwidth` | a number, or several |
# | **maximum mean discrepancy**, squared | $\mathrm{MMD}^2$ | `mmd2` | one number |
# | **witness**: a function that is high where one cloud has more, low where the other has | $f(\cdot)$ | `witness` | one number per place |
# | **biased**, **unbiased**: an estimate that is off, or right, on average over many samples | | `biased=True` | |
#
# ---
# # Part A: your own idea
#
# The first idea most people have: compare the *means*. It is a good one. Two clouds with different means are certainly different. And if the
# means agree? Then compare how the points spread around the mean: the *covariances*. Below, the generated cloud stands where both numbers are 0. Shift it, and
# the means notice; widen it, and the covariances do. What neither of them notices is in front of you.

# %% teaches=["D12"]
def mean_gap(x, y):
    """How far the two means are from each other."""
    return (x.mean(dim=0) - y.mean(dim=0)).norm().item()


def covariance_gap(x, y):
    """The largest difference between two entries in the same place of the two covariance matrices."""
    return (torch.cov(x.T) - torch.cov(y.T)).abs().max().item()


fig, ax = plt.subplots(figsize=(5.4, 4.6), layout="constrained")
scatter_samples(ax, x_ring, kind="real", label="real")
scatter_samples(ax, x_round, kind="generated", label="generated")
moving = ax.lines[-1]
ax.legend(loc="upper right", frameon=False)
finish(ax, title="what do mean and covariance notice?", limits=LIMITS, equal=True)


def draw(shift, spread):
    x_fake = (x_round - x_round.mean(dim=0)) * spread + x_ring.mean(dim=0) + torch.tensor([shift, 0.0])
    moving.set_data(*x_fake.T)
    return (f"The means differ by {mean_gap(x_ring, x_fake):.2f}, "
            f"the covariances by {covariance_gap(x_ring, x_fake):.2f}.")


sliders(draw, fig, shift=(-3.0, 3.0, 0.1, 0.0), spread=(0.2, 1.6, 0.1, 1.0))

# %% [markdown]
# **Figure 4.2.** The ring and the round cloud again, with sliders. At shift 0 and spread 1 both numbers are 0, and the clouds are as different as in Figure 4.1.
#
# So this idea has a blind spot, and it is easy to say why. Call the two coordinates of a point $u$ and $v$. The means are the averages of $u$ and of $v$; the covariances are made of averages of $u^2$,
# $uv$, $v^2$. Whoever agrees on these may still disagree on the average of $u^3$, or of $\cos u$, or of "1 if the point is in the middle, else 0".

# %% teaches=["D12"]
questions = {"mean of u": lambda x: x[:, 0],
             "mean of u squared": lambda x: x[:, 0] ** 2,
             "share closer than 1 to the origin": lambda x: (x.norm(dim=1) < 1).float()}
print(f"{'':36}{'real':>8}{'generated':>12}")
for name, question in questions.items():
    print(f"{name:36}{question(x_ring).mean().item():8.2f}{question(x_round).mean().item():12.2f}")
assert mean_gap(x_ring, x_round) < 1e-4 and covariance_gap(x_ring, x_round) < 1e-3
assert (x_round.norm(dim=1) < 1).float().mean() > 0.1 and (x_ring.norm(dim=1) < 1).sum() == 0, "no real point, many generated ones"

# %% [markdown]
# The third question tells them apart at once: no real point is near the origin, many generated ones are. Each question is a function $f$, and each answer compares a mean with a mean.
# What one would like is to ask *all* reasonable questions and to keep the largest difference. Keep that thought: it is word by word the name
# *maximum mean discrepancy*, and in Part C it becomes a formula of three means.
#
# ---
# # Part B: if there were densities
#
# First the numbers that you will meet in every book. They compare *probabilities*, so start with a die. The **Kullback-Leibler divergence**
# asks, for every face, how many times more often $p$ shows it than $q$ does, takes the (natural) logarithm, and averages over what $p$ shows. A face that $p$ never shows adds nothing, $0\log 0 = 0$:
#
# $$\mathrm{KL}(p\,\Vert\,q) \;=\; \sum_{\text{faces}} p \,\log\frac{p}{q}.$$

# %% teaches=["D17"]
fair = [1 / 6] * 6
loaded = [0.1, 0.1, 0.1, 0.1, 0.1, 0.5]
no_six = [0.2, 0.2, 0.2, 0.2, 0.2, 0.0]

by_hand = sum(p * math.log(p / q) for p, q in zip(fair, loaded))
print(f"KL(fair, loaded) = {by_hand:.3f},  KL(loaded, fair) = {distances.kullback_leibler(loaded, fair):.3f}")
print(f"KL(fair, no six) = {distances.kullback_leibler(fair, no_six)},"
      f"  KL(no six, fair) = {distances.kullback_leibler(no_six, fair):.3f}")
assert math.isclose(by_hand, distances.kullback_leibler(fair, loaded))
assert distances.kullback_leibler(fair, no_six) == math.inf

# %% [markdown]
# Two things to see. It is not symmetric. And a single face that $p$ shows and $q$ never does makes it infinite, however alike the rest is: a division by zero.
# The **Jensen-Shannon divergence** repairs that. It compares each of the two with their half-and-half mixture $r = (p+q)/2$, which is zero only where both are:
#
# $$\mathrm{JS}(p, q) \;=\; \tfrac12\,\mathrm{KL}(p\,\Vert\,r) + \tfrac12\,\mathrm{KL}(q\,\Vert\,r).$$

# %% teaches=["D17"]
middle = [(p + q) / 2 for p, q in zip(fair, no_six)]
js = (distances.kullback_leibler(fair, middle) + distances.kullback_leibler(no_six, middle)) / 2
print(f"JS(fair, no six) = {js:.3f}; the most it can be is log 2 = {math.log(2):.3f}")
assert math.isclose(js, distances.jensen_shannon(fair, no_six))

# %% [markdown]
# Finite and symmetric. Why not stop here? Two more distances, before they all compete.
#
# **Wasserstein-1** deserves a sentence now and a whole lesson later (lesson 10). Imagine one cloud as a pile of sand that has to be carried until it forms the other, and count
# how far a grain travels on average under the cheapest plan. On a line there is always a cheapest plan in which no two ways cross: sort both samples (of equal size) and pair them off, smallest with smallest.

# %% teaches=["D12"]
on_the_line = torch.rand(1000, generator=rng)
moved = torch.rand(1000, generator=rng) + 0.3
w1_by_hand = (on_the_line.sort().values - moved.sort().values).abs().mean().item()
as_they_come = (on_the_line - moved).abs().mean().item()
print(f"paired as they come: {as_they_come:.3f}    sorted and paired: {w1_by_hand:.3f}    "
      f"helpers.distances: {distances.wasserstein1(on_the_line, moved):.3f}")
assert math.isclose(w1_by_hand, distances.wasserstein1(on_the_line, moved), rel_tol=1e-4)
assert abs(w1_by_hand - 0.3) < 0.07 and as_they_come > w1_by_hand + 0.05

# %% [markdown]
# And the **squared MMD**, the subject of Part C: it counts, softly, how often points of the two clouds meet within a certain reach, its *bandwidth*.
#
# ## Predict: two boxes drift apart
#
# Real numbers are uniform between 0 and 1, generated ones uniform between $t$ and $t + 1$. At $t = 0$ they are equal; at $t = 1$ they just touch. Four
# distances are computed: KL, JS, Wasserstein-1, and the squared MMD with bandwidth 0.5. Now $t$ grows from 1.2 to 2. Which of them notice?
#
# **(a)** all four &nbsp; **(b)** KL and JS &nbsp; **(c)** Wasserstein-1 and MMD &nbsp; **(d)** only JS
#
# ## Try it: four distances side by side
#
# *Width* is that of the generated box; it grows on both sides.

# %% teaches=["D12", "D17"]
CELL = 0.02
places = torch.arange(-1, 7, CELL) + CELL / 2  # the middles of 400 cells on the line
shifts = [round(0.05 * i, 2) for i in range(61)]  # t from 0 to 3
closeness = torch.exp(-(places[:, None] - places) ** 2 / (2 * 0.5**2)).double()  # a kernel: Part C


def box(low, width):
    """The probability of each cell under the uniform distribution from low to low + width."""
    overlap = (places + CELL / 2).clamp(max=low + width) - (places - CELL / 2).clamp(min=low)
    return overlap.clamp(min=0).double() / overlap.clamp(min=0).sum()


def four_distances(p, q):
    """KL, JS, W1 and squared MMD of two lists of probabilities for the same cells."""
    w1 = CELL * (p.cumsum(dim=0) - q.cumsum(dim=0)).abs().sum().item()  # what has to cross each place, summed up
    mmd2 = ((p - q) @ closeness @ (p - q)).item()  # within p, plus within q, minus twice across: Part C
    return distances.kullback_leibler(p, q), distances.jensen_shannon(p, q), w1, mmd2


real_box = box(0.0, 1.0)
NAMES = ("KL(real, generated)", "JS", "Wasserstein-1", "squared MMD")
LOOKS = [DISTANCE_LOOKS[name] for name in ("KL", "JS", "W1", "MMD")]  # the same in lesson 10
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained", width_ratios=(4, 5))
left.fill_between(places, real_box / CELL, step="mid", color=PALETTE["real"], alpha=0.4)
generated_line, = left.plot(places, real_box / CELL, color=PALETTE["generated"], lw=2)
left.text(0.5, 1.08, "real", color=PALETTE["real"], ha="center")
name_tag = left.text(0.5, 1.08, "generated", color=TEXT["generated"], ha="center")
generated_line.set_drawstyle("steps-mid")
finish(left, limits=((-0.8, 4.8), (0, 1.3)), title="the two densities", xlabel="x", ylabel="density")
curves = [right.plot([], [], ls=look, color=PALETTE[color], lw=2, label=name)[0] for name, (color, look) in zip(NAMES, LOOKS)]
dots, = right.plot([], [], "o", color=PALETTE["ink"], ms=6, clip_on=False)
right.legend(loc="upper left", bbox_to_anchor=(0.02, 0.9), frameon=False)
finish(right, limits=((0, 3), (0, 3.8)), xlabel="shift t of the generated box",
       title="what each distance says about them")
INFINITE = 3.6  # where the picture puts an infinite value
right.set_yticks([0, 1, 2, 3, INFINITE], ["0", "1", "2", "3", "infinite"])
known = {}


def drawable(values):
    return np.where(np.isfinite(values), values, INFINITE)


def with_gap(xs, ys):
    """The same points, and a gap where the values jump from finite to infinite."""
    at = np.flatnonzero(np.isfinite(ys[:-1]) & np.isinf(ys[1:])) + 1
    return np.insert(xs, at, np.nan), np.insert(drawable(ys), at, np.nan)


def curves_for(width):
    if width not in known:  # a width is computed once
        known[width] = np.array([four_distances(real_box, box(t - (width - 1) / 2, width)) for t in shifts])
    return known[width]


def draw(shift, width):
    values = curves_for(width)
    now = values[min(range(len(shifts)), key=lambda i: abs(shifts[i] - shift))]
    generated_line.set_ydata(box(shift - (width - 1) / 2, width) / CELL)
    name_tag.set_position((shift + 0.5, 1.08 / width))
    name_tag.set_visible(shift > 0.8 or width > 1.2)
    for curve, ys in zip(curves, values.T):
        curve.set_data(*with_gap(shifts, ys))
    dots.set_data([shift] * 4, drawable(now))
    said = ", ".join(f"{name} {value:.3f}" for name, value in zip(NAMES, now))
    return f"Shift {shift:.2f}, width {width:.1f}: {said}."


sliders(draw, fig, shift=(0.0, 3.0, 0.05, 1.2), width=(1.0, 2.0, 0.1, 1.0))

# %% [markdown]
# **Figure 4.3.** Left: the real box and the generated one. Right: four distances for every shift, with dots at the present one. KL is 0
# at shift 0 and infinite from the first step on (the line at the top). JS climbs, then lies flat on log 2. Wasserstein-1 is the straight line. The squared MMD climbs, bends and
# flattens.
#
# ## What you saw
#
# **(c)**. From $t = 1.2$ to $t = 2$ only Wasserstein-1 and MMD still change. KL is infinite from the smallest shift on, and JS is stuck at $\log 2$ as soon as
# the boxes share nothing: both know *that* the boxes differ, neither knows *how far*. (Set the width to 2 and the shift to 0.3: the generated box now covers the real one, and KL is finite. What makes it infinite are real places that the generator never visits.)
# MMD notices too, but not for ever: its curve grows flatter and flatter, since its reach is its bandwidth.
#
# A flat curve is worse than a wrong one. Whoever wants to *learn* follows the slope downhill, and a flat curve has none. Remember JS's flat line: it comes back in lesson 8.
#
# ## Why
#
# For two boxes of width 1 the first three have simple formulas, and the code agrees with them:
#
# $$\mathrm{KL} = \infty \;(t > 0),\qquad \mathrm{JS} = \min(t, 1)\,\log 2,\qquad W_1 = t.$$

# %% teaches=["D12", "D17"]
for t in (0.0, 0.5, 1.0, 2.0):
    kl, js, w1, squared_mmd = four_distances(real_box, box(t, 1.0))
    print(f"t = {t}: KL {kl:6.3f}  JS {js:.3f}  W1 {w1:.3f}  squared MMD {squared_mmd:.3f}")
    assert kl == (math.inf if t > 0 else 0.0)
    assert abs(js - min(t, 1) * math.log(2)) < 1e-4 and abs(w1 - t) < 1e-4
stuck = [four_distances(real_box, box(t, 1.0)) for t in (1.2, 2.0)]
assert 2 * four_distances(real_box, box(0.5, 1.0))[3] < four_distances(real_box, box(1.0, 1.0))[3]  # no metric: Part C
assert abs(stuck[0][1] - stuck[1][1]) < 1e-9 and stuck[1][2] - stuck[0][2] > 0.7 and stuck[1][3] > 1.05 * stuck[0][3]

# %% [markdown]
# And KL and JS? They need $p$ and $q$: densities. We have *samples*. Strictly speaking there is nothing to put into their formulas (lesson 7 will find a way to *estimate* JS, and will need a network for it). One can cut space into cells and count, as lesson 1 did; with 30,000 numbers a
# picture, practically no two pictures share a cell. It is worse than that: puppies lie on a thin sheet (lesson 1), and on a thin sheet there *is* no density; two different sheets usually share no probability,
# like our boxes beyond $t = 1$. So we want a distance that works on samples, and that keeps a slope. Here is one.
#
# ---
# # Part C: the maximum mean discrepancy, by hand
#
# (After Gretton et al., *A kernel two-sample test*, 2012.)
#
# ## Why: equality, but soft
#
# Suppose points could only be equal or not. Then two clouds are alike if a point of one meets an equal point of the other as often as it meets one in its own cloud, and the other way round. With real numbers no two points
# are ever equal, so we make equality soft. The **Gaussian kernel** says how much two points are the same place:
#
# $$k(x, y) \;=\; \exp\!\left(-\frac{|x-y|^2}{2\sigma^2}\right).$$
#
# (Lesson 1's kernel was a bump of the same shape, but of area 1, to make a density; this one measures likeness.) It is 1 for equal points, 0.61 at a distance of one bandwidth $\sigma$, 0.14 at two, and practically 0 at four. Now count soft meetings:
#
# $$\mathrm{MMD}^2 \;=\; \underbrace{\operatorname{mean}\,k(x, x')}_{\text{within the real}} \;+\; \underbrace{\operatorname{mean}\,k(y, y')}_{\text{within the generated}} \;-\; 2\,\underbrace{\operatorname{mean}\,k(x, y)}_{\text{across}}.$$
#
# If the clouds are alike, a stranger is as close as a brother: all three means agree, and the sum is 0. ($x'$ is another real point, $y'$ another generated one; in the double loop below, and in the *biased* estimate that it computes, each point also meets itself.) Three points against three:

# %% teaches=["D18"]
x_three, y_three = [0.0, 1.0, 2.0], [0.5, 1.0, 4.0]


def k(a, b, bandwidth=1.0):
    return math.exp(-(a - b) ** 2 / (2 * bandwidth**2))


def mean_of_pairs(xs, ys):
    total = 0.0
    for x in xs:
        for y in ys:
            total += k(x, y)
    return total / (len(xs) * len(ys))


within_real, within_fake = mean_of_pairs(x_three, x_three), mean_of_pairs(y_three, y_three)
across = mean_of_pairs(x_three, y_three)
loop_result = within_real + within_fake - 2 * across
print(f"within {within_real:.3f} and {within_fake:.3f}, across {across:.3f}: MMD^2 = {loop_result:.3f}")

# %% [markdown]
# All kernel values of two clouds fit into one picture. Put the real points first, the generated ones after them, and colour each pair by its kernel: four blocks. The two on the diagonal
# are "within", the two off it "across", and mirror images of each other. Add the means of the two diagonal blocks, take off the means of the two others: MMD squared.

# %% teaches=["D18"]
FEW = 30
x_few, y_few = torch.randn(FEW, 2, generator=rng), torch.randn(FEW, 2, generator=rng)
x_few, y_few = x_few[x_few[:, 0].argsort()], y_few[y_few[:, 0].argsort()]  # ordered, so that the blocks look smoother
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.5), layout="constrained")
scatter_samples(left, x_few, kind="real", size=6)
scatter_samples(left, y_few, kind="generated", size=6)
y_dots = left.lines[-1]
finish(left, title="two small clouds", limits=((-3.2, 6.2), (-4.7, 4.7)), equal=True)
heat = right.imshow(np.zeros((2 * FEW, 2 * FEW)), vmin=0, vmax=1, cmap="Greys", interpolation="nearest")
right.axhline(FEW - 0.5, color=PALETTE["extra"], lw=1.5)
right.axvline(FEW - 0.5, color=PALETTE["extra"], lw=1.5)
right.set_xticks([FEW / 2, 1.5 * FEW], ["real", "generated"])
right.set_yticks([FEW / 2, 1.5 * FEW], ["real", "generated"], rotation=90, va="center")
right.tick_params(length=0)
finish(right, title="kernel of every pair: black is 1, white 0")


def draw(shift, bandwidth):
    moved = y_few + torch.tensor([shift, 0.0])
    y_dots.set_data(*moved.T)
    pooled = torch.cat([x_few, moved])
    K = torch.exp(-torch.cdist(pooled, pooled) ** 2 / (2 * bandwidth**2))
    heat.set_data(K)
    xx, yy, xy = K[:FEW, :FEW].mean(), K[FEW:, FEW:].mean(), K[:FEW, FEW:].mean()
    return (f"Means of the blocks: within {xx:.2f} and {yy:.2f}, across {xy:.2f}. "
            f"MMD squared = {xx:.2f} + {yy:.2f} - 2 x {xy:.2f} = {xx + yy - 2 * xy:.2f}.")


sliders(draw, fig, shift=(0.0, 4.0, 0.1, 2.5), bandwidth=(0.1, 20.0, 0.1, 1.0))

# %% [markdown]
# **Figure 4.4.** Left: two clouds. Right: the kernel of every pair of their points as a table. The blocks on the diagonal are dark, the blocks of mixed pairs pale: the clouds differ. At shift 0 all four
# blocks are about equally dark. (The number is small then, and not 0. That is mostly the doing of the black diagonal, which only the blocks "within" have; we come to it.) With a tiny bandwidth only the diagonal is left, each point equal to itself and to nobody else; with a huge one everything is black. In both extremes the number moves little with the shift. With a tiny bandwidth it stays near 2/30, wherever the clouds are; with a huge one it is nearly 0, and all that is left in it is the difference of the means.
#
# ## The code
#
# The same in tensors. One number per pair of points: subtract every `y` from every `x` by broadcasting, square, add up over the coordinates. (The clamp is for speed: below $e^{-80}$ nothing is left, and computing *that* nothing is slow. Several bandwidths: average the kernels; Part D tells why.)

# %% tags=["shows:helpers.distances.gaussian_kernel"] teaches=["D18"]
def gaussian_kernel(x, y, bandwidth):
    squared = (x[:, None, :] - y[None, :, :]).square().sum(dim=2)
    bandwidths = [bandwidth] if isinstance(bandwidth, int | float) else bandwidth
    # below e^-80 nothing is left, and torch.exp is a hundred times slower there
    kernels = [torch.exp((-squared / sigma**2 / 2).clamp(min=-80)) for sigma in bandwidths]
    return sum(kernels) / len(kernels)


def kernel_sum(x, y, bandwidth):
    """The sum over all pairs. The one in helpers is several times faster, with its gradient worked out by hand."""
    return gaussian_kernel(x, y, bandwidth).sum()

# %% [markdown]
# Then the distance. With `biased=True` it is the double loop from above. The other line leaves the diagonal out; why, you will see in a moment.

# %% tags=["shows:helpers.distances.mmd2"] teaches=["D18"]
def mmd2(x, y, bandwidth, biased=False):
    n, m = len(x), len(y)
    xx, yy = kernel_sum(x, x, bandwidth), kernel_sum(y, y, bandwidth)
    xy = kernel_sum(x, y, bandwidth)
    if biased:
        return xx / n**2 + yy / m**2 - 2 * xy / (n * m)
    # without the diagonal: that each point equals itself says nothing about the cloud
    return (xx - n) / (n * (n - 1)) + (yy - m) / (m * (m - 1)) - 2 * xy / (n * m)

# %% [markdown]
# Three points against three again, and the two clouds that fooled means and covariances:

# %% teaches=["D18"]
x_column, y_column = torch.tensor(x_three)[:, None], torch.tensor(y_three)[:, None]  # (3,) to (3, 1): one point a row
print(f"double loop {loop_result:.6f}    mmd2 {mmd2(x_column, y_column, 1.0, biased=True).item():.6f}")
assert math.isclose(loop_result, mmd2(x_column, y_column, 1.0, biased=True).item(), rel_tol=1e-5)

ring_again = ring.sample(400, rng)
print(f"ring against round cloud {mmd2(x_ring, x_round, 1.0).item():.4f}    "
      f"ring against another sample of the ring {mmd2(x_ring, ring_again, 1.0).item():.4f}")
assert mmd2(x_ring, x_round, 1.0) > 4 * mmd2(x_ring, ring_again, 1.0).abs()
assert torch.isclose(mmd2(x_ring, x_round, [0.3, 1.0]), distances.mmd2(x_ring, x_round, [0.3, 1.0]), rtol=1e-4)

# %% [markdown]
# It sees the difference that means and covariances miss. (The helper of the same name, `distances.mmd2`, gives the same numbers, checks what it is given, and is used from here on.)
#
# ### Biased and unbiased
#
# We only ever have samples, so what we compute is an *estimate* of the distance between the two distributions. Take both samples from the same distribution, again and again. The true distance is 0. What do the two versions say?

# %% teaches=["D18"]
def repeated(n, biased, repeats=300):
    """MMD^2 of two samples of n normal numbers each, drawn anew for every repeat."""
    draws = torch.randn(repeats, 2, n, 1, generator=rng)
    return torch.tensor([distances.mmd2(x, y, 1.0, biased=biased).item() for x, y in draws])


estimates = {n: (repeated(n, True), repeated(n, False)) for n in (10, 50, 200)}
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.3), layout="constrained", sharey=True)
for ax, (n, (biased, unbiased)) in zip(axes, estimates.items()):
    reach = 1.75 / n, 4.5 / n  # below and above 0: the scatter falls like 1/n
    bins = np.linspace(-reach[0], reach[1], 51)
    ax.hist(biased.clip(*bins[[0, -1]]), bins, color=PALETTE["muted"], label="biased")
    ax.hist(unbiased.clip(*bins[[0, -1]]), bins, histtype="step", color=PALETTE["extra"], lw=2, label="unbiased")
    for name, values, look in (("biased", biased, "-"), ("unbiased", unbiased, "--")):
        ax.axvline(values.mean(), color=PALETTE["ink"], lw=1.2, ls=look, label=f"mean of {name}")
    finish(ax, title=f"{n} points each", limits=(bins[[0, -1]],), xlabel="estimated squared MMD")
    ax.locator_params(axis="x", nbins=5)
axes[0].set_ylabel("of 300 repeats")
axes[0].legend(frameon=False, fontsize="small", loc="upper right")
plt.show()

# %% [markdown]
# **Figure 4.5.** Two samples of the *same* distribution, 300 times. Grey: the biased estimate never reaches down to 0. Outlined: the unbiased
# one, most often a little below 0 and sometimes far above. Solid and dashed line: their means. (The last bar holds everything farther out.) Note the axes: both scatters shrink as the number of points grows, and the biased mean goes to 0 with them.
#
# A squared distance below 0 looks like a bug. It is not: an estimate that is right *on average*, for a true value of 0, must sometimes be below. The biased one counts how much each point equals itself: $n$ of the $n^2$ pairs within a cloud
# count 1 where two independent points would have counted $\bar k$ on average. That is $\tfrac1n(1 - \bar k)$ too much for each cloud, $\tfrac2n(1 - \bar k)$ in all. To learn, we use the unbiased one.
#
# ## Check
#
# The averages are as promised, within four standard errors (a standard error is how far such an average usually strays). And for two Gaussians of variance 1 whose means are 1 apart, the true value is known: $\mathrm{MMD}^2 = \frac{2}{\sqrt3}\,(1 - e^{-1/6})$ at bandwidth 1.

# %% tags=["nbval-ignore-output"] teaches=["D18"]
def within_error(values, truth, width=4):
    return abs(values.mean() - truth) < width * values.std() / math.sqrt(len(values))


mean_k = 1 / math.sqrt(3)  # E exp(-(x - x')^2 / 2) for two independent standard normal numbers
for n, (biased, unbiased) in estimates.items():
    assert within_error(biased, 2 / n * (1 - mean_k)) and within_error(unbiased, 0.0)
    assert biased.min() > 0 > unbiased.min()
    print(f"n = {n:3}: biased on average {biased.mean():.4f}, unbiased {unbiased.mean():+.4f}, "
          f"negative in {100 * (unbiased < 0).float().mean():.0f} % of the repeats")

truth = 2 / math.sqrt(3) * (1 - math.exp(-1 / 6))
draws = torch.randn(200, 2, 200, 1, generator=rng)
shifted = torch.tensor([distances.mmd2(x, y + 1, 1.0).item() for x, y in draws])
print(f"N(0, 1) against N(1, 1): estimated {shifted.mean():.4f}, true {truth:.4f}")
assert within_error(shifted, truth)

# %% [markdown]
# ### The witness
#
# MMD is one number for two whole clouds. *Where* do they differ? Ask of any place: do more real or more generated points count as the same place as this one?
#
# $$f(\text{place}) \;=\; \operatorname{mean}_i\, k(\text{place}, x_i) \;-\; \operatorname{mean}_j\, k(\text{place}, y_j).$$

# %% tags=["shows:helpers.distances.witness"] teaches=["D18"]
def witness(points, x, y, bandwidth):
    to_x, to_y = gaussian_kernel(points, x, bandwidth), gaussian_kernel(points, y, bandwidth)
    return to_x.mean(dim=1) - to_y.mean(dim=1)

# %% teaches=["D18"]
FIELD = LinearSegmentedColormap.from_list("field", [PALETTE["generated"], "white", PALETTE["real"]])
side_x, side_y = torch.linspace(*LIMITS[0], 60), torch.linspace(*LIMITS[1], 50)
field_places = torch.cartesian_prod(side_y, side_x).flip(1)  # row by row, as an image
x_some = x_ring[:200]  # and a round cloud with exactly the same means and covariances
y_some = standardised(x_round[:200]) @ torch.linalg.cholesky(torch.cov(x_some.T)).T + x_some.mean(dim=0)

fig, ax = plt.subplots(figsize=(6.9, 4.9), layout="constrained")
extent = (*LIMITS[0], *LIMITS[1])
field = ax.imshow(np.zeros((50, 60)), origin="lower", extent=extent, cmap=FIELD, vmin=-0.2, vmax=0.2, interpolation="bilinear")
fig.colorbar(field, ax=ax, shrink=0.8, label="witness", extend="both")
scatter_samples(ax, x_some, kind="real", size=3)
scatter_samples(ax, y_some, kind="generated", size=3)
y_dots = ax.lines[-1]
finish(ax, title="the witness: blue where real has more", limits=LIMITS, equal=True)


def draw(bandwidth, shift, spread):
    y = (y_some - y_some.mean(dim=0)) * spread + x_some.mean(dim=0) + torch.tensor([shift, 0.0])
    f = witness(field_places, x_some, y, bandwidth)
    strongest = f.abs().max()
    field.set_data(f.reshape(50, 60))
    y_dots.set_data(*y.T)
    x_at, y_at = field_places[f.argmin()].tolist()
    return (f"Strongest value {strongest:.3f}, lowest at ({x_at:.1f}, {y_at:.1f}). MMD squared (biased) is the mean over real "
            f"points minus the mean over generated: {distances.mmd2(x_some, y, bandwidth, biased=True).item():.4f}.")


sliders(draw, fig, bandwidth=(0.1, 4.0, 0.1, 0.6), shift=(-3.0, 3.0, 0.1, 0.0), spread=(0.2, 1.6, 0.1, 1.0))

# %% [markdown]
# **Figure 4.6.** The witness of the ring against the round cloud, blue where it is positive and orange where it is negative. It is high on the heaps, where real points crowd, and low
# in the middle, where only generated ones are. Narrow bandwidth: speckles around single points. Wide: at shift 0, with means and covariances equal, hardly any colour is left; with a shift, one smooth slope from the one cloud to the other.
#
# The witness *is* the "best question" of Part A. Take all questions that can be put together from kernels, $f = \sum_i a_i\, k(c_i, \cdot)$ with any centres $c_i$. Twice a question gets answers twice as different, so questions must be compared at one
# *size*; the size that belongs to the kernel is $\Vert f\Vert = \sqrt{\sum_{ij} a_i a_j\, k(c_i, c_j)}$. Among all of size 1, none has means that differ more than those of the witness, divided by its own size. And what is its size? Its weights $a_i$ are $\tfrac1n$ on the real points and $-\tfrac1m$ on the
# generated ones: put them in, and the double sum of MMD$^2$ is back. So its size is MMD, its means differ by MMD$^2$, and at size 1 they differ by MMD$^2$ / MMD = MMD. Hence *maximum* mean discrepancy. We do not prove that no question beats the witness; we let a thousand random questions of that kind compete.

# %% teaches=["D18"]
BANDWIDTH = 0.8
mean_difference = (witness(x_some, x_some, y_some, BANDWIDTH).mean() - witness(y_some, x_some, y_some, BANDWIDTH).mean()).item()
biased_mmd2 = distances.mmd2(x_some, y_some, BANDWIDTH, biased=True).item()
print(f"mean witness over real minus over generated: {mean_difference:.6f}    MMD squared: {biased_mmd2:.6f}")
assert math.isclose(mean_difference, biased_mmd2, rel_tol=1e-3)

centres = torch.cat([x_some, y_some])
K = gaussian_kernel(centres, centres, BANDWIDTH).double()
a = torch.randn(1000, len(centres), generator=rng).double()  # a thousand questions f = sum of a_i k(c_i, .)
a = torch.cat([a, torch.cat([torch.full((200,), 1 / 200), torch.full((200,), -1 / 200)])[None]])  # and the witness
f = a @ K / torch.einsum("qi,ij,qj->q", a, K, a).sqrt()[:, None]  # all of size 1; their values at the 400 points
*competitors, of_witness = (f[:, :200].mean(dim=1) - f[:, 200:].mean(dim=1)).abs().tolist()
print(f"best of 1,000 random questions: {max(competitors):.3f}    the witness: {of_witness:.3f}    "
      f"root of MMD squared: {math.sqrt(biased_mmd2):.3f}")
assert max(competitors) < of_witness and math.isclose(of_witness, math.sqrt(biased_mmd2), rel_tol=1e-3)

# %% [markdown]
# None of the thousand comes up to it. The distance is the largest difference, the *root* of what `mmd2` computes; most people compute the square, because it is simpler, and so do we.
#
# Strictly speaking, only the root is a *metric*: symmetric, never longer than a detour, and 0 only if the distributions are equal. Its square, KL and JS are not (in the table of the boxes, two steps of $\tfrac12$ have a smaller squared MMD together than one step of 1), and we say "distance" loosely.
# And one exact word about "0 only if equal". It holds for the Gaussian kernel (the field says such a kernel is *characteristic*). It does not hold for every kernel: with the **linear kernel** $k(x, y) = x \cdot y$, the double sum collapses to the
# squared difference of the means. Part A's first idea is an MMD with a poor kernel.

# %% teaches=["D18"]
def mmd2_linear(x, y):
    return (x @ x.T).mean() + (y @ y.T).mean() - 2 * (x @ y.T).mean()


for name, y in (("the round cloud", x_round), ("the ring, shifted by 1", x_ring + torch.tensor([1.0, 0.0]))):
    print(f"ring against {name}: linear kernel {mmd2_linear(x_ring, y).item():.4f}, "
          f"difference of means squared {mean_gap(x_ring, y) ** 2:.4f}, "
          f"Gaussian kernel {distances.mmd2(x_ring, y, 1.0).item():.4f}")
    assert abs(mmd2_linear(x_ring, y).item() - mean_gap(x_ring, y) ** 2) < 1e-3

# %% [markdown]
# ---
# # Part D: feel the force
#
# A number that says how far apart two clouds are also says, through its gradient, where each generated point should go. Drawn as an arrow on the point, minus the gradient is a **force**: the pull of the real points plus the push of the other generated ones. (Multiplied by the number of generated points, as in the code below, it is twice the slope of the witness, with the point itself left out of the generated ones: every point climbs towards where real has more.)
#
# ## Predict: the reach of a point
#
# One real point, one generated point, a distance $t$ apart. How does the force on the generated point depend on the bandwidth $\sigma$?
#
# **(a)** the larger $\sigma$, the stronger &nbsp; **(b)** the smaller $\sigma$, the stronger &nbsp; **(c)** strongest for $\sigma$ about as large as $t$ &nbsp; **(d)** $\sigma$ only sets the scale, the direction is all that counts
#
# ## Try it: arrows on every point
#
# A clump of generated points at one end of two moons. Each arrow shows where the point is pushed; the *strength* of the strongest arrow is in the sentence below. The slider moves the bandwidth by powers of ten, from 0.01 to 100.

# %% teaches=["D18"]
moons = distributions.two_moons()
x_moons = moons.sample(250, rng)
clump = 0.5 * torch.randn(40, 2, generator=rng) + torch.tensor([-2.4, 2.0])
MOON_LIMITS = ((-5.0, 3.5), (-3.0, 4.5))


def forces(x_fake, x_real, bandwidth):
    """Minus the gradient of MMD^2 on every generated point, (m, d); times m, since each is only 1/m of the cloud."""
    x_fake = x_fake.clone().requires_grad_()
    gradient, = torch.autograd.grad(distances.mmd2(x_fake, x_real, bandwidth), x_fake)
    return -len(x_fake) * gradient


def show_forces(ax, x_fake, x_real, bandwidth):
    """Both clouds, and the forces as arrows, the longest 0.9 units long. Returns the arrows."""
    scatter_samples(ax, x_real, kind="real", size=3)
    scatter_samples(ax, x_fake, kind="generated", size=4)
    force = forces(x_fake, x_real, bandwidth)
    return ax.quiver(*x_fake.T, *(0.9 * force / force.norm(dim=1).max()).T, color=PALETTE["ink"], angles="xy",
                     scale_units="xy", scale=1, width=0.003)


fig, ax = plt.subplots(figsize=(6.2, 5.2), layout="constrained")
arrows = show_forces(ax, clump, x_moons, 1.0)
finish(ax, title="where the distance pushes each point", limits=MOON_LIMITS, equal=True)


def draw(power):
    force = forces(clump, x_moons, 10.0**power)
    strongest = force.norm(dim=1).max()
    arrows.set_UVC(*(0.9 * force / strongest.clamp(min=1e-30)).T)
    direction = torch.nn.functional.normalize(force, dim=1).mean(dim=0).norm()
    return (f"Bandwidth {10.0**power:.2g}: strongest force {strongest:.2g}; "
            f"agreement of the arrows' directions {direction:.2f} (1: all point the same way).")


sliders(draw, fig, labels={"power": "bandwidth, as a power of 10"}, power=(-2.0, 2.0, 0.1, 0.0))

# %% [markdown]
# **Figure 4.7.** Two moons of real points, a clump of generated ones, and an arrow on each of these, all scaled together so that the longest always has the same length. At bandwidth 1 each point has its own way to go. Those nearest to the moons are pulled towards them. Those on the far side point *away*: the push of the crowd is stronger there than the pull from afar.
#
# The same at three bandwidths:

# %% teaches=["D18"]
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), layout="constrained", sharey=True)
for ax, bandwidth in zip(axes, (0.05, 1.0, 20.0)):
    show_forces(ax, clump, x_moons, bandwidth)
    strongest = forces(clump, x_moons, bandwidth).norm(dim=1).max()
    finish(ax, title=f"bandwidth {bandwidth:g}: strongest {strongest:.2g}", limits=MOON_LIMITS, equal=True)
plt.show()

# %% [markdown]
# **Figure 4.8.** Too small (0.05): points push away from their nearest neighbours in the clump, and most feel nothing of the moons. Middling (1): pull and push, each point its own. Too large (20): parallel arrows, and weak: the whole clump is pushed towards the mean of the moons, no point has a way of its own.
#
# ## What you saw
#
# **(c)**. For two single points the biased $\mathrm{MMD}^2$ is $2\,(1 - e^{-t^2/2\sigma^2})$. Its slope in $t$ is the strength of the force, which pulls the points together:
#
# $$F(t) \;=\; \frac{2t}{\sigma^2}\,e^{-t^2/2\sigma^2}.$$
#
# For a given distance, $\sigma^{-2}$ falls and the bell, $e^{-t^2/2\sigma^2}$, rises as $\sigma$ grows; the product is largest where the two changes cancel, at $\sigma = t/\sqrt2$. For a given bandwidth it is largest at the distance $t = \sigma$. A point much farther away than the bandwidth feels *nothing*: MMD has a slope where KL and JS have none, but only as far as its kernel reaches.

# %% teaches=["D18"]
def force_between(t, sigma):
    return 2 * t / sigma**2 * torch.exp(-t**2 / (2 * sigma**2))


ts, sigmas = torch.linspace(0.01, 6, 600), torch.linspace(0.1, 4, 391)
fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.4), layout="constrained")
for t, look in ((0.5, "-"), (1.0, "--"), (2.0, ":")):
    force = force_between(t, sigmas)
    left.plot(sigmas, force, look, color=PALETTE["ink"], lw=2, label=f"distance {t:g}")
    assert abs(sigmas[force.argmax()] - t / math.sqrt(2)) < 0.02, "for a distance t, strongest at t / sqrt 2"
for sigma, look in ((0.3, "-"), (1.0, "--"), (3.0, ":")):
    force = force_between(ts, sigma)
    right.plot(ts, force, look, color=PALETTE["ink"], lw=2, label=f"bandwidth {sigma:g}")
    at = ts.clone().requires_grad_()
    squared_mmd = sum(distances.mmd2(torch.stack([p, p])[:, None], torch.zeros(2, 1), sigma, biased=True) for p in at)
    assert torch.allclose(torch.autograd.grad(squared_mmd, at)[0], force, atol=1e-4), "formula and autograd agree"
    assert abs(ts[force.argmax()] - sigma) < 0.02, "for a bandwidth, strongest at that distance"
for ax in (left, right):
    ax.legend(frameon=False)
finish(left, title="how strong, for a given distance?", limits=((0, 4), (0, 3.2)), xlabel="bandwidth", ylabel="force")
finish(right, title="how far, for a given bandwidth?", limits=((0, 6), (0, 4.2)), xlabel="distance t", ylabel="force")
plt.show()

# %% [markdown]
# **Figure 4.9.** The force between two points. Left, over the bandwidth: each distance has its best one, about 0.7 of itself. Right, over the distance: each curve rises to its peak at a distance of one bandwidth and then dies out. Narrow kernels pull hard and only nearby, wide ones far and gently.
#
# Which bandwidth, then? A common first guess is the median distance between all points, real and generated taken together (`median_bandwidth`). It suits the clouds as they are at the start; when they have come close, finer detail needs a smaller one.
# The usual way out is not to choose: average the kernels of several bandwidths, wide ones for the way there, narrow ones for the detail.

# %% teaches=["D18"]
guess = distances.median_bandwidth(x_moons, clump)
print(f"median distance: {guess:.2f}")
far_apart = torch.tensor([[-3.5, 3.5], [2.5, 3.5]])  # two generated points, far from the moons and each other
SEVERAL = [0.1, 0.3, 1.0, 3.0, 9.0]
for bandwidth in (0.05, guess, SEVERAL):
    force = forces(far_apart, x_moons, bandwidth)[0].norm()
    print(f"bandwidth {np.round(bandwidth, 2)}: force on the first far point {force:.2g}")
    assert (force < 1e-6) == (bandwidth == 0.05)

# %% [markdown]
# The narrow kernel leaves the far point alone; the median and the mixture both reach it. The mixture pulls more weakly, since only some of its kernels reach so far. What its narrow kernels are good for, Part F will show.

# %% [markdown]
# ---
# # Part E: is the difference real?
#
# Two samples never agree exactly. `mmd2` says 0.004: is that a difference, or chance? There is an honest way to find out that needs no formula, the **permutation test**. If both samples came from one distribution, then the
# names "real" and "generated" would mean nothing; shuffling the names would give distances just like the one observed. So shuffle, many times, and see where the observed one lies.
#
# In words: *write $+\tfrac1n$ on the real points and $-\tfrac1m$ on the generated ones; the sum of sign times sign times kernel over all pairs is the (biased) squared MMD; shuffle the signs.* The kernels never change, so they are computed once. (Biased or not makes no difference here, where both clouds have the same size: then both numbers depend on the block *real with generated* alone, and put the shuffles in the same order.)

# %% teaches=["D12", "D18"]
def permutation_test(x, y, bandwidth, n_shuffles, rng):
    """The observed MMD^2 (biased), those of shuffled names, and the p-value."""
    n, m = len(x), len(y)
    pooled = torch.cat([x, y]).double()  # a wide kernel leaves differences in late digits only
    K = gaussian_kernel(pooled, pooled, bandwidth)
    names = torch.cat([torch.full((n,), 1 / n), torch.full((m,), -1 / m)]).double()
    shuffled = names[torch.rand(n_shuffles, n + m, generator=rng).argsort(dim=1)]  # a random order in each row
    observed = names @ K @ names
    chance = (shuffled @ K * shuffled).sum(dim=1)
    # the observed naming is one of the possible ones, and counts as such
    p_value = (1 + (chance >= observed - 1e-15).sum().item()) / (1 + n_shuffles)
    return observed.item(), chance, p_value

# %% [markdown]
# The p-value (lesson 2) is here the share of namings, the true one counted among them, that look at least as different as what we saw. Small: chance hardly ever does that. Below, the ring against the round cloud, the first 160 points of each. (Means and covariances agree exactly only for all 400.) Choose fewer.

# %% teaches=["D12"]
tests = {n: permutation_test(x_ring[:n], x_round[:n], 0.5, 999, rng) for n in (160, 80, 40, 20, 10, 5)}
fig, ax = plt.subplots(figsize=(6.6, 3.8), layout="constrained")
bars = ax.bar(np.zeros(30), np.zeros(30), color=PALETTE["muted"])
seen = ax.axvline(0, color=PALETTE["ink"], lw=2.5, ls="--")
label = ax.text(0, 0, " observed", color=PALETTE["ink"], va="top", ha="left")
finish(ax, title="shuffled names (grey) and the true ones (dashed)", xlabel="squared MMD (biased)", ylabel="of 999 shuffles")


def draw(points):
    observed, chance, p_value = tests[points]
    top = 1.25 * max(observed, chance.max().item())
    heights, edges = np.histogram(chance, bins=30)
    for bar, height, edge in zip(bars, heights, edges):
        bar.set(height=height, x=edge, width=0.9 * (edges[1] - edges[0]))
    seen.set_xdata([observed])
    label.set_position((observed, 1.15 * heights.max()))
    finish(ax, limits=((0, top), (0, 1.15 * heights.max())))
    return (f"{points} points each: observed {observed:.3f}, shuffles up to {chance.max():.3f}; p-value {p_value:.3f}. "
            + ("Chance would hardly do that." if p_value < 0.05 else "Chance could do that: no verdict."))


sliders(draw, fig, labels={"points": "points in each cloud"}, points=list(tests))

# %% [markdown]
# **Figure 4.10.** The squared MMD of 999 shuffles, as a histogram, and the observed one as a line. With 160 points each the line stands alone on the right; the fewer points, the nearer it comes to the shuffles.
#
# Two rules for its use. The points have to be drawn independently of each other: a cloud that was *moved towards* these very real points must be tested against fresh ones. And the bandwidth has to be chosen before one looks (the median of all distances, for instance): whoever slides until the test fires will make it fire.
#
# A test is worth something if it stays quiet when nothing is there. Two hundred times two samples of one distribution, with a verdict whenever the p-value is at most 0.05: false alarms should come in about 5 % of the cases. And it should speak when something is there: twenty times the ring against a round cloud, 80 points each.

# %% tags=["nbval-ignore-output"] teaches=["D12"]
def p_of_two_rings():
    return permutation_test(ring.sample(40, rng), ring.sample(40, rng), 0.5, 199, rng)[2]


alarms = sum(p_of_two_rings() <= 0.05 for _ in range(200))
found = sum(permutation_test(ring.sample(80, rng), torch.randn(80, 2, generator=rng) @ like_ring.T, 0.5, 199, rng)[2] <= 0.05
            for _ in range(20))
print(f"false alarms: {alarms} of 200    ring against round cloud, 80 points each, found: {found} of 20")
spread = math.sqrt(200 * 0.05 * 0.95)
assert 10 - 3 * spread <= alarms <= 10 + 4 * spread, "a test of 5 % has hardly ever so few or so many"
assert found >= 18

# %% [markdown]
# ---
# # Part F: move the points
#
# Now let go. No network yet: the generated *points* themselves follow their forces, a small step at a time. What you see is the distance at work and nothing else.

# %% teaches=["D12", "D18"]
def flow(start, x_real, bandwidth, n_steps=400, step_size=0.5):
    """The points at every step as they follow their forces: (n_steps + 1, m, d)."""
    path = [start]
    for _ in range(n_steps):
        path.append(path[-1] + step_size * forces(path[-1], x_real, bandwidth))
    return torch.stack(path)


x_target = moons.sample(200, rng)
start = 0.4 * torch.randn(200, 2, generator=rng) + torch.tensor([-2.0, 1.5])
CHOICES = {"0.05": 0.05, "0.5": 0.5, "5": 5.0, "median": distances.median_bandwidth(start, x_target),
           "all of 0.1, 0.3, 1, 3, 9": SEVERAL}
paths = {name: flow(start, x_target, bandwidth) for name, bandwidth in CHOICES.items()}

# %% [markdown]
# The same start, the same 200 real points, the same step size; only the bandwidth differs. Before you look at the runs, say what you expect for each. Things to look for: points that never move, points that arrive, points that fly away, and the shape of the whole.

# %% teaches=["D12", "D18"]
FLOW_LIMITS = ((-5.2, 4.2), (-4.2, 5.2))


def outside(x):
    """How many points lie outside the picture."""
    low, high = torch.tensor(FLOW_LIMITS).T
    return ((x < low) | (x > high)).any(dim=1).sum().item()


fig, axes = plt.subplots(5, 4, figsize=(9.6, 11.4), layout="constrained", sharex=True, sharey=True)
for i, (name, path) in enumerate(paths.items()):
    for ax, step in zip(axes[i], (0, 30, 100, 400)):
        scatter_samples(ax, x_target, kind="real", size=2)
        scatter_samples(ax, path[step], kind="generated", size=2.5)
        finish(ax, title=f"step {step}" if i == 0 else None, limits=FLOW_LIMITS, equal=True)
        if outside(path[step]):
            ax.text(0.97, 0.03, f"{outside(path[step])} outside", transform=ax.transAxes, ha="right", fontsize="small")
    axes[i, 0].set_ylabel("several" if name.startswith("all") else f"bandwidth {name}")
plt.show()

# %% [markdown]
# **Figure 4.11.** Five runs from the same start, at four moments. *0.05*: the points push each other apart into a disc that grows ever more slowly; only where it happens to lie on a moon do they find it. *0.5*: those near a moon slide along it, while the others are pushed outwards by the crowd they come from, and are left behind far away, where nothing pulls
# any more. *5*: the cloud travels in one piece to the middle of the moons and takes on their mean and, roughly, their spread, but not their shape. *Median*: better, and still without the thin line of the moons. *Several*: wide kernels bring the points near, narrow ones put them in place. A few strays are left even here: the crowd has pushed them out, and far from everything the pull is weak.
#
# Scrub through a run yourself.

# %% teaches=["D12", "D18"]
fig, ax = plt.subplots(figsize=(5.8, 5.4), layout="constrained")
scatter_samples(ax, x_target, kind="real", size=4)
scatter_samples(ax, start, kind="generated", size=5)
movers = ax.lines[-1]
finish(ax, title="points that follow the forces", limits=FLOW_LIMITS, equal=True)


def nearest(x, y):
    """The distance of every point of x to the nearest point of y."""
    return torch.cdist(x, y).min(dim=1).values


def draw(step, bandwidth):
    x = paths[bandwidth][step]
    movers.set_data(*x.T)
    gaps = nearest(x, x_target)
    return (f"Step {step}: {100 * (gaps < 0.2).float().mean():.0f} % of the points are on the moons (closer than 0.2), "
            f"{100 * (gaps > 1).float().mean():.0f} % farther away than 1; {outside(x)} lie outside the picture.")


sliders(draw, fig, step=(0, 400, 5, 400), bandwidth=list(CHOICES)[::-1])

# %% [markdown]
# **Figure 4.12.** One run, one moment. Choose the bandwidth, then move *step* by the arrow keys.
#
# Now with a number that had no part in moving the points, the Wasserstein-1 distance, for four other starts and samples, 120 points each. (In the plane nothing can be sorted; `wasserstein1` finds the cheapest of all pairings.) It is measured against 120 *fresh* real points: the moved points have seen those that pulled them, and might simply sit on them. Two samples of 120 points from the *same* moons are not at distance 0 either. Their average distance is the **floor**, printed in the head of the table; a perfect sampler would, on average, be there.

# %% tags=["nbval-ignore-output"] teaches=["D12", "D18"]
floor = distances.wasserstein_floor(moons, 120, rng, repeats=10)
ends, strays, on_moons = ({name: [] for name in CHOICES} for _ in range(3))
for _ in range(4):
    x_real, x_fresh = moons.sample(120, rng), moons.sample(120, rng)
    begin = 0.4 * torch.randn(120, 2, generator=rng) + torch.tensor([-2.0, 1.5])
    for name, bandwidth in CHOICES.items():
        end = flow(begin, x_real, bandwidth)[-1]
        ends[name].append(distances.wasserstein1(end, x_fresh))
        strays[name].append((nearest(end, x_fresh) > 1).float().mean().item())
        on_moons[name].append((nearest(end, x_fresh) < 0.2).float().mean().item())

# %% tags=["nbval-ignore-output"] teaches=["D12"]
print(f"{'bandwidth':28}{f'W1, 4 runs (floor {floor:.2f})':28}{'on the moons':>14}{'farther away than 1':>21}")
for name in CHOICES:
    print(f"{name:28}{'  '.join(f'{w:.2f}' for w in ends[name]):28}{100 * np.mean(on_moons[name]):12.0f} %"
          f"{100 * np.mean(strays[name]):19.1f} %")
several = "all of 0.1, 0.3, 1, 3, 9"
for i in range(4):
    assert ends[several][i] < min(ends["0.05"][i], ends["0.5"][i]) and ends["0.05"][i] > 2
    assert on_moons[several][i] > 1.5 * max(on_moons["median"][i], on_moons["5"][i])
assert min(strays["0.5"]) > 0 and np.mean(strays["median"]) < np.mean(strays[several]) < np.mean(strays["0.5"])

# %% [markdown]
# Read the columns together; no single one tells the story. The smallest bandwidth has hardly begun. At 0.5 most arrive, and the rest is lost. Bandwidth 5, the median and the mixture come, in these four runs, about equally near in $W_1$, in opposite ways: with 5 and the median nearly everybody comes *near* the moons and the shape stays blurred; with several bandwidths most points are *on* the moons, and a few strays, pushed out by the crowd and slow to return if they return at all, cost as much as all that blur.
#
# ## When it breaks
#
# **Too few points.** Unless the clouds are far apart, an MMD of ten points against ten is mostly noise; Figure 4.5 shows how much. **Units.** One bandwidth serves all coordinates. If the one is measured in metres and the other in millimetres, no bandwidth suits both well:

# %% tags=["nbval-ignore-output"] teaches=["D18"]
y_metres = torch.randn(250, 2, generator=rng)
x_metres = torch.randn(250, 2, generator=rng)
x_metres[:, 1] = x_metres[:, 1].abs() * x_metres[:, 0].sign()  # both coordinates always have the same sign
in_millimetres = torch.tensor([1.0, 1000.0])
powers = torch.arange(-2, 4.01, 0.25).tolist()


def p_values(x, y):
    return np.array([permutation_test(x, y, 10**power, 199, rng)[2] for power in powers])


verdicts = {"both in metres": p_values(x_metres, y_metres),
            "one in millimetres": p_values(x_metres * in_millimetres, y_metres * in_millimetres)}
fig, ax = plt.subplots(figsize=(6.8, 3.4), layout="constrained")
for (name, ps), look in zip(verdicts.items(), ("o-", "s:")):
    ax.semilogx([10**power for power in powers], ps, look, color=PALETTE["ink"], ms=4, label=name)
ax.axhline(0.05, color=PALETTE["muted"], lw=1)
ax.legend(frameon=False, loc="upper right")
finish(ax, title="can the test tell the two clouds apart?", limits=((0.008, 1.2e4), (-0.02, 1.05)),
       xlabel="bandwidth, in the units of the data", ylabel="p-value (line: 0.05)")
plt.show()
seen = {name: int((ps <= 0.05).sum()) for name, ps in verdicts.items()}
print(f"p-value at most 0.05 at so many of {len(powers)} bandwidths: {seen}")
assert seen["both in metres"] >= 5 and seen["one in millimetres"] < seen["both in metres"]

# %% [markdown]
# **Figure 4.13.** Generated: two independent normal coordinates. Real: the same, but both coordinates always have the same sign; looked at one by one, the coordinates are distributed alike. In equal units (circles) the test sees the difference over a range of bandwidths. Below it hardly any two points meet; above it only the means count, and they agree. With the second coordinate in millimetres (squares) it sees it at fewer
# bandwidths, or none: where a bandwidth is narrow enough for the first coordinate, hardly any two points are close in the second; where it is wide enough for the second, the first counts for nothing. (Each point of the curves is a test of its own, with its own 5 % of false alarms.) Scale your data first.
#
# **Many coordinates.** Of points spread evenly over 30,000 dimensions all distances are nearly equal (lesson 1); pictures are luckier. What many coordinates do to a kernel is lesson 5's business.
#
# ## Exercises
#
# **1. Predict by calculation.** In Figure 4.12, at bandwidth 5, the cloud first moves as one piece. When all points are much nearer than one bandwidth, the bell in $F$ is nearly 1. The pull on a point is then $2/\sigma^2$ times its way to the mean of the real points, the push (nearly) $2/\sigma^2$ times its way from the mean of the generated ones. Together they are the same for every point: $2t/\sigma^2$, with $t$ the distance between the two means. `flow` makes steps of 0.5 times the force. What share of $t$ does the cloud cover in one step? After how many steps has it done 95 % of its way? And how far does it come in 400 steps at bandwidth 50? Then run `flow(start, x_target, 50.0)`.
#
# **2. Fill in the line.** The Gaussian kernel of two points, with `squared_distance` given.

# %%
def kernel_of(squared_distance, bandwidth):
    return ...  # your line


test_squares = torch.tensor([0.0, 0.5, 2.0, 9.0])
kernel_hints = {
    "the bandwidth has to be squared": torch.exp(-test_squares / (2 * 3.0)),
    "the 2 in the denominator is missing": torch.exp(-test_squares / 3.0**2),
    "the minus sign is missing: a kernel falls with distance": torch.exp(test_squares / (2 * 3.0**2)),
    "the distance is squared already": torch.exp(-(test_squares**2) / (2 * 3.0**2)),
    "that takes the distance itself; the kernel needs its square": torch.exp(-test_squares.sqrt() / (2 * 3.0**2)),
}
compare("kernel_of", lambda: kernel_of(test_squares, 3.0), torch.exp(-test_squares / (2 * 3.0**2)), kernel_hints)

# %% [markdown]
# **3. Fill in the line.** The unbiased estimate from the three *sums* over all pairs (diagonals included), for `n` real and `m` generated points.

# %%
def unbiased_from_sums(xx, yy, xy, n, m):
    return ...  # your line


x_ten, y_ten = torch.randn(10, 2, generator=rng), torch.randn(14, 2, generator=rng) + 0.5
sums = [gaussian_kernel(p, q, 1.0).sum() for p, q in ((x_ten, x_ten), (y_ten, y_ten), (x_ten, y_ten))]
xx, yy, xy = sums
unbiased_hints = {
    "that is the biased one: take the diagonal out, and divide by n (n - 1)": xx / 100 + yy / 196 - 2 * xy / 140,
    "the diagonal is still in the sums: its entries are 1, there are n of them": xx / 90 + yy / 182 - 2 * xy / 140,
    "without the diagonal there are n (n - 1) pairs, not n squared": (xx - 10) / 100 + (yy - 14) / 196 - 2 * xy / 140,
    "the sums have to become means": (xx - 10) + (yy - 14) - 2 * xy,
    "mixed pairs count twice": (xx - 10) / 90 + (yy - 14) / 182 - xy / 140,
    "mixed pairs have no diagonal: all n m of them count": (xx - 10) / 90 + (yy - 14) / 182 - 2 * (xy - 10) / (140 - 10),
}
compare("unbiased_from_sums", lambda: unbiased_from_sums(xx, yy, xy, 10, 14), distances.mmd2(x_ten, y_ten, 1.0), unbiased_hints)

# %% [markdown]
# **4. Fill in the line.** The squared distances of all pairs of points *on a line*, from `x` of shape `(n,)` and `y` of shape `(m,)`: the answer has shape `(n, m)`. If the two have the same length, a small slip gives a shape that looks innocent.

# %%
def squared_on_a_line(x, y):
    return ...  # your line


x_line, y_line = torch.tensor([0.0, 1.0, 3.0]), torch.tensor([0.5, 2.0, 2.5])
line_hints = {
    "(n,) minus (n,) pairs the first with the first only: make one of them a column": (x_line - y_line) ** 2,
    "rows belong to x and columns to y: yours is transposed": (y_line[:, None] - x_line) ** 2,
    "those are the distances themselves: square them": (x_line[:, None] - y_line).abs(),
    "square them: a signed difference is no distance": x_line[:, None] - y_line,
}
compare("squared_on_a_line", lambda: squared_on_a_line(x_line, y_line), (x_line[:, None] - y_line) ** 2, line_hints)

# %% [markdown]
# **5. Fill in the line.** The force between two points at a distance `t` for a *list* of bandwidths, whose kernels are averaged. (`force_between` of Part D is there to be used.)

# %%
def force_of_several(t, bandwidths):
    return ...  # your line


t_test, two_widths = torch.tensor([0.5, 1.0, 2.0, 4.0]), [0.5, 3.0]
near_force, far_force = (force_between(t_test, sigma) for sigma in two_widths)
force_hints = {
    "the kernels are averaged, not added: divide by their number": near_force + far_force,
    "average the kernels, not the bandwidths": force_between(t_test, 1.75),
    "that is the force of the first bandwidth alone": near_force,
    "the strongest of them is not what is asked: all of them pull": torch.maximum(near_force, far_force),
    "each force has its own sigma squared already": (near_force / 0.5**2 + far_force / 3.0**2) / 2,
}
compare("force_of_several", lambda: force_of_several(t_test, two_widths), (near_force + far_force) / 2, force_hints)

# %% [markdown]
# **6. Open question.** Your number from lesson 3, Exercise 5, or any other of your own: find two clouds that fool it. Then think about this lesson's: at which bandwidth, and with how many points, could two different clouds fool *it*?
#
# ## Recap
#
# - Means and covariances are the answers to a few questions. Clouds that agree on these may still differ on countless others.
# - KL needs densities, and is infinite as soon as a real place is never visited. JS is stuck at $\log 2$ for distributions that share no place (the field says: with disjoint supports). Neither formula can be applied to two samples as they are, and neither has a slope where it is needed.
# - A kernel is a soft equality. $\mathrm{MMD}^2$ compares how alike points are within the clouds and across; from samples it is an estimate, and the unbiased one may be negative. The true value lies between 0 and 2, has no unit, and depends on the bandwidth: numbers at two bandwidths cannot be compared.
# - The witness says where the clouds differ, the gradient says where each point should go. Both reach about as far as the bandwidth: several bandwidths reach far *and* see detail.
# - The permutation test says whether a difference is more than chance.
# - Points that follow their forces become the other cloud, most of them, if the bandwidths fit.
#
# | number | needs | range, unit | where it goes flat |
# |---|---|---|---|
# | difference of means, of covariances | samples | 0 to infinity; units of $x$, squared units | nowhere, and blind for everything else |
# | KL | densities | 0 to infinity, no unit (with natural logarithms one says *nats*) | infinite as soon as a real place is never visited |
# | JS | densities | 0 to $\log 2$, no unit | as soon as supports are disjoint |
# | Wasserstein-1 | samples | 0 to infinity, units of $x$ | never along a shift; lesson 10 has a flat case. Slow for many points |
# | squared MMD | samples, a bandwidth | 0 to 2, no unit | beyond the reach of its bandwidth |
#
# The table that grows through the series:
#
# | lesson | how a new point is made | what it needs | where it stops |
# |---|---|---|---|
# | 1 | a training point plus a little noise (kernel density) | samples | in many dimensions: copies with noise, nothing new |
# | 2 | a transformation of uniform numbers, built by hand | a formula; on a line, samples | where there is no formula and no order |
# | 3 | a transformation of noise, made by a network | pairs of noise and sample | where there are samples but no pairs |
# | 4 | a given point is moved down the MMD | samples, and a bandwidth that fits | it moves the points it has; for a new one, everything starts again |
#
# ## Next
#
# Most of two hundred points have learned to be moons, but only those two hundred. We would rather have a *maker* of points, lesson 3's network, and let the force on each point tell the network how to change. *Can a distance alone train a generator?*

# %% [markdown]
# ## Answers
#
# Open what you want to see: the answers in words by their triangle, the code by the three dots.

# %% [markdown] tags=["answer"]
# <details><summary>Answer 1</summary>
#
# Each step closes $0.5 \cdot 2/\sigma^2 = 1/\sigma^2$ of the gap. At bandwidth 5 that is 1/25: after $n$ steps $(24/25)^n$ of it is left, which is 5 % for $n = \log 0.05 / \log 0.96 \approx 73$. The cell below counts some fifteen more, because the bell is a little below 1. At bandwidth 50 each step closes 1/2500, so 400 steps cover about 15 %, and the shape is still that of the start. A wide kernel sees the mean first, then the covariance, and the rest only with a patience that nobody has.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer", "nbval-ignore-output"]
wide = flow(start, x_target, 50.0)[-1]
way = (wide.mean(dim=0) - start.mean(dim=0)).norm() / (x_target.mean(dim=0) - start.mean(dim=0)).norm()
left_over = (paths["5"].mean(dim=1) - x_target.mean(dim=0)).norm(dim=1)
steps_95 = (left_over > 0.05 * left_over[0]).sum().item()
print(f"bandwidth 5: the mean has done 95 % of its way after {steps_95} steps")
assert 73 <= steps_95 < 120
print(f"bandwidth 50: the mean has gone {100 * way:.0f} % of its way; "
      f"the spread has grown by a factor of {(wide.std(dim=0) / start.std(dim=0)).max():.3f}")
assert 0.12 < way < 0.18 and (wide.std(dim=0) / start.std(dim=0)).max() < 1.05

# %% jupyter={"source_hidden": true} tags=["answer"]
def kernel_of(squared_distance, bandwidth):
    return torch.exp(-squared_distance / (2 * bandwidth**2))


def unbiased_from_sums(xx, yy, xy, n, m):
    return (xx - n) / (n * (n - 1)) + (yy - m) / (m * (m - 1)) - 2 * xy / (n * m)


def squared_on_a_line(x, y):
    return (x[:, None] - y[None, :]) ** 2


def force_of_several(t, bandwidths):
    return sum(force_between(t, sigma) for sigma in bandwidths) / len(bandwidths)


compare("kernel_of", lambda: kernel_of(test_squares, 3.0), torch.exp(-test_squares / (2 * 3.0**2)), kernel_hints)
compare("unbiased_from_sums", lambda: unbiased_from_sums(xx, yy, xy, 10, 14), distances.mmd2(x_ten, y_ten, 1.0), unbiased_hints)
compare("squared_on_a_line", lambda: squared_on_a_line(x_line, y_line), (x_line[:, None] - y_line) ** 2, line_hints)
compare("force_of_several", lambda: force_of_several(t_test, two_widths), (near_force + far_force) / 2, force_hints)

# %% [markdown] tags=["answer"]
# <details><summary>Answer 6</summary>
#
# With a bandwidth that is far too small, two clouds of distinct points share no place at all, and every pair of clouds is equally different: the unbiased estimate is 0 for all of them. With one that is far too large, only the means count. And at any bandwidth a difference smaller than the chance
# differences of Figure 4.5 goes unseen: more points are the cure. A list of bandwidths cures only a badly chosen one. With infinitely many points no two different distributions fool a Gaussian kernel; with the points one has, they may.
#
# </details>
