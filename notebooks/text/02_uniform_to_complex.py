# %% [markdown]
# # 2. From uniform to complicated
#
# **How do uniform numbers become any other distribution?**
#
# Lesson 1 ended with a secret: every puppy is drawn from a handful of uniform numbers. So the whole art of generating
# lies in one step, a *transformation* that takes numbers that everybody can have and turns them into numbers with the
# distribution that we want. In this lesson you build such transformations by hand: first the uniform numbers themselves,
# then one curve that makes any distribution on a line, then warps of a whole square. At the end you see exactly where
# building by hand stops, and why a network has to take over.
#
# *You need*: lesson 1; square root, logarithm, sine and cosine, and what a slope is. One integral occurs; you may skip it.
# *Time*: about 75 minutes.
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
from scipy import stats

from helpers import sampling
from helpers.checks import compare
from helpers.pictures import load_fashion
from helpers.plots import PALETTE, TEXT, finish, scatter_samples, warped_grid
from helpers.widgets import sliders

SEED = 2
rng = torch.Generator().manual_seed(SEED)

# %% [markdown]
# The cell below shows where we are going. Two uniform numbers are a point of the square on the left. One short formula,
# applied to each point, makes the picture on the right.

# %%
def to_spiral(u):
    """The first number says how far along the spiral, the second how far off its middle. (n, 2) to (n, 2)."""
    turn = 4 * math.pi * u[:, 0]
    radius = 0.3 + 0.15 * turn + 0.45 * (u[:, 1] - 0.5)
    return torch.stack([radius * turn.cos(), radius * turn.sin()], dim=1)


z = sampling.uniform_noise(2000, 2, rng)
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
scatter_samples(left, z, kind="noise")
finish(left, title="uniform numbers, two at a time", limits=((0, 1), (0, 1)), equal=True)
scatter_samples(right, to_spiral(z), kind="generated")
finish(right, title="the same points, transformed", limits=((-2.5, 2.5), (-2.5, 2.5)), equal=True)
plt.show()

# %% [markdown]
# **Figure 2.1.** Left: 2,000 points spread evenly over a square. Right: the same 2,000 points after a transformation; they
# form a spiral of two turns, crowded inside and thin outside. No point was added, removed or tuned: the
# shape is in the formula.
#
# ## Words
#
# | idea | symbol | in code | shape |
# |---|---|---|---|
# | uniform noise: stretches of [0, 1) of equal length are equally likely | $u$ or $z$ | `u`, `z` | `(n,)`, `(n, noise_dim)` |
# | density: how thickly probability lies at $x$ | $p(x)$ | `density` | like `x` |
# | cumulative distribution function, **CDF**: the share of the distribution at or below $x$ | $F(x)$ | `cdf` | like `x`, in [0, 1] |
# | **inverse CDF**, or quantile function: the $x$ below which a share $u$ lies | $F^{-1}(u)$ | `inverse_cdf` | like `u` |
# | transformation of the noise; in later lessons, the generator | $G(z)$ | `to_spiral`, ... | `(n, 2)` to `(n, 2)` |
# | a source of random numbers | | `rng` | |
#
# One word to be careful with: the article speaks of "complex" functions and distributions. It means *complicated*; complex
# numbers play no part. And *normal* and *uniform* are two different distributions: a uniform number falls
# into every stretch between 0 and 1 according to its length, a normal (Gaussian) one falls near its mean most of the time. This lesson turns the first
# into the second.
#
# ---
# # Part A: numbers that only look random
#
# A program follows rules, so it cannot roll dice. What it can do is follow a rule whose results *look* like dice. (A computer can measure physical noise
# as well, as for keys; nobody can repeat such numbers, and we want to.) An old such rule, and long the commonest, the **linear congruential generator**, fits in one line: multiply the last number, add something, and keep the
# remainder of a division. (In a hurry? Read to the KS distance below Figure 2.4, look at RANDU's planes, and go on to Part B.)
#
# $$x_{k+1} = (a\,x_k + c) \bmod m$$
#
# Divide by $m$ and you have numbers from 0 up to, not including, 1. Here are the first six with $a=21$, $c=17$, $m=64$, by hand.

# %% teaches=["D11"]
x = 1
for _ in range(6):
    x_next = (21 * x + 17) % 64
    print(f"21 * {x:2d} + 17 = {21 * x + 17:4d}, remainder {x_next:2d}, over 64: {x_next / 64:.4f}")
    x = x_next

# %% [markdown]
# The numbers jump about. They are called **pseudo-random**: nothing about them is left to chance, and whoever starts at 1
# again gets the same six.
#
# ## Predict: one step beside a good multiplier
#
# With $a = 21$ the generator visits all 64 remainders before it repeats. Now take $a = 20$ and leave everything else. In the end the generator
# repeats the same numbers over and over. How many different ones?
#
# **(a)** also 64 &nbsp; **(b)** 63 &nbsp; **(c)** about 32 &nbsp; **(d)** one
#
# Decide, then move the slider below.
#
# ## Try it: the constants of a generator
#
# Each square is one number of the sequence. The picture on the right plots each number against the next: for good random
# numbers the squares should show no pattern. (`linear_congruential` is opened up in *The code*.)

# %% teaches=["D11"]
def cycle_length(multiplier, increment, modulus, seed=1):
    """After how many steps the generator, once it repeats, comes back to the same number."""
    first_seen, x = {}, seed
    while x not in first_seen:
        first_seen[x] = len(first_seen)
        x = (multiplier * x + increment) % modulus
    return len(first_seen) - first_seen[x]


fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", width_ratios=[1.4, 1])
sequence, = left.plot([], [], "s", ms=4, color=PALETTE["noise"])
pairs, = right.plot([], [], "s", ms=4, color=PALETTE["noise"])
finish(left, title="the numbers, one after another", limits=((0, 132), (-0.03, 1.03)),
       xlabel="step $k$", ylabel="$x_k / m$")
finish(right, title="each number against the next", limits=((-0.03, 1.03), (-0.03, 1.03)),
       equal=True, xlabel="$x_k / m$",
       ylabel="$x_{k+1} / m$")


def draw(multiplier, increment, modulus):
    u = sampling.linear_congruential(130, 1, multiplier, increment, modulus) / modulus
    sequence.set_data(np.arange(1, 131), u)
    pairs.set_data(u[:-1], u[1:])
    length = cycle_length(multiplier, increment, modulus)
    return f"With these constants the generator ends up repeating {length} of {modulus} numbers."


sliders(draw, fig, multiplier=(1, 63, 1, 21), increment=(0, 63, 1, 17), modulus=(16, 128, 1, 64))

# %% [markdown]
# **Figure 2.2.** Left: 130 numbers of the generator, one after another; with the constants shown the pattern of the first 64 repeats.
# Right: each number against its successor. They lie on a lattice of lines. A larger modulus, with a multiplier that suits it, makes it finer; nothing removes it.
#
# The same picture for three multipliers, the rest unchanged:

# %%
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained", sharey=True)
for ax, a in zip(axes, [20, 21, 33]):
    u = sampling.linear_congruential(130, 1, a, 17, 64) / 64
    ax.plot(np.arange(1, 131), u, "s", ms=3, color=PALETTE["noise"])
    finish(ax, title=f"$a = {a}$: cycle of {cycle_length(a, 17, 64)}",
           limits=((0, 132), (-0.03, 1.03)), xlabel="step $k$")
axes[0].set_ylabel("$x_k / m$")
plt.show()

# %% [markdown]
# **Figure 2.3.** With $a=20$ the generator falls on one number within a few steps and stays there. With $a=21$ and with $a=33$ it visits
# all 64; but $a=33$ climbs in stripes that everybody sees.
#
# ## What you saw
#
# **(d)** is right: one number, for ever. One step of a slider separates a generator that uses every number it has from one
# that is stuck. (Why: 20 is a multiple of 4, so $20^3$ is a multiple of 64. After three steps nothing is left of the start.) And a full cycle alone is not enough: $a=33$ has one, and looks nothing like chance.
#
# ## Why
#
# When is the cycle full? A theorem of Hull and Dobell (1962) answers it; for a modulus that is a power of two, such as 64, and
# at least 4, it says:
#
# $$\text{full cycle} \iff c \text{ is odd, and } a - 1 \text{ is a multiple of } 4.$$
#
# We need not believe it: with $m = 64$ there are only $64 \times 64$ generators, so we count the cycle of each.

# %%
pairs_of_constants = [(a, c) for a in range(64) for c in range(64)]
full_by_counting = [cycle_length(a, c, 64) == 64 for a, c in pairs_of_constants]
full_by_theorem = [c % 2 == 1 and a % 4 == 1 for a, c in pairs_of_constants]
print(f"{sum(full_by_counting)} of {len(full_by_counting)} generators have a full cycle")
assert full_by_counting == full_by_theorem, "theorem and count must agree for every a and c"

# %% [markdown]
# Counting and theorem agree for every pair of constants. A cycle of 64 is a toy. With modulus $2^{31}-1$ and multiplier 16807
# (Park and Miller's "minimal standard", 1988) the cycle has about two billion numbers. That modulus $m$ is a prime and the increment is 0, so another
# theorem answers for it: the cycle has the full $m - 1$ numbers (all but 0) if no power $a^{(m-1)/q}$, with $q$ a prime factor of $m-1$, leaves remainder 1.

# %%
m = 2**31 - 1
factors = [2, 3, 3, 7, 11, 31, 151, 331]  # of m - 1
assert math.prod(factors) == m - 1 and all(pow(16807, (m - 1) // q, m) != 1 for q in factors)
print(f"cycle length {m - 1:,}")

# %% [markdown]
# ## The code
#
# In words: *repeat n times: multiply, add, keep the remainder, write it down.* The function is the sentence.

# %% tags=["shows:helpers.sampling.linear_congruential"] teaches=["D11"]
def linear_congruential(n, seed, multiplier=16807, increment=0, modulus=2**31 - 1):
    """The n states that follow `seed` under state <- (multiplier * state + increment) mod modulus."""
    states = []
    state = seed
    for _ in range(n):
        state = (multiplier * state + increment) % modulus
        states.append(state)
    return torch.tensor(states, dtype=torch.int64)

# %% [markdown]
# ## Check
#
# Park and Miller published one number so that others can test their programs: started at 1, the generator's 10,000th
# number is 1,043,618,065. And PyTorch's own generator on the CPU is the Mersenne Twister; started at 5489, its 10,000th
# output of 32 bits is known to be 4,123,659,995. The cell asks it for 24 of those bits.

# %%
assert linear_congruential(10_000, seed=1)[-1] == 1_043_618_065
twister = torch.Generator().manual_seed(5489)
assert torch.randint(2**24, (10_000,), generator=twister)[-1] == 4_123_659_995 % 2**24

first, again = (torch.rand(5, generator=torch.Generator().manual_seed(7)) for _ in range(2))
assert torch.equal(first, again), "the same seed must give the same numbers"
print("both generators are what they claim to be; the same seed gives the same numbers")

# %% [markdown]
# This is why each lesson hands an `rng` with a seed to everything that uses chance: your run can be repeated exactly.
#
# But are the numbers *uniform*? Sort them and plot, for each value, the share of the numbers at or below it. This staircase is the **empirical CDF**; for perfectly uniform
# numbers it would be the diagonal. The cell does it for 20 numbers.

# %% teaches=["D11"]
u = linear_congruential(20, seed=1) / (2**31 - 1)
ordered, share = u.sort().values, torch.arange(1, 21) / 20
edge = torch.cat([share, share - 1 / 20])  # the staircase just above and just below each number
worst = (edge - ordered.repeat(2)).abs().argmax()

fig, ax = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
ax.step([0, *ordered, 1], [0, *share, 1], where="post", color=PALETTE["noise"], lw=1.8,
        label="empirical CDF of 20 numbers")
ax.plot([0, 1], [0, 1], color=PALETTE["ink"], lw=1, label="uniform")
where = ordered.repeat(2)[worst]
ax.plot([where, where], [where, edge[worst]], ":", color=PALETTE["extra"], lw=3,
        label="largest gap")
ax.plot(u, torch.full_like(u, 0.01), "s", ms=4, color=PALETTE["noise"], clip_on=False)
ax.legend(frameon=False, loc="upper left")
finish(ax, title="how far from uniform?", limits=((0, 1), (0, 1)), equal=True, xlabel="value",
       ylabel="share of the numbers at or below it")
plt.show()

# %% [markdown]
# **Figure 2.4.** The empirical CDF of 20 numbers climbs one step at each number (squares along the bottom). The dotted bar is the largest gap to the diagonal.
#
# That largest gap is the **Kolmogorov-Smirnov distance** (KS distance). Chance makes a gap, too: for $n$ honest uniform numbers it exceeds $1.358/\sqrt n$ about
# once in twenty times (for large $n$; the constant is from the tables of this test).

# %% teaches=["D11"]
def ks_distance(u):
    """The largest gap between the empirical CDF of u and the diagonal. u: (n,) in [0, 1]."""
    n, ordered = len(u), u.sort().values
    share = torch.arange(n + 1) / n  # the CDF jumps from share[i] to share[i + 1] at ordered[i]
    return torch.maximum(share[1:] - ordered, ordered - share[:-1]).max()


u = linear_congruential(2000, seed=1) / (2**31 - 1)
print(f"largest gap {ks_distance(u):.4f}, critical value {1.358 / math.sqrt(len(u)):.4f}")
assert math.isclose(ks_distance(u), stats.kstest(u.numpy(), "uniform").statistic, abs_tol=1e-6)
assert ks_distance(u) < 1.358 / math.sqrt(len(u))

# %% [markdown]
# Our function and SciPy's test agree, and the minimal standard passes.
#
# ## When it breaks: RANDU
#
# In the 1960s and 70s many simulations ran on **RANDU**: $x_{k+1} = 65539\,x_k \bmod 2^{31}$. It passes the
# test of single numbers. Its flaw appears when its numbers are used three at a time, as the coordinates of a
# point in a cube. Turn the cube. (To turn it, we multiply each point by a rotation and look at two of the three coordinates.)

# %% teaches=["D11"]
n_points = 3000
clouds = {"RANDU": sampling.randu(3 * n_points).reshape(-1, 3) / 2**31,
          "PyTorch's generator": torch.rand(n_points, 3, generator=rng)}


def view(points, turn):
    """What a viewer sees who walks round the cube by `turn` degrees. (n, 3) to (n, 2)."""
    angle = math.radians(turn)
    across = torch.tensor([-math.sin(angle), math.cos(angle), 0.0])
    upward = torch.tensor([0.0, 0.0, 1.0])
    return (points - 0.5) @ torch.stack([across, upward], dim=1)


fig, ax = plt.subplots(figsize=(5.4, 4.2), layout="constrained")
dots, = ax.plot([], [], "s", ms=1.8, color=PALETTE["noise"])
finish(ax, title="three numbers are one point of a cube", limits=((-0.75, 0.75), (-0.55, 0.55)),
       equal=True, ticks=False)


def draw(generator, turn):
    seen = view(clouds[generator], turn)
    dots.set_data(seen[:, 0], seen[:, 1])
    return f"{n_points} points of {generator}, seen from {turn} degrees."


sliders(draw, fig, generator=list(clouds), turn=(0, 180, 1, 56))

# %% [markdown]
# **Figure 2.5.** RANDU's points in a cube, seen from 56 degrees: they lie on planes, seen edge-on as stripes, with nothing between
# them.

# %%
fig, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
for ax, turn in zip(axes, [20, 50, 56]):
    seen = view(clouds["RANDU"], turn)
    ax.plot(seen[:, 0], seen[:, 1], "s", ms=1, color=PALETTE["noise"])
    finish(ax, title=f"RANDU from {turn} degrees", limits=((-0.75, 0.75), (-0.55, 0.55)),
           equal=True, ticks=False)
plt.show()

# %% [markdown]
# **Figure 2.6.** The same points from three sides. From 20 degrees you see nothing, from 50 degrees bands appear, from 56 degrees the planes stand
# edge-on. PyTorch's generator (the other choice above) shows an even cloud from every side.
#
# The reason is a short calculation. $65539 = 2^{16} + 3$, and its square is $2^{32} + 6\cdot 2^{16} + 9 = 2^{32} + 6 \cdot 65539 - 9$. The first term vanishes in the remainder, so two steps of the generator give
# $x_{k+2} = 6\,x_{k+1} - 9\,x_k \pmod{2^{31}}$: the third number follows from the two before it, with *small* factors. (Every generator of this kind puts its triples on planes, as Marsaglia showed in 1968; with small factors there are few.) Each triple satisfies
# $9x_k - 6x_{k+1} + x_{k+2} = j \cdot 2^{31}$ for a whole number $j$, and each $j$ is a plane. With numbers between 0 and 1 the left side lies between $-6$ and $10$, which leaves fifteen values for $j$.
# The planes stand edge-on where the tangent of the angle is $9/6$: at 56 degrees.

# %% teaches=["D11"]
states = sampling.randu(100_000)
combination = 9 * states[:-2] - 6 * states[1:-1] + states[2:]
planes = torch.unique(combination // 2**31)
print("planes j =", planes.tolist())
assert (combination % 2**31 == 0).all() and len(planes) == 15

# %% [markdown]
# So a generator has to be tested in the way it will be used. The last cell of this part puts four generators
# through three tests: single numbers (KS), pairs and triples (cut the square into $16 \times 16$ boxes, the cube into $16 \times 16 \times 16$, count the
# points in each, and compare with equal counts by the chi-square test). Each test answers with a *p-value*: how often honest
# random numbers would look at least as bad. Below one in a million, we call it a failure.

# %% teaches=["D11"]
def box_test(u, dim, boxes):
    """p-value of the chi-square test that points of `dim` numbers each fill all boxes equally."""
    points = u[: len(u) // dim * dim].reshape(-1, dim)
    corner = (points * boxes).long().clamp(max=boxes - 1)  # rounding may have made a number exactly 1
    index = sum(corner[:, i] * boxes**i for i in range(dim))
    return stats.chisquare(torch.bincount(index, minlength=boxes**dim).numpy()).pvalue


def three_tests(u):
    return {"single": stats.kstest(u.numpy(), "uniform").pvalue, "pairs": box_test(u, 2, 16),
            "triples": box_test(u, 3, 16)}


n = 60_000
generators = {
    "toy, m = 64": lambda seed: linear_congruential(n, seed, 21, 17, 64) / 64,
    "RANDU": lambda seed: sampling.randu(n, 2 * seed + 1) / 2**31,
    "minimal standard": lambda seed: linear_congruential(n, seed + 1) / (2**31 - 1),
    "PyTorch": lambda seed: torch.rand(n, generator=torch.Generator().manual_seed(seed),
                                       dtype=torch.float64),
}
n_seeds = 10
failures = {name: {test: 0 for test in ("single", "pairs", "triples")} for name in generators}
for name, generator in generators.items():
    for seed in range(n_seeds):
        for test, p_value in three_tests(generator(seed)).items():
            failures[name][test] += int(p_value < 1e-6)

print(f"failures in {n_seeds} runs from {n_seeds} seeds, {n} numbers each")
print(f"{'':20}{'single':>8}{'pairs':>8}{'triples':>8}")
for name, row in failures.items():
    print(f"{name:20}{row['single']:8}{row['pairs']:8}{row['triples']:8}")
assert failures["RANDU"] == {"single": 0, "pairs": 0, "triples": n_seeds}
assert set(failures["toy, m = 64"].values()) == {n_seeds}
assert sum(failures["PyTorch"].values()) == sum(failures["minimal standard"].values()) == 0

# %% [markdown]
# The toy with 64 numbers fails everything. RANDU passes alone and in pairs and fails in threes, from each of the seeds. From here on our uniform numbers come from
# PyTorch's generator, and we take them for what they are: determined, repeatable, and uniform as far as our tests can tell.
#
# ---
# # Part B: one curve makes any distribution on a line
#
# ## Predict: squares of uniform numbers
#
# Take uniform numbers $u$ and square each: $x = u^2$. All results lie between 0 and 1 again. How are they spread?
#
# **(a)** evenly, as before &nbsp; **(b)** thicker near 0 &nbsp; **(c)** thicker near 1 &nbsp; **(d)** thicker in the middle
#
# ## Try it: carry each point to its place
#
# On the left, a curve: it takes a uniform number $u$ (across) and says where to put it (up). The slider moves each point
# from where it is, $x = u$, to where the curve of the chosen distribution wants it. On the right you see what becomes
# of the density: the histogram is counted, the line is computed. To see whether you predicted well, choose *square* in the menu.

# %% teaches=["D9", "F4"]
normal = torch.distributions.Normal(0.0, 1.0)
mixture_x = torch.linspace(-5, 5, 2001)
mixture_cdf = 0.6 * normal.cdf((mixture_x + 1.8) / 0.6) + 0.4 * normal.cdf((mixture_x - 1.8) / 0.9)
quantile = {
    # a table of F, read backwards
    "two hills": lambda u: torch.from_numpy(np.interp(u, mixture_cdf, mixture_x)).float(),
    "square": lambda u: u**2,
    "exponential": lambda u: -torch.log(1 - u),
    "logistic": lambda u: torch.log(u / (1 - u)),
    "Cauchy": lambda u: torch.tan(math.pi * (u - 0.5)),
}

u_curve = torch.linspace(0.0005, 0.9995, 1000)
u_some = torch.linspace(0.0125, 0.9875, 40)
u_many = torch.rand(20_000, generator=rng)
bins = np.linspace(-4, 4, 81)

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained", sharey=True)
curve, = left.plot([], [], color=PALETTE["ink"])
carried, = left.plot([], [], "^", color=PALETTE["generated"], ms=5, label="where the points go")
left.plot(u_some, 0 * u_some - 3.9, "s", color=PALETTE["noise"], ms=3, label="uniform points",
          clip_on=False)
left.legend(loc="upper left", frameon=False)
counted_x = right.stairs(np.zeros(80), bins, orientation="horizontal", fill=True,
                         color=PALETTE["generated"], alpha=0.45, label="counted")
computed_x, = right.plot([], [], color=PALETTE["ink"], label="computed")
right.legend(loc="upper right", frameon=False)
finish(left, title="where each uniform number goes", limits=((0, 1), (-4, 4)),
       xlabel="uniform number $u$", ylabel="$x$")
finish(right, title="how thick the points lie there", limits=((0, 1.5), (-4, 4)),
       xlabel="density $p(x)$")


def draw(target, progress):
    def carry(u):
        return (1 - progress) * u + progress * quantile[target](u)

    x_curve = carry(u_curve)
    curve.set_data(u_curve, x_curve)
    carried.set_data(u_some, carry(u_some))
    slope = torch.gradient(x_curve, spacing=(u_curve,))[0]
    computed_x.set_data(1 / slope, x_curve)
    counted_x.set_data(np.histogram(carry(u_many), bins=bins, density=True)[0], bins)
    return f"The points are {100 * progress:.0f} % of the way from uniform to {target}."


sliders(draw, fig, target=list(quantile), progress=(0.0, 1.0, 0.02, 1.0))

# %% [markdown]
# **Figure 2.7.** Left: the curve that turns uniform numbers (squares along the bottom) into a distribution with two hills (triangles). Right: the histogram of 20,000 carried
# points, with the computed density over it. Where the curve is flat, many points land close together and the density is
# high; where it is steep, they are spread thin.
#
# Three places of the slider for the target with two hills, and the square:

# %%
fig, axes = plt.subplots(1, 4, figsize=(9.5, 2.8), layout="constrained", sharey=True)
stills = [("two hills", 0.0), ("two hills", 0.5), ("two hills", 1.0), ("square", 1.0)]
for ax, (target, progress) in zip(axes, stills):
    x = (1 - progress) * u_many + progress * quantile[target](u_many)
    ax.hist(x.numpy(), bins=bins, density=True, color=PALETTE["generated" if progress else "noise"], alpha=0.45)
    finish(ax, title=f"{target}, {100 * progress:.0f} %", limits=((-4, 4), (0, 1.2)), xlabel="$x$")
axes[0].set_ylabel("density $p(x)$")
plt.show()

# %% [markdown]
# **Figure 2.8.** The uniform block (green) is pulled apart and becomes two hills. No point jumps over another on the way: the order of the points never changes. Rightmost: squares of uniform
# numbers stay between 0 and 1 and crowd towards 0, where the density runs out of the picture.
#
# ## What you saw
#
# **(b)**: near 0 the curve of the square is nearly flat; all numbers below 0.1 land below 0.01. The density is $1/(2\sqrt x)$, which has no upper bound
# near 0 although all of it together is still 1. You also saw that *any* rising curve gives *some* distribution. The question is which curve gives the one we want.
#
# The curves of the menu really give the distributions that they are named after: 20,000 carried points against each CDF.

# %% teaches=["D9"]
def two_hills_cdf(x):
    return 0.6 * stats.norm.cdf((x + 1.8) / 0.6) + 0.4 * stats.norm.cdf((x - 1.8) / 0.9)


cdfs = {"square": np.sqrt, "exponential": stats.expon.cdf, "logistic": stats.logistic.cdf,
        "Cauchy": stats.cauchy.cdf, "two hills": two_hills_cdf}
for name, cdf in cdfs.items():
    gap = stats.kstest(quantile[name](u_many).numpy(), cdf).statistic
    assert gap < 1.95 / math.sqrt(len(u_many)), name  # one sample, carried five ways
print("all", len(cdfs), "stay below the bound that honest samples exceed once in a thousand times")

# %% [markdown]
# ## Why
#
# Say that a quarter of all waiting times are below 0.14 hours: $F(0.14) = 0.25$. A quarter of all uniform numbers are below 0.25. So send $u = 0.25$ to $x = 0.14$, and likewise every other $u$ to the $x$ with $F(x) = u$. The curve we want is
# the inverse of the CDF. The proof is one line ($P$ stands for "probability of"). Let $U$ be uniform and put $X = F^{-1}(U)$; then
#
# $$P(X \le x) \;=\; P\big(F^{-1}(U) \le x\big) \;=\; P\big(U \le F(x)\big) \;=\; F(x),$$
#
# because $F$ rises, strictly and without jumps, and because a uniform number is below the value $F(x)$ with exactly that probability. (Where $F$ jumps or stays flat, let $F^{-1}(u)$ be the smallest $x$ with $F(x) \ge u$; the line still
# holds. Exercise 4 is such a case.)
#
# Example: waiting times have the exponential distribution, $F(x) = 1 - e^{-\lambda x}$, where $\lambda$ is the *rate* (here 2 an hour) and $1/\lambda$ the mean. Solve $u = 1 - e^{-\lambda x}$ for $x$:
#
# $$F^{-1}(u) = -\frac{\ln(1-u)}{\lambda}.$$

# %% teaches=["D9"]
rate = 2.0
u = torch.rand(5000, generator=rng)
x = -torch.log(1 - u) / rate
print(f"mean {x.mean():.3f}; theory 1/rate = {1 / rate:.3f}")
assert stats.kstest(x.numpy(), stats.expon(scale=1 / rate).cdf).statistic < 1.95 / math.sqrt(len(x))
assert torch.allclose(1 - torch.exp(-rate * x), u, atol=1e-5), "F undoes what its inverse did"

# %% [markdown]
# The asserted bound, $1.95/\sqrt n$, is exceeded once in a thousand times by honest samples; the round trip
# $F(F^{-1}(u)) = u$ is exact up to rounding.
#
# The slope of the curve tells the density: a short piece $du$ of uniform numbers carries probability $du$ and is stretched
# to length $dx$, so $p(x) = du/dx$, one over the slope. (For a falling curve, drop the sign.) This is the **change of variables** in one dimension; Figure 2.7
# draws it as the dark line. PyTorch can compute the slope of any formula by itself, which is called *autograd* and which training will use all the time; here it checks the density of the squares.

# %%
u = torch.linspace(0.1, 0.9, 5, requires_grad=True)
x = u**2
slope, = torch.autograd.grad(x.sum(), u)
print("x               ", [f"{value:.2f}" for value in x.tolist()])
print("1 / slope       ", [f"{value:.2f}" for value in (1 / slope).tolist()])
print("1 / (2 sqrt(x)) ", [f"{value:.2f}" for value in (1 / (2 * x.sqrt())).tolist()])
assert torch.allclose(1 / slope, 1 / (2 * x.sqrt()))

# %% [markdown]
# ## The code: no formula, only samples
#
# Now the step that matters for everything later. **Nobody knows a formula** for most distributions in the world. Take the 10
# kinds of clothes in Fashion-MNIST and ask how bright a picture is on average. A formula may come close, but none was put in; there are only pictures.
#
# On a line that is enough. Sort the samples: the value below which a share $u$ of the *samples* lies is our estimate of $F^{-1}(u)$. In words:
# *sort, go to place $u(n-1)$, and if that lies between two samples, take the point between them in proportion.*

# %% tags=["shows:helpers.sampling.inverse_cdf"] teaches=["D10"]
def inverse_cdf(u, samples):
    """The value below which the share u of the samples lies, read linearly between neighbouring sorted samples."""
    ordered = samples.sort().values
    position = u * (len(ordered) - 1)
    left, right = position.floor().long(), position.ceil().long()
    return ordered[left] + (position - left) * (ordered[right] - ordered[left])

# %% [markdown]
# Smallest input first: three samples, five values of `u`. Then a comparison with NumPy's quantiles.

# %% teaches=["D10"]
few = inverse_cdf(torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]), torch.tensor([10.0, 0.0, 4.0]))
print(few.tolist())
assert few.tolist() == [0, 2, 4, 7, 10]
samples, u = torch.randn(101, generator=rng), torch.rand(1000, generator=rng)
assert np.allclose(inverse_cdf(u, samples), np.quantile(samples, u), atol=1e-5)

# %% [markdown]
# With `u = 0` we get the smallest sample, with `u = 1` the largest. Now real data: how many samples does it take? The slider
# chooses how many training pictures we may look at. Uniform numbers go through *their* inverse CDF; the test pictures, which
# the curve has never seen, are the judge. (We keep a balanced part of the real data set; the cell prints how many.)

# %% teaches=["D10"]
train, _ = load_fashion("train")
test, _ = load_fashion("test")
brightness_train, brightness_test = train.mean(dim=(1, 2, 3)), test.mean(dim=(1, 2, 3))
brightness_train = brightness_train[torch.randperm(len(brightness_train), generator=rng)]
print(f"{len(train)} training pictures, {len(test)} test pictures")

bins_b = np.linspace(0, 0.8, 41)
u_fixed = torch.rand(4000, generator=rng)


def heights(x):
    """A histogram of x as densities, one for each of the 40 bins."""
    return np.histogram(x, bins=bins_b)[0] / len(x) / (bins_b[1] - bins_b[0])


fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
curve_b, = left.plot([], [], color=PALETTE["generated"])
right.hist(brightness_test.numpy(), bins=bins_b, density=True, color=PALETTE["real"], alpha=0.35,
           label="test pictures")
made_b = right.stairs(np.zeros(40), bins_b, color=PALETTE["generated"], lw=2, label="generated")
right.legend(frameon=False)
finish(left, title="inverse CDF, from samples alone", limits=((0, 1), (0, 0.8)),
       xlabel="uniform number $u$", ylabel="brightness $x$")
finish(right, title="does it match pictures never seen?", limits=((0, 0.8), (0, 6)),
       xlabel="brightness $x$", ylabel="density")


def draw(power):
    n_samples = 2**power
    known = brightness_train[:n_samples]
    curve_b.set_data(u_curve, inverse_cdf(u_curve, known))
    generated = inverse_cdf(u_fixed, known)
    made_b.set_data(heights(generated), bins_b)
    gap = stats.ks_2samp(generated.numpy(), brightness_test.numpy()).statistic
    return f"From {n_samples} pictures: KS distance of generated to test brightness {gap:.3f}."


sliders(draw, fig, labels={"power": "samples: 2 to the power"}, power=(1, 13, 1, 8))

# %% [markdown]
# **Figure 2.9.** Left: the inverse CDF of the pictures' brightness, read off from samples. Right: brightness of unseen test pictures (filled) and of generated values (outline). With 256 pictures, as
# shown first, the range is right and the heights roughly so.

# %%
fig, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained", sharey=True)
for ax, n_samples in zip(axes, [2, 32, 8192]):
    ax.stairs(heights(brightness_test), bins_b, fill=True, color=PALETTE["real"], alpha=0.35, label="test pictures")
    ax.stairs(heights(inverse_cdf(u_fixed, brightness_train[:n_samples])), bins_b,
              color=PALETTE["generated"], lw=2, label="generated")
    finish(ax, title=f"from {n_samples:,} pictures", limits=((0, 0.8), (0, 17)),
           xlabel="brightness $x$")
axes[0].set_ylabel("density")
axes[2].legend(frameon=False)
plt.show()

# %% [markdown]
# **Figure 2.10.** Generated brightness (outline) from 2, 32 and 8,192 training pictures against the test pictures (filled). Two samples give a straight curve and a flat block between them; some
# thousand give the right shape.
#
# ## Check: does it match on fresh noise?
#
# One good-looking figure proves little. So we do it with 32 training pictures and with all of them, 20 times each with fresh noise, and compare
# the KS distance to the test pictures. For the full set we also count how often it stays below the value that two samples of one distribution exceed once in
# twenty times. (All runs share one set of test pictures, so they are not 20 independent proofs.)

# %% teaches=["D10"]
def gap_to_test(known, seed):
    """KS distance between 1,000 generated brightnesses and those of the test pictures."""
    u = torch.rand(1000, generator=torch.Generator().manual_seed(1000 * SEED + seed))
    return stats.ks_2samp(inverse_cdf(u, known).numpy(), brightness_test.numpy()).statistic


critical = 1.358 * math.sqrt(1 / 1000 + 1 / len(brightness_test))
few = brightness_train[: 20 * 32].reshape(20, 32)  # 32 other pictures each time
gaps_few = [gap_to_test(few[i], i) for i in range(20)]
gaps_all = [gap_to_test(brightness_train, i) for i in range(20)]
below = sum(gap < critical for gap in gaps_all)
print(f"mean KS distance: from 32 pictures {np.mean(gaps_few):.3f}, from all {np.mean(gaps_all):.3f}")
print(f"with all pictures, {below} of 20 below the critical value {critical:.4f}")
assert np.mean(gaps_all) < np.mean(gaps_few) / 2 and below >= 14

places = torch.linspace(0, 1, len(brightness_train))
assert torch.allclose(inverse_cdf(places, brightness_train), brightness_train.sort().values,
                      atol=1e-6)

# %% [markdown]
# The last line is the round trip: at the places $0, \frac{1}{n-1}, \ldots, 1$ the curve returns every sample itself. So a distribution on a line needs no
# formula: enough samples do, up to two small prices. Nothing beyond the smallest and the largest sample ever comes out, and a gap between two neighbouring samples is filled evenly. Remember this. It is the property we shall lose when we leave the line.
#
# ---
# # Part C: two numbers at once, and the normal distribution
#
# The normal distribution's CDF has no formula in elementary functions, nor has its inverse. Box and Muller (1958) went
# round the obstacle by taking *two* uniform numbers for *two* normal ones.
#
# ## Predict: a circle that holds half
#
# Their transformation uses the first number for the distance from the centre and the second for the direction. So all points with the same $u_1$
# land on one circle. Which $u_1$ gives the circle that has half of all points inside?
#
# **(a)** about 0.39 &nbsp; **(b)** 0.5 &nbsp; **(c)** about 0.68 &nbsp; **(d)** that depends on $u_2$
#
# ## Try it: follow one point

# %%
u_pairs = torch.rand(3000, 2, generator=rng)
line = torch.linspace(0, 0.9999, 400)
fig, (square, plane) = plt.subplots(1, 2, figsize=(8.4, 4.4), layout="constrained")
maps = {square: lambda u: u, plane: sampling.box_muller}
scatter_samples(square, u_pairs, kind="noise", alpha=0.25, size=2)
scatter_samples(plane, sampling.box_muller(u_pairs), kind="generated", alpha=0.25, size=2)
marks = {ax: (ax.plot([], [], color=PALETTE["ink"], lw=2, label="this $u_1$, every $u_2$")[0],
              ax.plot([], [], color=PALETTE["ink"], lw=2, ls=":",
                      label="every $u_1$, this $u_2$")[0],
              ax.plot([], [], "o", color=PALETTE["ink"], ms=9)[0]) for ax in maps}
finish(square, title="two uniform numbers", limits=((0, 1), (0, 1)), equal=True,
       xlabel="$u_1$: how far out", ylabel="$u_2$: which way")
finish(plane, title="two normal numbers", limits=((-4, 4), (-4, 4)), equal=True, xlabel="$x_1$",
       ylabel="$x_2$")
plane.legend(loc="upper left", fontsize=8, framealpha=0.9)


def draw(u1, u2):
    paths = [torch.stack([torch.full_like(line, u1), line], dim=1),
             torch.stack([line, torch.full_like(line, u2)], dim=1),
             torch.tensor([[u1, u2]])]
    for ax, transform in maps.items():
        for artist, path in zip(marks[ax], paths):
            artist.set_data(*transform(path).T)
    x1, x2 = sampling.box_muller(paths[2])[0].tolist()
    inside = (u_pairs[:, 0] < u1).float().mean()
    return (f"The point ({u1:.2f}, {u2:.2f}) goes to ({x1:.2f}, {x2:.2f}); "
            f"{100 * inside:.0f} % of the points lie inside its circle.")


sliders(draw, fig, u1=(0.0, 0.99, 0.01, 0.6), u2=(0.0, 0.99, 0.01, 0.12),
        labels={"u1": "first number u1", "u2": "second number u2"})

# %% [markdown]
# **Figure 2.11.** Left: the square of uniform pairs, with one column (solid) and one row (dotted) marked. Right: the column has become a circle, the row a ray from the centre; the cloud around them is a
# two-dimensional normal distribution.
#
# ## What you saw
#
# **(b)**: 0.5. Half of the uniform numbers $u_1$ are below 0.5, and they land inside the circle of $u_1 = 0.5$. In general the share of the points inside is $u_1$
# itself, which makes the first number a CDF value: the radius is once more an inverse CDF.
#
# ## Why
#
# One standard normal number has density $\frac{1}{\sqrt{2\pi}}e^{-x^2/2}$. For independent numbers densities multiply, and $\frac{1}{2\pi}e^{-x_1^2/2}\,e^{-x_2^2/2} = \frac{1}{2\pi}e^{-r^2/2}$ depends on the distance $r$ alone. So
# all directions are equally likely: the angle is uniform, $2\pi u_2$. And the chance to lie
# within distance $r$ is the integral over rings of circumference $2\pi s$,
#
# $$F(r) = \int_0^r \frac{1}{2\pi} e^{-s^2/2}\, 2\pi s\, ds = 1 - e^{-r^2/2},$$
#
# which *has* an inverse with a formula: solve $u_1 = 1 - e^{-r^2/2}$ and get $r = \sqrt{-2\ln(1-u_1)}$. It is Part B's recipe, applied to the distance.
#
# ## The code

# %% tags=["shows:helpers.sampling.box_muller"] teaches=["D9"]
def box_muller(u):
    """Independent standard normal numbers, two from each pair of uniform ones."""
    farther_out = (1 - u[:, 0]).clamp(min=2**-24)  # the share that lands farther out; 0 would be infinitely far
    radius = torch.sqrt(-2 * torch.log(farther_out))
    angle = 2 * math.pi * u[:, 1]
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)

# %% [markdown]
# ## Check
#
# Both columns must be normal. And they must not know of each other: sent back through the normal CDF, where both are uniform again, the pairs
# must fill all boxes of a square equally, which the box test of Part A decides (down to the size of its boxes).

# %% teaches=["D9"]
x = box_muller(torch.rand(20_000, 2, generator=rng))
back = torch.special.ndtr(x)  # the normal CDF, one coordinate at a time
for column in (0, 1):
    assert stats.kstest(x[:, column].numpy(), "norm").statistic < 1.95 / math.sqrt(len(x))
    assert stats.kstest(back[:, column].numpy(), "uniform").statistic < 1.95 / math.sqrt(len(x))  # follows: the curve only rises
assert box_test(back.flatten(), 2, 16) > 1e-6
print("normal in both columns, and independent as far as the boxes tell")

# %% [markdown]
# Uniform in, normal out. From now on we use whichever noise is more convenient: each can be turned into the other.
#
# ---
# # Part D: warp the square
#
# A transformation of two numbers need not be famous. Draw a square grid on rubber, stretch it into a shape, and the points
# drawn on it go along.
#
# ## Predict: fill a disc
#
# You want to fill a disc evenly. You take $u_2$ for the angle, as before, and use the first number itself as the radius: $r = u_1$. How will the points lie?
#
# **(a)** evenly &nbsp; **(b)** crowded at the centre &nbsp; **(c)** crowded at the rim
#
# ## Try it: stretch the radius

# %% teaches=["D9"]
z = sampling.uniform_noise(2500, 2, rng)


def to_disc(u, power):
    """Angle from the second number, radius from a power of the first. Square to unit disc."""
    radius, angle = u[:, 0] ** power, 2 * math.pi * u[:, 1]
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 4.2), layout="constrained")
cloud, = left.plot([], [], "^", ms=3, color=PALETTE["generated"], alpha=0.7)
finish(left, title="2,500 points in a disc", limits=((-1.1, 1.1), (-1.1, 1.1)), equal=True)
edges = np.linspace(0, 1, 11)
ring_area = math.pi * (edges[1:] ** 2 - edges[:-1] ** 2)
counted_r = right.stairs(np.zeros(10), edges, fill=True, color=PALETTE["generated"], alpha=0.45,
                         label="counted in rings")
computed_r, = right.plot([], [], color=PALETTE["ink"], label="computed")
right.axhline(1 / math.pi, color=PALETTE["muted"], ls="--", label="an even disc")
right.legend(frameon=False)
finish(right, title="how thick the points lie", limits=((0, 1), (0, 3.5)),
       xlabel="distance from the centre $r$", ylabel="density")
r = torch.linspace(0.01, 1, 200)


def draw(power):
    x = to_disc(z, power)
    cloud.set_data(*x.T)
    counted_r.set_data(np.histogram(x.norm(dim=1), bins=edges)[0] / len(x) / ring_area, edges)
    slope = power * r ** (1 - 1 / power)  # dr/du where u = r ** (1 / power)
    computed_r.set_data(r, 1 / (2 * math.pi * r * slope))
    inside = (x.norm(dim=1) < 0.5).float().mean()
    return (f"Radius u to the power {power:.2f}: {100 * inside:.0f} % of the points lie within half "
            "the radius; an even disc has 25 %.")


sliders(draw, fig, power=(0.25, 1.5, 0.05, 1.0))

# %% [markdown]
# **Figure 2.12.** Left: points in a disc with radius $u_1$ to a power, here 1: they crowd at the centre. Right: their density against the distance from the centre, counted
# and computed; the dashed line is an even disc. Move the slider until the solid line is flat.

# %%
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
for ax, power in zip(axes, [1.0, 0.5, 0.3]):
    scatter_samples(ax, to_disc(z, power), kind="generated", size=2.5)
    finish(ax, title=f"radius $u_1$ to the power {power}", limits=((-1.1, 1.1), (-1.1, 1.1)),
           equal=True, ticks=False)
plt.show()

# %% [markdown]
# **Figure 2.13.** The disc at three powers: crowded at the centre, even, crowded at the rim.
#
# ## What you saw
#
# **(b)**: crowded at the centre, because half of the points ($u_1 < \frac12$) share the inner quarter of the area. The line is flat at power 0.5:
# the square root makes up for the rings growing with $r$. (The solid line: a thin ring at distance $r$ gets the share $du$ of the points and has the area $2\pi r\,dr$, so the density there is $1/(2\pi r\cdot dr/du)$.)
#
# Now other shapes. The grid of the square goes along, so you see where the formula stretches it and where it squeezes it. The cell after this
# one has the same three maps at three stages.

# %% teaches=["D9", "F4"]
def to_ring(u):
    """The square, rolled up: left edge inside, right edge outside, top and bottom meet at the left."""
    radius, angle = (1 + 3 * u[:, 0]).sqrt(), 2 * math.pi * (u[:, 1] - 0.5)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


def to_moons(u):
    """The upper half of the square becomes the upper moon, the lower half the lower one."""
    half = torch.where(u[:, 1] == 0.5, math.nan,
                       torch.sign(u[:, 1] - 0.5))  # on the tear itself there is no value
    angle, radius = math.pi * (1 - u[:, 0]), 1 + (2 * u[:, 1] - 1).abs() * 0.4
    return torch.stack([radius * angle.cos() - 0.6 * half, half * (radius * angle.sin() - 0.3)],
                       dim=1)


shapes = {"ring": to_ring, "two moons": to_moons, "spiral": to_spiral}


def part_way(shape, progress):
    """The map that has gone a part of the way from the square (drawn 4 wide) to the shape."""
    if progress == 0:
        return lambda u: 4 * (u - 0.5)
    return lambda u: (1 - progress) * 4 * (u - 0.5) + progress * shapes[shape](u)


fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.3), layout="constrained")
shown = z[:1200]
for ax, progress in ((left, 0.0), (right, 1.0)):
    warped_grid(ax, part_way("spiral", progress), lines=13)
scatter_samples(left, part_way("spiral", 0.0)(shown), kind="noise", size=2)
scatter_samples(right, part_way("spiral", 1.0)(shown), kind="generated", size=2)
warped, points = right.collections[-1], right.lines[-1]
box = ((-2.6, 2.6), (-2.6, 2.6))
finish(left, title="the square, with a grid on it", limits=box, equal=True)
finish(right, title="where the formula puts it", limits=box, equal=True)


def draw(shape, progress):
    transform = part_way(shape, progress)
    warped_grid(right, transform, lines=13, artist=warped)
    points.set_data(*transform(shown).T)
    return f"The square is {100 * progress:.0f} % of the way to the {shape}."


sliders(draw, fig, shape=["spiral", "ring", "two moons"], progress=(0.0, 1.0, 0.02, 1.0))

# %% [markdown]
# **Figure 2.14.** A grid drawn on the square with some of the points, and where the formula of the spiral puts them. The dark lines are the columns of the square: each has
# shrunk to a short stroke across the arm, and the strokes lie further apart outside than inside, where the points crowd.

# %%
fig, axes = plt.subplots(3, 3, figsize=(8, 8), layout="constrained")
for row, shape in zip(axes, ["ring", "two moons", "spiral"]):
    for ax, progress in zip(row, [0.0, 0.5, 1.0]):
        warped_grid(ax, part_way(shape, progress), lines=13)
        finish(ax, title=f"{shape}, {100 * progress:.0f} %", limits=box, equal=True, ticks=False)
plt.show()

# %% [markdown]
# **Figure 2.15.** Ring, moons and spiral at the start, half way and at the end. The ring is a sheet rolled up. The moons need a *tear*: the upper half of the square
# becomes one moon, the lower half the other, and every column is cut in the middle.
#
# ## Why
#
# In one dimension the density was one over the slope. In two, a small square of the $u$-plane with sides $h$ becomes, very nearly, a small parallelogram, and the same probability
# $h^2$ now lies on the parallelogram's area. If its sides are the arrows $(a, b)$ and $(c, d)$, that area is $|ad - bc|$. The cell does it by hand at one point of the spiral, with $h = 0.001$.
#
# Divide the arrows by $h$ and let $h$ shrink: they become the columns of the **Jacobian** $J$, the table of slopes (how both coordinates of $x$ move when $u_1$ moves, and when $u_2$ moves).
# The number $ad - bc$ of such a table is called its **determinant**, so
#
# $$p(x) = \frac{1}{|\det J(u)|}, \qquad x = G(u),$$
#
# as long as no two points of the square land on the same $x$; where several do, their densities add up. (Half way to the ring and half way to the spiral, in Figure 2.15, the sheet lies over itself, and there one has to add.)
# Autograd knows the table, too: `jacrev` returns the Jacobian at one point, and `vmap`, in the cell after, repeats that for many points.

# %% teaches=["D9"]
u0, h = torch.tensor([[0.5, 0.5]], dtype=torch.float64), 1e-3
step_right, step_up = torch.tensor([[h, 0.0]]), torch.tensor([[0.0, h]])
a, b = (to_spiral(u0 + step_right) - to_spiral(u0))[0]
c, d = (to_spiral(u0 + step_up) - to_spiral(u0))[0]
area_factor = abs(a * d - b * c) / h**2

jacobian = torch.func.jacrev(lambda u: to_spiral(u[None])[0])(u0[0])
print(f"area factor by hand {area_factor:.3f}, by autograd {jacobian.det().abs():.3f}")
assert torch.isclose(area_factor, jacobian.det().abs(), rtol=0.01)

# %% [markdown]
# ## Check: computed against counted
#
# At 200 random places along the middle of the spiral's arm, away from its edges and ends: count how many of 300,000 points fall into a small disc, divide by the number of
# points and by the disc's area, and compare with $1/|\det J|$.

# %% teaches=["D9"]
def density_of(transform, u):
    """1 / |det J| at each u: the density of transform(uniform noise) there. (n, 2) to (n,)."""
    one_point = torch.func.jacrev(lambda v: transform(v[None])[0])
    return 1 / torch.func.vmap(one_point)(u).det().abs()


u_places = 0.2 + 0.6 * torch.rand(200, 2, generator=rng)
x_places, computed_density = to_spiral(u_places), density_of(to_spiral, u_places)

x = to_spiral(sampling.uniform_noise(300_000, 2, rng))
radius = 0.08
inside = torch.stack([((x - place) ** 2).sum(dim=1) < radius**2 for place in x_places]).sum(dim=1)
counted_density = inside / len(x) / (math.pi * radius**2)

fig, ax = plt.subplots(figsize=(4.6, 4), layout="constrained")
ax.plot([0, 0.4], [0, 0.4], color=PALETTE["ink"], lw=1, label="equal")
ax.plot(computed_density, counted_density, "^", color=PALETTE["generated"], ms=4, alpha=0.7,
        label="one place")
ax.legend(frameon=False)
finish(ax, title="density of the spiral at 200 places", limits=((0, 0.4), (0, 0.4)), equal=True,
       xlabel="computed: $1 / |\\det J|$",
       ylabel="counted")
plt.show()
error = (counted_density / computed_density - 1).abs()
print(f"computed and counted differ by {100 * error.median():.1f} % (median)")
expected = len(x) * computed_density * math.pi * radius**2
z_score = (inside - expected) / expected.sqrt()  # chance alone gives mean 0 and standard deviation 1
print(f"in units of the chance of counting: mean {z_score.mean():.2f}, sd {z_score.std():.2f}")
assert z_score.mean().abs() < 0.6 and 0.7 < z_score.std() < 1.4

# %% [markdown]
# **Figure 2.16.** Each triangle is one place of the spiral: its density computed from the Jacobian (across) and counted (up). They lie along the line of equality, from the
# thinner outer turn to the crowded inner one; the scatter is no larger than the chance of counting explains (the assertion). The very centre, where the density is several times higher, is left out: it changes too fast within one disc.

# %% [markdown]
# ## When it breaks: many dimensions
#
# We now have a recipe for any smooth formula that takes as many numbers as it gives and squashes no piece of the square flat. But for pictures there is no formula, only samples. On a line, samples were enough, because points on a line can be *sorted*. In the
# plane there is no "the $x$ below which a share $u$ lies".
#
# There is a detour: one number after the other. Draw the first pixel from its inverse CDF. Then draw the second pixel from the inverse CDF of the second pixel *among the pictures
# that agree with the first*. Then the third among those that agree with both, and so on. Each pixel uses up one uniform number, so a picture of $N$ numbers
# comes from $N$ uniform numbers. This is how the article puts it: one complicated function of $N$ uniform numbers. (Strictly speaking a generator may start from far fewer; lesson 3 shows what that costs.)
#
# With enough samples this would work for pixels with finitely many grey values. With ours, the pictures that agree soon run out; and when a single one is left,
# every further pixel is copied from it: lesson 1's failure again. How soon? Take a picture of the test set, an honest new one, go through its pixels in random order, ask only "dark or bright?", and count the training pictures that still agree with it.
# (The detour is no dead end: *autoregressive models* take it, with a network that guesses the next pixel instead of looking it up.)

# %% teaches=["D10"]
chosen = torch.randperm(len(test), generator=rng)[:100]
bits_train, bits_test = train.flatten(1) > 0.5, test[chosen].flatten(1) > 0.5
order = torch.randperm(784, generator=rng)[:150]
agreeing = torch.stack([
    (bits_train[:, order] == bits[order]).cumprod(dim=1, dtype=torch.uint8).sum(dim=0)
    for bits in bits_test])
median = agreeing.median(dim=0).values

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
k = torch.arange(1, len(order) + 1)
for row in agreeing[:40]:
    ax.plot(k, row + 0.5, color=PALETTE["muted"], lw=0.5, alpha=0.5)
ax.plot(k, median + 0.5, color=PALETTE["ink"], lw=2.5)
ax.text(110, 0.57, "median of 100", color=PALETTE["ink"], weight="bold")
ax.text(39, 230, "single test pictures", color=TEXT["muted"], va="center")
ax.set_yscale("log")
ax.set_yticks([0.5, 1.5, 10.5, 100.5, 1000.5], ["none", "1", "10", "100", "1000"], minor=False)
ax.minorticks_off()
finish(ax, title="training pictures that still agree", limits=((0, 150), (0.4, 8000)),
       xlabel="number of pixels fixed, $k$ (a picture has 784)")
plt.show()
alone = int((median > 0).sum()) + 1
print(f"after {alone} pixels, half of the test pictures or more agree with no training picture")
assert median[-1] == 0

# %% [markdown]
# **Figure 2.17.** How many training pictures agree with a test picture on its first $k$ pixels, dark or bright: for 40 test pictures (thin lines), and the median of 100 (thick). Long before the
# 784 pixels of a picture are fixed, the median reaches "none", although we asked each pixel only one of two things.
#
# So we cannot look the transformation up in samples. We need one with *knobs*, flexible enough to become almost anything, and a way to turn the
# knobs. That is what a neural network is for.
#
# ## Exercises
#
# **1. Change a number and predict.** In Figure 2.2, keep $a=21$ and $m=64$ and set the increment to 16. Is the cycle full? Say so, and which condition of the theorem decides it, before you move the slider. Then read off its length.
#
# **2. Fill in the line.** The sizes of cities, roughly, and other things with a few giants follow a *Pareto* distribution: $F(x) = 1 - 1/x^2$ for $x \ge 1$. Complete its inverse. Nothing breaks while it is empty.

# %%
def pareto_inverse_cdf(u):
    return ...  # your line: solve u = 1 - 1 / x**2 for x


u = torch.linspace(0.05, 0.95, 19)
hints = {
    "the square root is missing": 1 / (1 - u),
    "this is turned upside down: 1 / x**2 = 1 - u still has to be solved for x": (1 - u).sqrt(),
    "1 / x**2 is 1 - u, not u (the distribution is right all the same)": 1 / u.sqrt(),
    "this is F itself; its inverse is asked": 1 - 1 / u**2,
    "this is the inverse CDF of the exponential distribution": -torch.log(1 - u),
}
compare("Pareto inverse CDF", lambda: pareto_inverse_cdf(u),
        torch.from_numpy(stats.pareto(2).ppf(u.numpy())).float(), hints)

# %% [markdown]
# **3. Fill in the line.** An even *ring* between radius 2 and radius 5. Which radius belongs to $u$? (Hint: the share of the ring's area within radius $r$ is $F(r) = (r^2-4)/(25-4)$.)

# %%
def ring_radius(u):
    return ...  # your line


r_table = torch.linspace(2, 5, 100_001)  # the reference reads a table of F backwards
hints = {
    "even over the radius, so the inner side gets crowded, as in Figure 2.12": 2 + 3 * u,
    "that is a disc's root, moved out; solve u = (r**2 - 4) / 21 for r": 2 + 3 * u.sqrt(),
    "this fills a whole disc, not a ring": 5 * u.sqrt(),
    "this fills a disc of radius 1, not a ring": u.sqrt(),
    "the 4 is missing: r starts at 0": (21 * u).sqrt(),
    "the square root is missing": 4 + 21 * u,
    "this is F itself; its inverse is asked": (u**2 - 4) / 21,
    "that is a ring between 1 and 2": (1 + 3 * u).sqrt(),
}
compare("ring radius", lambda: ring_radius(u),
        torch.from_numpy(np.interp(u, (r_table**2 - 4) / 21, r_table)).float(), hints)

# %% [markdown]
# **4. Fill in the line.** Uniform numbers as a die: turn each $u$ into one of the numbers 1 to 6, all equally likely. This is an inverse CDF too, that of a CDF with jumps: where $F$ jumps over $u$, the inverse is the place of the jump.

# %%
def die(u):
    return ...  # your line: whole numbers 1 to 6, as a tensor


u_die = torch.tensor([0.0, 0.1, 0.2, 0.4, 0.45, 0.6, 0.7, 0.9, 0.99])
hints = {
    "these are 0 to 5; a die begins at 1": (6 * u_die).floor().long(),
    "rounding to the nearest makes a seventh face; round down": (6 * u_die).round().long() + 1,
    "rounding to the nearest makes a 0; round down and add 1": (6 * u_die).round().long(),
    "u = 0 gives 0, which is no face; round down and add 1": (6 * u_die).ceil().long(),
    "the 6 never comes; six faces need six equal pieces of [0, 1]": (5 * u_die).floor().long() + 1,
    "these are not whole numbers yet; round down": 1 + 6 * u_die,
}
compare("die", lambda: die(u_die), 1 + sum((u_die >= k / 6).long() for k in range(1, 6)), hints)

# %% [markdown]
# **5. Open question.** `to_moons` tears the square in two. Could a map *without* a tear have sent the square to two separate moons? What would it have to do with the points
# in between? (Lesson 3 comes back to this.)
#
# ## Recap
#
# - Pseudo-random numbers are determined by a rule and a seed. They are good when they pass the tests that matter for their use; RANDU did not.
# - $F^{-1}(U)$ has CDF $F$. On a line, enough sorted samples take the place of a formula.
# - Box and Muller turn two uniform numbers into two normal ones.
# - A transformation thins the density where it stretches and thickens it where it squeezes: $p = 1/|\det J|$, with as many numbers out as in; where several points meet, add.
# - In many dimensions there is no formula to start from, and samples cannot be sorted.
#
# The table that grows through the series:
#
# | lesson | how a new point is made | what it needs | where it stops |
# |---|---|---|---|
# | 1 | a training point plus a little noise (kernel density) | samples | in many dimensions: copies with noise, nothing new |
# | 2 | a transformation of uniform numbers, built by hand | a formula; on a line, samples | where there is no formula and no order |
#
# ## Next
#
# *Can a network be that transformation?* Lesson 3 puts a neural network in the place of `to_spiral`.

# %% [markdown]
# ## Answers
#
# Open what you want to see: the answers in words by their triangle, the code by the three dots.

# %% [markdown] tags=["answer"]
# <details><summary>Answer 1</summary>
#
# The increment must be odd; 16 is even, so the cycle is shorter than 64. The next cell counts how short, for the start at 1; from other starts it can be shorter still.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer"]
print("cycle length with increment 16:", cycle_length(21, 16, 64))
assert cycle_length(21, 16, 64) < 64


def pareto_inverse_cdf(u):
    return 1 / (1 - u).sqrt()


def ring_radius(u):
    return (4 + 21 * u).sqrt()


def die(u):
    return (6 * u).floor().long() + 1


compare("Pareto inverse CDF", pareto_inverse_cdf(u),
        torch.from_numpy(stats.pareto(2).ppf(u.numpy())).float())
compare("ring radius", ring_radius(u),
        torch.from_numpy(np.interp(u, (r_table**2 - 4) / 21, r_table)).float())
compare("die", die(u_die), 1 + sum((u_die >= k / 6).long() for k in range(1, 6)))

# %% [markdown] tags=["answer"]
# <details><summary>Answer 5</summary>
#
# No. The square is connected (you can walk from any point to any other inside it), and a map without a tear keeps a walk a walk. So the image is connected too: somewhere a bridge of points
# must join the moons. The bridge can be made thin, by stretching few points over it, but never empty. Lesson 3 measures it.
#
# </details>
