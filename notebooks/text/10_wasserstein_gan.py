# %% [markdown]
# # 10. A grade instead of a verdict
#
# **What if the judge gave a grade instead of a verdict?**
#
# A discriminator says "real" or "generated", and lesson 8 showed the price: once it is sure, its curve is flat where the generator stands, and the gradient is gone. Lesson 9 changed the generator's question. This lesson changes the judge. It gives every point a *grade*, with no top and no bottom, and the difference of the
# two average grades is to be a **distance** that does not go flat when the clouds are far apart: how far dirt must be carried to turn one heap into the other. That is the **Wasserstein GAN**, WGAN (Arjovsky, Chintala and Bottou 2017). It works under one condition, which short accounts leave out.
#
# *You need*: lessons 4 (KL, JS, MMD, Wasserstein-1 on a line), 7 (the loop), 8 (what goes wrong) and 9 (two questions, and their sum). *Time*: about two and a half hours, best in two sittings with a break before Part D.
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
import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.optimize import linprog
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr
from torch.func import stack_module_state, vmap
from torch.nn.functional import leaky_relu, logsigmoid

from helpers import distances, distributions, losses, networks
from helpers.checks import compare
from helpers.plots import DISTANCE_LOOKS, METHOD_LOOKS, PALETTE, TEXT, film_strip, finish, judge_field, scatter_samples
from helpers.recordings import load_recording
from helpers.sampling import uniform_noise
from helpers.theatre import theatre
from helpers.training import BETAS, generator_step, train_gan
from helpers.widgets import button, player, sliders

torch.set_num_threads(1)  # on networks as small as these, several threads only wait for each other
SEED = 10
rng = torch.Generator().manual_seed(SEED)
dice = np.random.default_rng(SEED)  # for what NumPy draws

# %% [markdown]
# Six moments of such a training. The ground is the critic's opinion.

# %% tags=["nbval-ignore-output"] teaches=["D38"]
moons = distributions.two_moons()
film_pair = networks.mlp((2, 64, 64, 2), rng), networks.judge((2, 64, 64, 1), rng)
film = list(train_gan(*film_pair, moons, rng, losses.wasserstein, n_steps=600, every=20, discriminator_steps=5,
                      penalty=0.1, lr_generator=2e-3, lr_discriminator=2e-3, n_arrows=40))
fig, axes = plt.subplots(1, 6, figsize=(10.2, 2.2), layout="constrained")
film_strip(axes, film, layers=("field", "real", "generated"))
plt.show()

# %% [markdown]
# **Figure 10.1.** Real points (blue), generated ones (orange), and the critic's grades: light is high, and each line joins places of one grade. The ground is a slope, and generated points climb it. (It is the slope of a critic that runs after them, so it is never quite right.)
#
# ## Words
#
# | idea | symbol | in code | shape |
# |---|---|---|---|
# | **supplier**: a pile of dirt, and how much lies there | $a_i$ | `supplies` | `(n,)` |
# | **consumer**: a hole, and how much it takes | $b_j$ | `demands` | `(m,)` |
# | **cost**: the distance from pile to hole, paid for each shovel (the $c$ of clipping, below, is another) | $c_{ij}$ | `costs` | `(n, m)` |
# | **transport plan**: how much goes from each pile to each hole | $\pi_{ij} \ge 0$ | `plan` | `(n, m)` |
# | **earth mover's distance**, or Wasserstein-1: the cost of the cheapest plan, for one unit of dirt in all | $W_1$ | `wasserstein1` | one number |
# | **price** of dirt at a place; as a function of the place, the **potential** | $f(x)$ | `f` | `(n,)` |
# | **1-Lipschitz**: nowhere steeper than 1: $\lvert f(x) - f(y)\rvert \le \lvert x - y\rvert$ | | | |
# | **critic**: a network that grades points; the word *discriminator* is kept for verdicts | $D(x)$, any number | `critic` | points to `(batch,)` |
# | **gap**: mean grade of real points minus mean grade of generated ones | | `gap` | one number |
# | **clipping**; **gradient penalty**: two ways to keep a critic from being steep | $c$; $L$ | `clip`; `penalty` | one number |
#
# ---
# # Part A: dirt and holes
#
# Three piles of dirt (suppliers; lesson 4 had sand) have to fill three holes (consumers). Carrying one shovel of dirt one metre costs 1. A complete list of who brings how much to whom is a transport plan.
#
# ## Predict
#
# Which rule finds the cheapest plan?
#
# **(a)** shortest way first: use the nearest pair of pile and hole as far as it goes, then the nearest pair that is left, and so on &nbsp; **(b)** give to every hole from all piles in fair shares &nbsp; **(c)** neither; a short way now may force a long way later, so one has to look at all of them at once &nbsp; **(d)** any rule: the dirt is the same, and so is the total
#
# ## Try it: carry it yourself
#
# All dirt has been carried by rule (a). Begin anew, choose a pile and a hole, and carry shovel by shovel; can you do it for less? Then tick the box.

# %% teaches=["D37"]
PILES = np.array([[0.5, 2.2], [2.6, 2.9], [2.2, 0.6]])
HOLES = np.array([[2.0, 1.9], [4.6, 2.6], [4.0, 0.5]])
supplies, demands = np.array([4, 4, 4]), np.array([4, 5, 3])
costs = cdist(PILES, HOLES)


def shortest_first(costs, supplies, demands):
    """The plan of rule (a)."""
    plan, left, room = np.zeros(costs.shape), supplies.astype(float), demands.astype(float)
    for i, j in zip(*np.unravel_index(np.argsort(costs, axis=None), costs.shape)):
        plan[i, j] = min(left[i], room[j])
        left[i] -= plan[i, j]
        room[j] -= plan[i, j]
    return plan


def cheapest_plan(costs, supplies, demands):
    """The cheapest plan, (n, m), and the prices at piles and at holes, (n,) and (m,): see Part C."""
    n, m = costs.shape
    leaves = np.kron(np.eye(n), np.ones(m))    # row i adds up what leaves pile i ...
    arrives = np.kron(np.ones(n), np.eye(m))   # ... and row j what arrives in hole j
    found = linprog(costs.ravel(), A_eq=np.vstack([leaves, arrives]), b_eq=np.concatenate([supplies, demands]),
                    bounds=(0, None), method="highs")
    at_piles, at_holes = -found.eqlin.marginals[:n], found.eqlin.marginals[n:]
    return found.x.reshape(n, m), at_piles, at_holes


best_plan, _, _ = cheapest_plan(costs, supplies, demands)
greedy_plan = shortest_first(costs, supplies, demands)
mine = greedy_plan.copy()
moves = [(i, j) for i in range(3) for j in range(3) for _ in range(int(mine[i, j]))]
pressed = {"move": 0, "back": 0, "empty": 0}

fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.9), layout="constrained", width_ratios=(1.7, 1))
ways = {(i, j): left.plot(*np.array([PILES[i], HOLES[j]]).T, color=PALETTE["ink"], alpha=0.55,
                          solid_capstyle="round")[0] for i in range(3) for j in range(3)}
left.plot(*PILES.T, "^", color=PALETTE["generated"], ms=25)
left.plot(*HOLES.T, "o", color=PALETTE["real"], ms=25)
pile_texts = [left.text(x, y - 0.06, "", ha="center", va="center", color="black", weight="bold") for x, y in PILES]
hole_texts = [left.text(x, y, "", ha="center", va="center", color="white", weight="bold") for x, y in HOLES]
for (x, y), name in zip([*PILES, *HOLES], "ABC123"):
    pile = name in "ABC"  # names of piles above, of holes below: no way is likely to run there
    left.text(x, y + (0.3 if pile else -0.48), f"{'pile' if pile else 'hole'} {name}", ha="center", color=PALETTE["ink"])
finish(left, limits=((-0.2, 5.2), (-0.3, 3.6)), equal=True, ticks=False, title="what is left; what is still missing")
cells = [[right.text(j, 2 - i, "", ha="center", va="center", color=PALETTE["ink"]) for j in range(3)] for i in range(3)]
boxes = right.imshow(np.zeros((3, 3)), cmap="Greys", vmin=0, vmax=8, origin="lower")
right.set_xticks(range(3), ["hole 1", "hole 2", "hole 3"])
right.set_yticks([2, 1, 0], ["pile A", "pile B", "pile C"])
total = right.text(1, -1.35, "", ha="center", color=PALETTE["ink"])
finish(right, title="the plan as a matrix")


def draw(from_pile, to_hole, move, back, empty, best):
    i, j, said = "ABC".index(from_pile), "123".index(to_hole), ""
    if empty > pressed["empty"]:
        moves.clear()
        said = "Everything lies where it was. "
    for _ in range(back - pressed["back"]):
        if moves:
            moves.pop()
    for _ in range(move - pressed["move"]):
        given, got = sum(a == i for a, _ in moves), sum(b == j for _, b in moves)
        if given == supplies[i]:
            said = f"Pile {from_pile} is used up. "
        elif got == demands[j]:
            said = f"Hole {to_hole} is full. "
        else:
            moves.append((i, j))
    pressed.update(move=move, back=back, empty=empty)
    mine = np.zeros((3, 3))
    for a, b in moves:
        mine[a, b] += 1
    plan = best_plan if best else mine
    for (a, b), way in ways.items():
        way.set_linewidth(2.2 * plan[a, b])
        way.set_visible(plan[a, b] > 0.01)
        cells[a][b].set_text(f"{plan[a, b]:.0f}" if plan[a, b] > 0.01 else "·")
    boxes.set_data(plan[::-1])
    for text, number in zip(pile_texts, supplies - plan.sum(axis=1)):
        text.set_text(f"{number:.0f}")
    for text, number in zip(hole_texts, demands - plan.sum(axis=0)):
        text.set_text(f"{number:.0f}")
    cost, missing = (plan * costs).sum(), 12 - plan.sum()
    per_shovel = f", {cost / 12:.2f} for a shovel" if missing < 0.5 else f"; {missing:.0f} shovels still to carry"
    total.set_text(f"cost {cost:.1f}{per_shovel}")
    whose = "The cheapest plan" if best else "Your plan"
    return f"{said}{whose} costs {cost:.2f}{per_shovel}. Rule (a) costs {(greedy_plan * costs).sum():.2f}."


sliders(draw, fig, labels={"from_pile": "from pile", "to_hole": "to hole", "best": "show the cheapest plan"},
        from_pile=["A", "B", "C"], to_hole=["1", "2", "3"], move=button("Carry one shovel"),
        back=button("Take one back"), empty=button("Begin anew"), best=False)

# %% [markdown]
# **Figure 10.2.** Left: piles (triangles, with what is left in them) and holes (circles, with what they still miss); a line for each way that is used, as wide as the amount. Right: the same plan as a matrix, a row for each pile, a column for each hole. As stored, all dirt has been carried, shortest way first.
#
# ## What you saw
#
# **(c)**. The nearest pair is pile B and hole 1. But B is the only pile near hole 2; if it serves hole 1, pile A must carry all its dirt across the whole yard. The cheapest plan sends A to hole 1, and B, with one shovel from C, to hole 2. (Both costs are printed below.)
#
# How is it found? The cost is a sum, amount times distance, over all cells of the matrix. What must hold are sums too: each row adds up to its supply, each column to its demand, and nothing is negative. Lowering a weighted sum under such conditions is a **linear programme**, and SciPy's solver HiGHS finds the exact optimum: `cheapest_plan` above is all. Here are twenty other yards, drawn at random, with six piles and six holes.

# %% tags=["nbval-ignore-output"] teaches=["D37"]
print(f"the yard above: shortest way first {(greedy_plan * costs).sum():.2f}, the cheapest plan {(best_plan * costs).sum():.2f}\n")
costs_of = {"(a) shortest first": [], "(b) fair shares": [], "the cheapest plan": []}
for _ in range(20):
    yard = cdist(dice.random((6, 2)), dice.random((6, 2)))
    amounts = dice.multinomial(30, np.ones(6) / 6, size=2)
    plans = (shortest_first(yard, *amounts), np.outer(*amounts) / 30, cheapest_plan(yard, *amounts)[0])
    for name, plan in zip(costs_of, plans):
        assert np.allclose(plan.sum(axis=1), amounts[0]) and np.allclose(plan.sum(axis=0), amounts[1])
        costs_of[name].append((plan * yard).sum() / 30)
greedy, fair, best = map(np.array, costs_of.values())
print(f"mean cost of a unit in {len(best)} yards: "
      + "; ".join(f"{name} {np.mean(values):.3f}" for name, values in costs_of.items()))
print(f"shortest first costs more than the cheapest plan in {(greedy > best + 1e-9).sum()} of {len(best)} yards")
assert (best <= greedy + 1e-9).all() and (best < fair).all() and (greedy > best + 1e-9).sum() >= 12

# %% [markdown]
# Now put probability in place of dirt. A pile is a generated point, a hole a real one, each holds $1/n$, and the cost of the cheapest plan is the **earth mover's distance** between the two clouds. It has the unit of $x$: metres.
#
# On a *line* nobody needs a programme. If two ways cross, uncross them: that never costs more. So some cheapest plan has no crossing, and that plan is the sorted one of lesson 4, first to first, second to second.

# %% tags=["nbval-ignore-output"] teaches=["D37"]
differences = []
for _ in range(20):
    piles, holes = dice.normal(size=9), 1 + 2 * dice.normal(size=9)
    equal = np.ones(9) / 9
    plan, _, _ = cheapest_plan(np.abs(piles[:, None] - holes), equal, equal)
    programme = (plan * np.abs(piles[:, None] - holes)).sum()
    in_order = np.abs(np.sort(piles) - np.sort(holes)).mean()
    differences.append(abs(programme - in_order))
    assert math.isclose(in_order, distances.wasserstein1(piles, holes), rel_tol=1e-9)
print(f"{len(differences)} pairs of clouds on a line: programme and sorting differ by at most {max(differences):.1e}")
assert max(differences) < 1e-8

fig, axes = plt.subplots(1, 2, figsize=(9, 2.5), layout="constrained")
for ax, order, name in zip(axes, (np.arange(9), np.argsort(piles)), ("as the points come", "in order")):
    partner = holes if name.startswith("as") else holes[np.argsort(holes)]
    for x, y in zip(piles[order], partner):
        ax.plot([x, y], [1, 0], color=PALETTE["muted"], lw=1.5)
    ax.plot(piles, np.ones(9), "^", color=PALETTE["generated"], ms=8)
    ax.plot(holes, np.zeros(9), "o", color=PALETTE["real"], ms=8)
    finish(ax, limits=((-5, 7), (-0.3, 1.3)), xlabel="x", title=f"{name}: {np.abs(piles[order] - partner).mean():.2f} a unit")
    ax.set_yticks([0, 1], ["holes", "piles"])
plt.show()
assert in_order <= np.abs(piles - holes).mean() + 1e-12

# %% [markdown]
# **Figure 10.3.** The last of the twenty pairs. Left, every pile serves the hole of the same number, wherever that is. Right, both in order from left to right: no two ways cross, and no plan is cheaper.
#
# In the plane there is no order. With equally many points one of the cheapest plans is always a *pairing* that uses every point once (Birkhoff's theorem): the fair pairing that lesson 3 promised. `distances.wasserstein1` finds the cheapest one exactly; it has been the yardstick since lesson 4.
#
# ---
# # Part B: two parallel lines
#
# ## Predict: which distance tells the way home?
#
# Real points lie evenly on an upright line of length 1. Generated points lie on another one, $t$ to the side. (Thin lines, no densities in the plane: just what a network makes of noise with fewer dimensions than the data.) The generator can only change $t$. Which distances have a slope that leads it home and is large enough to be heard, wherever it starts between $-2$ and $2$? **(a)** KL &nbsp; **(b)** JS &nbsp; **(c)** squared MMD with a bandwidth of $0.3$ &nbsp; **(d)** Wasserstein-1
#
# ## Try it: move the line

# %% teaches=["D37"]
BANDWIDTH = 0.3
ts = np.linspace(-2, 2, 401)
heights = (np.arange(400) + 0.5) / 400
same_line = np.exp(-(heights[:, None] - heights) ** 2 / (2 * BANDWIDTH**2)).mean()  # mean kernel within one line


def four(t):
    """KL, JS, squared MMD and W1 of the two lines, in closed form."""
    apart = 1.0 if t else 0.0
    return (math.inf if t else 0.0, apart * math.log(2), 2 * same_line * (1 - math.exp(-t**2 / (2 * BANDWIDTH**2))),
            abs(t))


def four_slopes(t):
    """What moving t a little changes; KL has no finite value to change."""
    mmd = 2 * same_line * t / BANDWIDTH**2 * math.exp(-t**2 / (2 * BANDWIDTH**2))
    return (math.nan, 0.0, mmd, float(np.sign(t)))


DISTANCES = ("KL", "JS", "squared MMD", "Wasserstein-1")
INFINITE = 2.3  # where the picture puts an infinite value
fig, (yard, values, pulls) = plt.subplots(1, 3, figsize=(10.6, 3.4), layout="constrained", width_ratios=(1, 1.2, 1.2))
yard.plot([0, 0], [0, 1], color=PALETTE["real"], lw=5)
moving, = yard.plot([0, 0], [0, 1], "--", color=PALETTE["generated"], lw=4)
yard.text(0, 1.08, "real", color=PALETTE["real"], ha="center")
name_tag = yard.text(0, -0.18, "generated", color=TEXT["generated"], ha="center")
finish(yard, limits=((-2.2, 2.2), (-0.4, 1.4)), title="two lines", xlabel="t")
yard.set_yticks([])
curves = np.array([four(t) for t in ts]).T
curves[0] = np.where(np.isinf(curves[0]), INFINITE, np.nan)
curves[1, 200] = np.nan  # the jump at 0
slopes = np.array([four_slopes(t) for t in ts]).T
slopes[3, 200] = np.nan
for name, (color, look), ys, pull in zip(DISTANCES, DISTANCE_LOOKS.values(), curves, slopes):
    values.plot(ts, ys, look, color=PALETTE[color], lw=2, label=name)
    pulls.plot(ts, pull, look, color=PALETTE[color], lw=2)
value_dots, = values.plot([], [], "o", color=PALETTE["ink"], ms=6)
pull_dots, = pulls.plot([], [], "o", color=PALETTE["ink"], ms=6)
values.set_yticks([0, 1, 2, INFINITE], ["0", "1", "2", "infinite"])
finish(values, limits=((-2, 2), (-0.1, 3.6)), xlabel="t", title="the four distances")
values.legend(frameon=False, loc="upper center", ncols=2, fontsize="small")
finish(pulls, limits=((-2, 2), (-3.2, 3.2)), xlabel="t", title="their slopes")


def draw(t):
    now, pull = four(t), four_slopes(t)
    moving.set_xdata([t, t])
    name_tag.set_x(np.clip(t, -1.6, 1.6))
    value_dots.set_data([t] * 4, [INFINITE if math.isinf(value) else value for value in now])
    pull_dots.set_data([t] * 3, pull[1:])
    said = ", ".join(f"{name} {'infinite' if math.isinf(value) else f'{value:.3f}'}" for name, value in zip(DISTANCES, now))
    return (f"t = {t:.2f}: {said}. Slopes: KL none, JS {pull[1]:.3f}, squared MMD {pull[2]:z.3f}, "
            f"Wasserstein-1 {pull[3]:.0f}.")


sliders(draw, fig, t=(-2.0, 2.0, 0.05, 1.5))

# %% [markdown]
# **Figure 10.4.** Left: the two lines. Middle: the four distances for every $t$, with dots at the present one; infinite KL is drawn at the top. Right: their slopes, which is all that a generator hears. KL has none, that of JS is 0 on both sides, and that of the MMD is a wave near home.
#
# ## What you saw: one that does not tire
#
# **(d)**. KL is infinite and JS is $\log 2$ for every $t$ but 0: both know *that* the lines differ and nothing else. The MMD leads home from nearby; beyond some five bandwidths hardly anything is left of its slope. Only $W_1 = \lvert t\rvert$ has the slope 1 everywhere. (Not every change of a cloud is a shift, though. One generated point between two real ones, at $-1$ and $1$, is equally far from both on average wherever it stands: there $W_1$ is flat, too.) Two of the four from samples (the other two need densities):

# %% tags=["nbval-ignore-output"] teaches=["D37"]
for t in (0.25, 0.5, 1.0, 2.0):
    generated_line = torch.stack([torch.full((500,), t), torch.rand(500, generator=rng)], dim=1)
    real_line = torch.stack([torch.zeros(500), torch.rand(500, generator=rng)], dim=1)
    _, js, mmd2, w1 = four(t)
    sampled_mmd2 = distances.mmd2(generated_line, real_line, BANDWIDTH).item()
    sampled_w1 = distances.wasserstein1(generated_line, real_line)
    print(f"t = {t:4}: JS {js:.3f}; squared MMD {mmd2:.4f}, sampled {sampled_mmd2:.4f}; W1 {w1:.2f}, sampled {sampled_w1:.3f}")
    assert abs(sampled_mmd2 - mmd2) < 0.1 and abs(sampled_w1 - w1) < 0.05
assert abs(four_slopes(2.0)[2]) < 1e-6 < four_slopes(0.3)[2] and four_slopes(2.0)[3] == four_slopes(0.05)[3] == 1

# %% [markdown]
# MMD is no bad distance; its reach is its bandwidth, and lesson 5 lived well with several of them. But nobody has to choose a bandwidth for $W_1$. What it needs instead is a way to *compute* it for whole distributions. A programme for one batch is quickly solved, but it compares two batches, and even two batches of one distribution lie a floor apart; with all points of a data set it has a cell for each pair, and it says nothing about a point that is not among them. The way out is the second half of the programme.
#
# ---
# # Part C: prices
#
# ## Why
#
# A carrier offers to do the work. She buys dirt at the piles and sells it at the holes, at a price $f(x)$ that depends on the place alone. You accept if no way costs you more than doing it yourself:
#
# $$f(\text{hole}) - f(\text{pile}) \;\le\; \text{distance} \qquad \text{for every pair.}$$
#
# How much can she earn? Take any plan $\pi$. What she earns is at most what the plan costs:
#
# $$\sum_j b_j f(y_j) - \sum_i a_i f(x_i) \;=\; \sum_{ij} \pi_{ij}\,\bigl(f(y_j) - f(x_i)\bigr) \;\le\; \sum_{ij} \pi_{ij}\, c_{ij}.$$
#
# (The first step uses that $\pi$'s rows and columns add up. Mind the letters: the $x_i$ are piles, later generated points, and the $y_j$ holes, later real ones; in lesson 4 it was the other way round.) So no prices earn more than the cheapest plan costs. The theorem says that the best prices earn *exactly* that much (Kantorovich 1942; in the form below Kantorovich and Rubinstein 1958). Ask the same of *all* pairs of places, any of which might be pile or hole, and the condition says that $f$ is nowhere steeper than 1, up or down. (That asking for more does not lower the best income is not obvious: the figure after the next one extends prices from the points to all places.) With $1/n$ in each point, sums become means:
#
# $$W_1 \;=\; \max_{f \text{ 1-Lipschitz}} \; \Bigl[\operatorname{mean} f(x_{\text{real}}) - \operatorname{mean} f(x_{\text{generated}})\Bigr].$$
#
# There stands a function that grades points, high for real and low for generated ones, and a gap to be made large. **The best price *is* the best critic.** (There may be several equally good ones.) A network can look for it.
#
# ### You are the critic
#
# The two heaps and the one heap of lesson 7's guessing game. Your grades are a curve of four straight pieces; choose their slopes. How large a gap do you reach if no slope may leave $[-1, 1]$? And what if that does not bother you?

# %% teaches=["D37", "D38", "D39"]
two_heaps = distributions.mixture_1d((-1.5, 1.5), (0.5, 0.5), (0.5, 0.5))
one_heap = distributions.mixture_1d((0.0,), (1.0,), (1.0,))
xs = np.linspace(-4, 4, 801)
p, q = (heap.log_density(torch.tensor(xs[:, None], dtype=torch.float32)).exp().double().numpy()
        for heap in (two_heaps, one_heap))
p, q = p / p.sum(), q / q.sum()                    # probabilities of 801 cells
surplus = np.cumsum(q - p)                         # how much generated dirt lies left of x beyond the real one
exact = np.abs(surplus).sum() * (xs[1] - xs[0])    # all of it must pass x: lesson 4's W1


def grades_of(slopes):
    """A curve of four pieces with these slopes between -4, -1.5, 0, 1.5 and 4."""
    corners = [-4, -1.5, 0, 1.5, 4]
    heights = np.concatenate([[0], np.cumsum(np.diff(corners) * slopes)])
    return np.interp(xs, corners, heights - heights[2])


fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.8), layout="constrained", width_ratios=(2.4, 1))
left.fill_between(xs, 250 * p, color=PALETTE["real"], alpha=0.3)
left.plot(xs, 250 * q, color=PALETTE["generated"], lw=2)
left.text(-2.25, 0.4, "real", color=PALETTE["real"], ha="right")
left.text(0, 1.12, "generated", color=TEXT["generated"], ha="center")
curve, = left.plot(xs, xs, color=PALETTE["discriminator"], lw=2.5)
tag = left.text(3.9, 0, "f(x)", ha="right", va="bottom", color=PALETTE["discriminator"])
finish(left, limits=((-4, 4), (-4.2, 4.2)), xlabel="x", ylabel="grade")
bar, = right.bar(["your gap"], [0], width=0.5, color=PALETTE["discriminator"])
right.axhline(exact, color=PALETTE["ink"], ls=":")
right.text(0.48, exact + 0.03, "W1", ha="right", color=PALETTE["ink"])
right.axhline(0, color=PALETTE["muted"], lw=0.8)
verdict = right.text(0, -0.9, "", ha="center", color=PALETTE["ink"])
finish(right, limits=((-0.5, 0.5), (-1.1, 1.7)))


def draw(s1, s2, s3, s4):
    f = grades_of([s1, s2, s3, s4])
    gap = ((p - q) * f).sum()
    curve.set_ydata(f)
    tag.set_y(np.clip(f[-1], -3.9, 3.5))
    bar.set_height(gap)
    steepest = max(map(abs, (s1, s2, s3, s4)))
    verdict.set_text("allowed" if steepest <= 1 else f"{steepest:g} times too steep")
    rest = "allowed" if steepest <= 1 else f"but the curve is {steepest:g} times too steep, and the gap means nothing"
    return f"Gap {gap:z.3f}, W1 is {exact:.3f}: {rest}."


sliders(draw, fig, labels={"s1": "slope left of -1.5", "s2": "slope from -1.5 to 0", "s3": "slope from 0 to 1.5",
                           "s4": "slope right of 1.5"},
        s1=(-2.0, 2.0, 0.25, -0.5), s2=(-2.0, 2.0, 0.25, -0.5), s3=(-2.0, 2.0, 0.25, 0.5), s4=(-2.0, 2.0, 0.25, 0.5))
allowed = [((p - q) * grades_of(slopes)).sum() for slopes in itertools.product((-1, 0, 1), repeat=4)]
assert 0.99 * exact < max(allowed) <= exact, "the best of these 81 critics is a V, and nearly perfect"
assert math.isclose(max(allowed), ((p - q) * grades_of([-1, -1, 1, 1])).sum())
assert math.isclose(((p - q) * grades_of([-2, -2, 2, 2])).sum(), 2 * max(allowed)), "twice as steep, twice the gap"

# %% [markdown]
# **Figure 10.5.** Left: real (filled) and generated (outline), both densities not to scale, and your grades. Right: the gap, and $W_1$ (dotted). As stored, the curve has the right shape and half the slope, and shows half of $W_1$. With $-1, -1, 1, 1$ it touches the dotted line. With slope 2 the bar runs past it: no wonder, the same curve in other units.
#
# So the condition does all the work. Without it the largest gap is infinite, for *any* two distributions that differ at all.
#
# ### The potential in the plane
#
# Thirty piles, thirty holes. With its plan the solver gives a second answer, the *dual variables* (`marginals`): one for each sum that has to hold. One more unit that leaves a pile *and* arrives in a hole makes the work dearer by the price at the hole minus the price at the pile (as long as the same ways stay the cheapest); a pile's number counts what leaves, hence the minus in `cheapest_plan`. Each price alone means nothing: a constant may be added to all. Anywhere else, the lowest price that no way forbids is $f(x) = \max_k\,\bigl(f(x_k) - \lvert x - x_k\rvert\bigr)$: cones, one under each point, of which the highest counts; nowhere steeper than 1, and at the points it keeps their prices.

# %% tags=["nbval-ignore-output"] teaches=["D37", "D38"]
N = 30
x_holes, x_piles = moons.sample(N, rng), 0.6 * torch.randn(N, 2, generator=rng)
between = cdist(x_piles, x_holes)
plan, at_piles, at_holes = cheapest_plan(between, np.full(N, 1 / N), np.full(N, 1 / N))
cost, income = (plan * between).sum(), at_holes.mean() - at_piles.mean()
x_all, f_all = torch.cat([x_holes, x_piles]).numpy(), np.concatenate([at_holes, at_piles])


def potential(places):
    return (f_all - cdist(places, x_all)).max(axis=1)


rises = at_holes - at_piles[:, None]  # (piles, holes)
print(f"the cheapest plan costs {cost:.6f}, the best prices earn {income:.6f}, "
      f"wasserstein1 says {distances.wasserstein1(x_piles, x_holes):.6f}")
print(f"steepest price anywhere {(rises / between).max():.6f}, on the ways that are used {(rises / between)[plan > 1e-9].min():.6f}")
assert math.isclose(cost, income, rel_tol=1e-6) and (rises <= between + 1e-9).all()
assert np.allclose(rises[plan > 1e-9], between[plan > 1e-9], atol=1e-7), "slope 1 along every way that is used"
assert np.allclose(potential(x_all), f_all, atol=1e-7), "asking for all places costs nothing: the prices at the points stay"
start, step = x_piles.numpy() + 1e-3 * (x_holes.numpy()[plan.argmax(axis=1)] - x_piles.numpy()), 1e-6  # just off the piles
uphill = np.stack([potential(start + [step, 0]) - potential(start - [step, 0]),
                   potential(start + [0, step]) - potential(start - [0, step])], axis=1)
at_hole = start.copy()
for _ in range(400):  # small steps straight uphill
    slope = np.stack([potential(at_hole + [step, 0]) - potential(at_hole - [step, 0]),
                      potential(at_hole + [0, step]) - potential(at_hole - [0, step])], axis=1)
    at_hole = at_hole + 0.01 * slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-12)
to_holes = cdist(at_hole, x_holes)
arrived, own = to_holes.min(axis=1) < 0.03, to_holes.argmin(axis=1) == plan.argmax(axis=1)
print(f"walking uphill from just beside the piles, {arrived.sum()} of {N} end in a hole, {(arrived & own).sum()} of them in the plan's own")
assert arrived.sum() >= N - 4

sides = np.linspace(-2.7, 2.7, 80)
places = np.stack(np.meshgrid(sides, sides), axis=-1).reshape(-1, 2)
exact_field = (potential(places) - f_all.mean()).reshape(80, 80)  # a constant does not count: mean 0 at the points
WINDOW = ((-2.7, 2.7), (-2.7, 2.7))


def show_points(ax):
    scatter_samples(ax, x_holes, kind="real", size=6, alpha=1.0, edge=0.6)
    scatter_samples(ax, x_piles, kind="generated", size=6, alpha=1.0, edge=0.6)
    finish(ax, limits=WINDOW, equal=True)


fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 4.4), layout="constrained", width_ratios=(1.15, 1))
on_ways = np.concatenate([np.linspace(x_all[N + i], x_all[j], 9) for i, j in zip(*np.nonzero(plan > 1e-9))])
judge_field(left, exact_field, WINDOW, is_probability=False, clear_of=on_ways)  # the lines' values keep away from them
for i, j in zip(*np.nonzero(plan > 1e-9)):
    left.annotate("", x_holes[j].tolist(), x_piles[i].tolist(),
                  arrowprops={"arrowstyle": "->", "color": PALETTE["ink"], "lw": 1.1})
show_points(left)
finish(left, title="plan and price in one picture")
right.plot([0, between.max()], [0, between.max()], color=PALETTE["muted"], lw=1)
right.plot(between.ravel(), rises.ravel(), ".", color=PALETTE["muted"], ms=3)
right.plot(between[plan > 1e-9], rises[plan > 1e-9], "D", color=PALETTE["extra"], ms=5)
right.text(0.05 * between.max(), 0.85 * between.max(), "forbidden above the line", color=PALETTE["ink"])
right.text(0.97 * between.max(), rises.min() - 0.1, "dots: all pairs\ndiamonds: used by the plan", ha="right", va="top", color=PALETTE["ink"])
right.set_ylim(rises.min() - 1.0, 1.05 * between.max())
finish(right, xlabel="distance from pile to hole", ylabel="rise of the price", title="the price rises by 1 a metre where dirt moves")
plt.show()

# %% [markdown]
# **Figure 10.6.** Left: piles (triangles), holes (circles), the cheapest plan (arrows) and the best price (light is high; lines of equal price with their values, counted from the mean at the sixty points). Right: for every pair, how much the price rises on the way. No pair lies above the line; those that the plan uses lie *on* it.
#
# Look along an arrow: the price climbs by 1 for every metre, as steeply as it may, and the arrow is a steepest way up. Whoever knows the price hardly needs a plan: going uphill leads from (nearly) every pile to a hole, if not always to the plan's own. Uphill is where the generator will go. And the slope is 1, whether the hole is near or far. A loss that is linear in the grade passes this slope on as it is, with no factor like minimax's $D$ that could die. And that the slope is 1, neither nothing nor a million, takes both: the best critic, and the bound that it exhausts.
#
# ---
# # Part D: a critic
#
# ## The code
#
# A critic is lesson 7's judge, layer by layer, without a sigmoid: any number may come out. Its loss is minus the gap; the generator's is minus its own average grade, the bare score that was left when lesson 9 added its two questions.

# %% tags=["shows:helpers.losses.Wasserstein"] teaches=["D38", "Q2", "Q3", "D39"]
class Wasserstein:
    name = "Wasserstein"
    is_probability = False

    def judge(self, scores_real, scores_fake):
        return scores_fake.mean() - scores_real.mean()

    def generator(self, scores_fake):
        return -scores_fake.mean()


wasserstein = Wasserstein()

# %% [markdown]
# **Signs, untangled.** You may read: "critic loss $D(x) - D(G(z))$, generator loss $D(G(z))$". These are the right quantities (averaged over a batch), but as written both are to be made **large**. A loss is made small, so in code both get a minus:
#
# | | what it wants large | so its loss, made small, is | why |
# |---|---|---|---|
# | critic | mean $D(x)$ − mean $D(G(z))$, the gap | mean $D(G(z))$ − mean $D(x)$ | the widest gap is $W_1$ |
# | generator | mean $D(G(z))$ | − mean $D(G(z))$ | its only part in the gap; up means narrower |
#
# One number, the gap; one player widens it, the other narrows it (apart from a penalty, which is the critic's own affair): lesson 6's min-max again. And **there is no threshold**. Only *differences* of grades count. Move all grades up by the same amount, or turn the critic upside down:

# %% tags=["nbval-ignore-output"] teaches=["D38", "Q2", "Q3", "D39"]
scores_real, scores_fake = 1.2 + 0.6 * torch.randn(25, generator=rng), -0.8 + 0.6 * torch.randn(25, generator=rng)
lanes = torch.linspace(0, 1, 25)
fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.3), layout="constrained", width_ratios=(1.8, 1))
real_dots, = left.plot([], [], "o", color=PALETTE["real"], ms=6)
fake_dots, = left.plot([], [], "^", color=PALETTE["generated"], ms=6)
real_mean, = left.plot([0, 0], [1.4, 2.6], color=PALETTE["real"], lw=3)
fake_mean, = left.plot([0, 0], [-0.1, 1.1], color=PALETTE["generated"], lw=3)
real_name = left.text(0, 2.72, "real", ha="center", color=TEXT["real"])
fake_name = left.text(0, 1.19, "generated", ha="center", color=TEXT["generated"])
left.axvline(0, color=PALETTE["muted"], ls=":")
share = left.text(-6.8, 3.2, "", color=PALETTE["ink"])
finish(left, limits=((-7, 7), (-0.2, 3.6)), xlabel="grade", title="the grades of fifty points")
left.set_yticks([])
bars = right.bar(["critic", "generator"], [0, 0], width=0.55, color=[PALETTE["discriminator"], PALETTE["generated"]])
right.axhline(0, color=PALETTE["ink"], lw=0.8)
finish(right, limits=((-0.5, 1.5), (-5.5, 5.5)), ylabel="loss", title="both losses")


def draw(shift, upside_down):
    sign = -1 if upside_down else 1
    a, b = sign * scores_real + shift, sign * scores_fake + shift
    for dots, mean, name, values, low in ((real_dots, real_mean, real_name, a, 1.5), (fake_dots, fake_mean, fake_name, b, 0.0)):
        dots.set_data(values, lanes + low)
        mean.set_xdata([values.mean()] * 2)
        name.set_x(values.mean())
    right_in = ((a > 0).float().mean() + (b < 0).float().mean()).item() / 2
    numbers = wasserstein.judge(a, b).item(), wasserstein.generator(b).item()
    for bar, number in zip(bars, numbers):
        bar.set_height(number)
    share.set_text(f"verdicts at 0: {100 * right_in:.0f} % right")
    return (f"Gap {-numbers[0]:.3f}; the critic's loss {numbers[0]:z.3f}, the generator's {numbers[1]:z.3f}. Read as "
            f"verdicts at 0, the grades are right in {100 * right_in:.0f} % of the cases.")


sliders(draw, fig, labels={"upside_down": "turn the critic upside down"}, shift=(-4.0, 4.0, 0.5, 3.0),
        upside_down=False)

# %% [markdown]
# **Figure 10.7.** Left: the grades of 25 real points (circles) and 25 generated ones (triangles), with their means (bars); in words, how often "real if above 0" (dotted) would be right. Right: both losses. As stored, all grades have been raised by 3. The critic's loss is the same as at shift 0; the verdicts have become worthless, and nobody minds. Upside down, it has the opposite sign: the worst critic, not the best.
#
# The generator's loss does change with the shift, but not its slope, which is all that is used. Asserted on a network: a constant added to its last bias.

# %% tags=["nbval-ignore-output"] teaches=["D38", "Q2", "Q3", "D39"]
def loss_and_slopes(loss, network, x_real, x_fake):
    """The judge's loss, its slopes in the network, and the slopes of the generator's loss at the generated points."""
    x = x_fake.clone().requires_grad_()
    judged = loss.judge(network(x_real), network(x_fake))
    return (judged, torch.cat([s.flatten() for s in torch.autograd.grad(judged, list(network.parameters()))[:-1]]),
            torch.autograd.grad(loss.generator(network(x)), x)[0])


network = networks.judge((2, 32, 32, 1), rng).double()  # more digits, so that equal means equal
x_real, x_fake = moons.sample(64, rng).double(), torch.randn(64, 2, generator=rng).double()
before = {loss.name: loss_and_slopes(loss, network, x_real, x_fake) for loss in (wasserstein, losses.minimax)}
with torch.no_grad():
    network[-2].bias += 3
after = {loss.name: loss_and_slopes(loss, network, x_real, x_fake) for loss in (wasserstein, losses.minimax)}
for name in before:
    changes = [(a - b).norm() / b.norm() for a, b in zip(after[name], before[name])]
    print(f"{name:12} all grades + 3: loss, slopes of the judge, slopes at the points change by "
          + ", ".join(f"{100 * change:.2g} %" for change in changes))
    assert all(change < 1e-9 for change in changes) if name == "Wasserstein" else min(changes) > 0.1

# %% [markdown]
# **The restraint.** Nothing yet keeps the slope at 1. *Clipping* (the paper's way): after each step all weights are pressed into $[-c, c]$. Then the slope has a bound. From an input to the grade lead as many paths as the product of the hidden widths, and each passes at most $c$ at every layer: for 2-32-32-1 the slope is at most $\sqrt2\cdot 32\cdot 32\cdot c^3$. How much of that a trained critic uses, nobody knows beforehand.

# %% tags=["shows:helpers.losses.clip_weights"] teaches=["D40"]
def clip_weights(critic, bound):
    with torch.no_grad():
        for weights in critic.parameters():
            weights.clamp_(-bound, bound)

# %% [markdown]
# The *gradient penalty* (Gulrajani et al. 2017) measures the slope itself, at places on the way from a real point to a generated one (pairs drawn at random, not the plan's), and charges for every deviation from 1. (In lessons 6 and 8 *penalty* was another one, R1, which asks for slope 0 at the real points: `at="real"`. In this lesson the word means the gradient penalty.) `create_graph` lets a slope be differentiated once more.

# %% tags=["shows:helpers.losses.gradient_penalty"] teaches=["D40"]
def gradient_penalty(critic, x_real, x_fake, rng, at="between"):
    if at == "real":
        places, wanted = x_real, 0.0
    else:
        share = uniform_noise(len(x_real), 1, rng).reshape(-1, *[1] * (x_real.ndim - 1))  # one number for each pair
        places, wanted = x_real + share * (x_fake - x_real), 1.0
    places = places.detach().requires_grad_()
    slopes, = torch.autograd.grad(critic(places).sum(), places, create_graph=True)
    return (slopes.flatten(1).norm(dim=1) - wanted).square().mean()

# %% [markdown]
# And the loop: lesson 7's, with a restraint in the judge's step.

# %% tags=["shows:helpers.training.critic_step", "shows:helpers.training.restrained_steps"] teaches=["D38", "D40"]
def critic_step(generator, critic, optimizer, x_real, z, loss, rng, clip=None, penalty=0.0, at="between"):
    with torch.no_grad():
        x_fake = generator(z)
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

# %% [markdown]
# Usually the critic gets five steps for each of the generator's: here a critic near its best is wanted, for its slope does not vanish when it gets better (Figure 10.10). That makes a WGAN dear, as the end of this lesson counts. Does the loop do what the helper does?

# %% tags=["nbval-ignore-output"] teaches=["D38", "D40"]
def fresh_pair(rng):
    return networks.mlp((2, 64, 64, 2), rng), networks.judge((2, 64, 64, 1), rng)


RECIPES = {"clipped": dict(lr_generator=1e-3, lr_discriminator=1e-3, discriminator_steps=5, clip=0.1),
           "penalty": dict(lr_generator=2e-3, lr_discriminator=2e-3, discriminator_steps=5, penalty=0.1)}
for name, recipe in RECIPES.items():
    own = torch.Generator().manual_seed(SEED)
    steps = restrained_steps(*fresh_pair(own), moons, own, wasserstein, 2, 128, recipe["lr_generator"],
                             recipe["lr_discriminator"], 5, recipe.get("clip"), recipe.get("penalty", 0.0), "between")
    by_hand = torch.tensor([next(steps) for _ in range(3)])
    own = torch.Generator().manual_seed(SEED)
    run = train_gan(*fresh_pair(own), moons, own, wasserstein, n_steps=3, every=3, **recipe)
    by_helper = list(run)[-1]
    print(f"{name}: three steps, losses of the critic " + ", ".join(f"{loss:.4f}" for loss in by_hand[:, 0]))
    assert torch.equal(by_hand[:, 0], by_helper.judge_losses) and torch.equal(by_hand[:, 1], by_helper.losses)

# %% [markdown]
# ---
# # Part E: what the grades are worth
#
# ## Check
#
# Before any generator moves: how good is a critic against *fixed* clouds, where the answer is known? Many critics learn at once, each with its own start and its own batches, with stacked weights as in lesson 8. (The layers are written out here, which is quicker than `vmap`; and later one can look between them.)

# %% teaches=["D40"]
def crowd(n_critics, sizes, rng):
    """Weights of n critics, stacked; the first axis of each tensor is the critic."""
    return stack_module_state([networks.judge(sizes, rng) for _ in range(n_critics)])[0]


def grade_all(weights, x, entering=None):
    """The grades (M, n) that M critics give, each to its own points (M, n, d). entering: a list for what enters a layer."""
    layers = [name.removesuffix(".weight") for name in weights if name.endswith(".weight")]
    for layer in layers:
        if entering is not None:
            entering.append(x)
        x = torch.baddbmm(weights[f"{layer}.bias"][:, None, :], x, weights[f"{layer}.weight"].transpose(1, 2))
        x = x if layer == layers[-1] else leaky_relu(x, 0.2)
    return x[:, :, 0]


def slopes_between(weights, x_real, x_fake, rng):
    """The slopes' lengths, (M, n), at one place between each real point and a generated one."""
    share = torch.rand(*x_real.shape[:2], 1, generator=rng)
    middle = (x_real + share * (x_fake - x_real)).requires_grad_()
    slopes, = torch.autograd.grad(grade_all(weights, middle).sum(), middle, create_graph=True)
    return slopes.norm(dim=2)


def learn(sizes, draw_real, draw_fake, rng, n_critics, n_steps, lr=2e-3, batch_size=64, clip=None, penalty=0.0,
          loss=wasserstein, look=None, every=20, one_sided=False):
    """n_critics critics against clouds that do not move: their weights, and the gaps (M, steps).

    draw_real, draw_fake: (n_critics, n) to points (n_critics, n, d). clip: a bound for all, or one for each.
    look(weights): what to remember every few steps; returned last, as a list.
    """
    weights = crowd(n_critics, sizes, rng)
    optimizer = torch.optim.Adam(weights.values(), lr=lr, betas=BETAS)
    bounds = None if clip is None else torch.as_tensor(clip, dtype=torch.float32).expand(n_critics)
    each_loss, gaps, seen = vmap(loss.judge), [], []
    for step in range(n_steps + 1):
        if look is not None and step % every == 0:
            seen.append(look(weights))
        x_real, x_fake = draw_real(n_critics, batch_size), draw_fake(n_critics, batch_size)
        grades_real, grades_fake = grade_all(weights, x_real), grade_all(weights, x_fake)
        gaps.append((grades_real.mean(dim=1) - grades_fake.mean(dim=1)).detach())
        total = each_loss(grades_real, grades_fake).sum()  # no weight is shared: each network gets its own slope
        if penalty:
            slopes = slopes_between(weights, x_real, x_fake, rng)
            off = (slopes - 1).clamp(min=0) if one_sided else slopes - 1
            total = total + penalty * off.square().mean(dim=1).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        if bounds is not None:
            with torch.no_grad():
                for w in weights.values():
                    bound = bounds.reshape(-1, *[1] * (w.ndim - 1))
                    w.copy_(w.clamp(-bound, bound))
    return weights, torch.stack(gaps, dim=1), seen


def some_of(points):
    """A function that draws batches from a fixed cloud, with replacement."""
    return lambda m, n: points[torch.randint(len(points), (m, n), generator=rng)]


def from_target(target):
    return lambda m, n: target.sample(m * n, rng).reshape(m, n, -1)

# %% [markdown]
# **Twenty critics against the exact potential** of Figure 10.6, with a penalty of weight 10.

# %% tags=["nbval-ignore-output"] teaches=["D38", "D40"]
M = 20
weights, gaps, _ = learn((2, 64, 64, 1), some_of(x_holes), some_of(x_piles), rng, M, 400, lr=5e-3, penalty=10.0)
with torch.no_grad():
    learned = grade_all(weights, torch.tensor(x_all).expand(M, -1, -1)).numpy()
    learned_field = grade_all(weights, torch.tensor(places, dtype=torch.float32).expand(M, -1, -1))[0].reshape(80, 80)
learned_field = learned_field - learned[0].mean()
learned = learned - learned.mean(axis=1, keepdims=True)  # a constant does not count here, either
wanted = f_all - f_all.mean()
agreement = np.array([np.corrcoef(grades, wanted)[0, 1] for grades in learned])
learned_gaps = learned[:, :N].mean(axis=1) - learned[:, N:].mean(axis=1)

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 3.5), layout="constrained")
for ax, field, name in ((left, exact_field, "exact: the best prices"), (middle, learned_field, "learned: one critic of twenty")):
    judge_field(ax, field, WINDOW, is_probability=False, clear_of=x_all)
    show_points(ax)
    finish(ax, title=name)
for grades in learned:
    right.plot(wanted[:N], grades[:N], "o", color=PALETTE["real"], ms=2, alpha=0.4)
    right.plot(wanted[N:], grades[N:], "^", color=PALETTE["generated"], ms=2, alpha=0.4)
low, high = wanted.min(), wanted.max()
right.plot([low, high], [low, high], color=PALETTE["ink"], lw=1)
finish(right, xlabel="best price at a point", ylabel="grade", title=f"all {M} critics, all points")
plt.show()
print(f"{M} critics: agreement with the best prices (correlation) from {agreement.min():.3f} to {agreement.max():.3f}")
near = np.abs(learned_gaps / cost - 1) < 0.25
print(f"their gaps: {learned_gaps.min():.3f} to {learned_gaps.max():.3f}; exact W1 {cost:.3f}; {near.sum()} of {M} gaps within a quarter of it")
assert np.median(agreement) > 0.85 and near.sum() >= 0.7 * M

# %% [markdown]
# **Figure 10.8.** Left: the potential that the linear programme found. Middle: what a critic learned from samples. Both are counted from their mean at the sixty points, for a constant means nothing. Right: the grades of all twenty critics at all sixty points (circles real, triangles generated) against the exact prices.
#
# (How well they agree depends on the sixty points: where holes and piles lie close together, a smooth network cannot follow every corner of the roof.) So the second network *can* be this distance, too, nearly: most gaps lie around $W_1$, and now and then a critic stays behind. Two things pull at them. Corners that are not followed make them smaller; and the penalty makes them larger. By how much?
#
# **What the penalty costs.** The penalty only *asks* for slope 1. Write $W$ for $W_1$, and suppose the critic has the right shape and slope $s$ instead. Its gap is $sW$ (twice as steep, twice the gap), it pays $L(s-1)^2$, with $L$ the weight of the penalty. The slope of $sW - L(s-1)^2$ is 0 at
#
# $$s = 1 + \frac{W}{2L}, \qquad\text{and the gap is}\quad sW = W + \frac{W^2}{2L}.$$
#
# (The whole objective, penalty included, is then $W + W^2/(4L)$.) Real: moons; generated: a heap in their middle. Twenty critics for each restraint.

# %% tags=["nbval-ignore-output"] teaches=["D39", "D40"]
def a_heap(m, n):
    return 0.5 * torch.randn(m, n, 2, generator=rng)


exact_w = np.mean([distances.wasserstein1(moons.sample(1000, rng), a_heap(1, 1000)[0]) for _ in range(3)])
RESTRAINTS = {"none": {}, "clip 0.03": dict(clip=0.03), "clip 0.1": dict(clip=0.1), "clip 0.3": dict(clip=0.3),
              "penalty 0.1": dict(penalty=0.1), "penalty 1": dict(penalty=1.0), "penalty 10": dict(penalty=10.0)}
gaps_of, slope_of, arrow_of, arrow_places = {}, {}, {}, a_heap(M, 256)
for name, restraint in RESTRAINTS.items():
    weights, gaps, _ = learn((2, 32, 32, 1), from_target(moons), a_heap, rng, M, 250, lr=4e-3, **restraint)
    gaps_of[name] = gaps.numpy()
    slope_of[name] = slopes_between(weights, from_target(moons)(M, 256), a_heap(M, 256), rng).detach().median(dim=1)[0]
    here = arrow_places.clone().requires_grad_()
    arrow_of[name], = torch.autograd.grad(grade_all(weights, here).sum(), here)
last = {name: gaps[:, -100:].mean(axis=1) for name, gaps in gaps_of.items()}
print(f"exact W1 {exact_w:.3f} (from 1,000 points each)\n")
print(f"{'restraint':14}{f'gap, {M} critics':22}{'W + W^2/(2L)':>14}{'slope':>8}{'1 + W/(2L)':>12}")
for name, values in last.items():
    line = f"{name:14}{np.median(values):8.3g} ({values.min():.3g} to {values.max():.3g})"
    expected = [""] * 2
    if "penalty" in RESTRAINTS[name]:
        L = RESTRAINTS[name]["penalty"]
        expected = [f"{exact_w + exact_w**2 / (2 * L):.3f}", f"{1 + exact_w / (2 * L):.2f}"]
        assert abs(np.median(values) / (exact_w + exact_w**2 / (2 * L)) - 1) < 0.15
        assert abs(slope_of[name].median() / (1 + exact_w / (2 * L)) - 1) < 0.2
    print(f"{line:38}{expected[0]:>12}{slope_of[name].median():8.3g}{expected[1]:>12}")
assert abs(slope_of["penalty 10"].median() - 1) < 0.15, "slope about 1"
for c in (0.03, 0.1, 0.3):
    most = math.sqrt(2) * 32 * 32 * c**3
    print(f"clip {c}: slope at most {most:.3g}, in the table {slope_of[f'clip {c}'].median():.3g}")
    assert (slope_of[f"clip {c}"] <= most).all()
cosine = torch.cosine_similarity(arrow_of["penalty 0.1"], arrow_of["penalty 10"], dim=2)
print(f"angle between the arrows under penalty 0.1 and 10: cosine, median {cosine.median():.2f}")
assert cosine.median() > 0.7

# %% [markdown]
# The formula holds well here, although these clouds are no single points. (It is exact for one point against one point. Otherwise a critic is steepest where much has to pass and few places are tested; on a line its gap is then at least as large, and it can be much larger, as where a few points have a long way to go.) With weight 10 the slope is about 1 and the gap about $W_1$. With a small weight, such as the 0.1 in the authors' own program for toy data, the critic is several times too steep and its gap several times $W_1$. For training that matters little: the *directions* of the arrows are roughly those of the strict critic (the cosine is printed), and Adam takes out a common factor. But it is no distance in metres. And a clipped critic shows some *multiple*, which goes about like $c^3$ here and which nobody knows beforehand.
#
# **Does it order distances?** Real: the ring of eight heaps. Generated: the same ring, shifted. (The exact $W_1$ of a shift is its length: no plan is cheaper, since the mean has to move so far.) One fresh critic for each shift, ten times. Beside it the JS divergence, all that the best discriminator of lesson 7 measures.

# %% tags=["nbval-ignore-output"] teaches=["D38", "D39"]
narrow_ring = distributions.ring(sd=0.02)
ring_shifts, TIMES = [0.25, 0.5, 1.0, 1.5, 2.0, 3.0], 10
shift_each = torch.tensor(ring_shifts).repeat_interleave(TIMES)


def shifted_ring(m, n):
    x = from_target(narrow_ring)(m, n)
    x[:, :, 0] += shift_each[:, None]
    return x


_, ring_gaps, _ = learn((2, 32, 32, 1), from_target(narrow_ring), shifted_ring, rng, len(shift_each), 300, lr=5e-3, penalty=10.0)
ring_gaps = ring_gaps[:, -60:].mean(dim=1).reshape(len(ring_shifts), TIMES).numpy()


def js_of_shift(t, n=4000):
    """JS of ring and shifted ring, in nats: the mean of log(p / ((p+q)/2)) over both, from samples."""
    move = torch.tensor([t, 0.0])
    x = narrow_ring.sample(n, rng)
    log_p = narrow_ring.log_density(x), narrow_ring.log_density(x + move)   # at real points; at generated ones
    log_q = narrow_ring.log_density(x - move), narrow_ring.log_density(x)
    middle = [torch.logaddexp(a, b) - math.log(2) for a, b in zip(log_p, log_q)]
    return ((log_p[0] - middle[0]).mean() + (log_q[1] - middle[1]).mean()).item() / 2


js = [js_of_shift(t) for t in ring_shifts]
by_pairing = [distances.wasserstein1(narrow_ring.sample(600, rng), narrow_ring.sample(600, rng) + torch.tensor([t, 0.0])) for t in ring_shifts]
fig, ax = plt.subplots(figsize=(6.8, 3.8), layout="constrained")
ax.plot([0, 3], [0, 3], color=PALETTE["ink"], lw=1.5, label="exact $W_1$")
ax.plot(ring_shifts, by_pairing, "o", color=PALETTE["ink"], mfc="none", ms=9, label="by pairing 600 points")
for k in range(TIMES):
    ax.plot(ring_shifts, ring_gaps[:, k], "-.", color=PALETTE["critic"], lw=0.8, alpha=0.7, label="gaps of critics" if k == 0 else None)
ax.plot(ring_shifts, js, "s--", color=PALETTE["muted"], ms=5, label="JS")
ax.axhline(math.log(2), color=PALETTE["muted"], lw=0.8, ls=":")
ax.text(3, math.log(2) - 0.05, "log 2", va="top", ha="right", color=PALETTE["ink"])
ax.legend(frameon=False, loc="upper left")
finish(ax, limits=((0, 3.1), (0, 4)), xlabel="shift", ylabel="$W_1$, gap, JS", title=f"a fresh critic orders distances ({TIMES} for each)")
plt.show()
ordered = (np.diff(ring_gaps, axis=0) > 0).all(axis=0).sum()
print(f"gaps in the order of the shifts: {ordered} of {TIMES} rows; JS lies between {min(js):.4f} and {max(js):.4f}, log 2 is {math.log(2):.4f}")
assert ordered >= TIMES - 3 and min(js) > math.log(2) - 0.01
assert all(abs(a - t) < 0.45 for a, t in zip(by_pairing, ring_shifts) if t >= 1)

# %% [markdown]
# **Figure 10.9.** The gap of fresh critics (thin lines, each of which joins six critics, one for each shift) against the shift; the exact $W_1$ (diagonal); pairings of 600 points (rings; for small shifts too large, for two samples of one distribution are never equal); and JS (squares), stuck at $\log 2$. At large shifts the gap lies above the diagonal by about $W^2/(2L)$, as the formula says. Here all rows are in order, or nearly all (see the print); now and then a critic still leans the wrong way from its random start and shows far too little.
#
# **Does the gradient stay?** Lesson 8 froze a generator against a narrow ring and let the judge learn on. The same with ten judges of each kind; what is drawn is the mean length of the arrow at a generated point.

# %% tags=["nbval-ignore-output"] teaches=["D39", "D40"]
def a_box(m, n):
    return 2 * uniform_noise(m * n, 2, rng).reshape(m, n, 2) - 1


def mean_arrow(loss):
    """A function (weights) to the mean length of the arrows at generated points, one for each judge."""
    def look(weights):
        x = a_box(TIMES, 256).requires_grad_()
        slopes, = torch.autograd.grad(256 * vmap(loss.generator)(grade_all(weights, x)).sum(), x)
        return slopes.norm(dim=2).mean(dim=1)
    return look


arrows = {}
for name, loss, restraint in (("minimax", losses.minimax, {}), ("modified", losses.modified_minimax, {}), ("critic, penalty 10", wasserstein, dict(penalty=10.0)),
                              ("critic, no restraint", wasserstein, {})):
    seen = learn((2, 64, 64, 1), from_target(narrow_ring), a_box, rng, TIMES, 400, loss=loss, look=mean_arrow(loss), **restraint)[2]
    arrows[name] = torch.stack(seen, dim=1).numpy()  # (judges, looks)
fig, ax = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
looks = np.arange(0, 401, 20)
LOOKS = METHOD_LOOKS | {"none": ("muted", (0, (8, 3)))}  # no restraint: grey, long dashes
for (name, values), (color, look) in zip(arrows.items(), [LOOKS[key] for key in ("minimax", "modified", "penalty", "none")]):
    ax.plot(looks, values.T, ls=look, color=PALETTE[color], lw=0.7, alpha=0.25)
    ax.plot(looks, np.median(values, axis=0), ls=look, color=PALETTE[color], lw=2.2)
    ax.text(404, np.median(values, axis=0)[-1], name, va="center", color=TEXT[color])
ax.set_yscale("log")
finish(ax, limits=((0, 560), (1e-7, 1e4)), xlabel="steps of the judge, generator frozen", ylabel="mean length of the arrow",
       title="what the generator hears")
plt.show()
for name, values in arrows.items():
    print(f"{name:22} after 100, 200, 400 steps: " + ", ".join(f"{np.median(values[:, i]):.2g}" for i in (5, 10, 20)))
assert (arrows["minimax"][:, -1] < 5e-3).sum() >= TIMES - 1 and (arrows["modified"][:, -1] > 1.5).sum() >= TIMES - 1
assert (np.abs(arrows["critic, penalty 10"][:, 5:] - 1) < 0.35).mean() > 0.95
assert (arrows["critic, no restraint"][:, -1] > 50).sum() >= TIMES - 1

# %% [markdown]
# **Figure 10.10.** Ten judges of each kind against a generator that stands still (thin: each one; thick: their median; the axis is logarithmic). Under the minimax loss the better judge has nothing left to say; under the modified loss its arrows grow slowly (lesson 9). With the penalty the arrow stays near 1. Without restraint it grows and grows.
#
# You may read, as in the article, that the gradient survives because a critic's scores are *unbounded*. Strictly speaking, no: a discriminator's logits are unbounded too, and under minimax its arrows die, of the factor $D$. The critic's do not die because its loss has no such factor. And they do not explode, and mean a distance, because of the **Lipschitz bound**, which the article leaves out: the critics without restraint are as unbounded as can be, and their arrows say nothing about any distance.
#
# ## When it breaks
#
# **No restraint.** The gaps of the table above, step by step.

# %% tags=["nbval-ignore-output"] teaches=["D39", "D40"]
fig, ax = plt.subplots(figsize=(7.4, 4.0), layout="constrained")
for name in ("none", "clip 0.3", "clip 0.1", "clip 0.03", "penalty 0.1", "penalty 10"):
    color, look = LOOKS[name.split()[0]]
    values = np.apply_along_axis(np.convolve, 1, gaps_of[name], np.ones(10) / 10, "valid")  # means of ten steps
    values = np.where(values > 1e-4, values, np.nan)  # early on, a gap may be negative
    ax.plot(values.T, ls=look, color=PALETTE[color], lw=0.4, alpha=0.35)
    ax.plot(np.nanmedian(values, axis=0), ls=look, color=PALETTE[color], lw=2)
    beside = {"clip 0.3": 2.0, "penalty 0.1": 0.7, "clip 0.1": 0.7, "penalty 10": 0.6}.get(name, 1.0)  # so that names do not touch
    ax.text(246, beside * np.median(values[:, -20:]), name, va="center", color=TEXT[color])
ax.axhline(exact_w, color=PALETTE["ink"], lw=1)
ax.text(298, 1.1 * exact_w, "exact $W_1$", color=PALETTE["ink"], ha="right", va="bottom")
ax.set_yscale("log")
finish(ax, limits=((0, 300), (1e-3, 1e4)), xlabel="steps of the critic", ylabel="gap", title=f"{M} critics for each restraint")
plt.show()
free = gaps_of["none"]
growth = [np.median(free[:, step - 20:step].mean(axis=1)) for step in (80, 160, 250)]
print(f"no restraint, median gap of {M} critics at 80, 160, 250 steps: " + ", ".join(f"{gap:.3g}" for gap in growth))
assert growth[0] > 5 * exact_w and growth[1] > 2 * growth[0] and growth[2] > 2 * growth[1]
assert (free[:, -20:].mean(axis=1) > 2 * free[:, 130:150].mean(axis=1)).sum() >= M - 2

# %% [markdown]
# **Figure 10.11.** The gap (means of ten steps) against the steps, on a logarithmic axis; where a gap is negative, as early on, there is no line. The clouds never move; $W_1$ is the level line. Without restraint the gap grows for ever, faster than the steps. A penalty of 10 settles near $W_1$ once the critics have found their shape, one of 0.1 several times above it, as the formula says. Clipped critics settle too: with 0.03 and 0.1 below it, with 0.3 far above.
#
# **Clipping, and depth.** A clipped critic of twelve layers passes a slope through twelve multiplications by small numbers, or by large ones. Six critics for each bound, 250 steps; what is drawn is the slope of the grade with respect to what enters each layer.

# %% tags=["nbval-ignore-output"] teaches=["D40"]
BOUNDS, DEEP_TIMES = (0.01, 0.03, 0.06, 0.1, 0.3), 6
clip_each = torch.tensor(BOUNDS).repeat_interleave(DEEP_TIMES)
DEEP = (2, *[32] * 11, 1)  # twelve linear layers


def slopes_by_layer(weights, x):
    """The mean length of the slope of the grade at what enters each layer, (critics, layers)."""
    entering = []
    grades = grade_all(weights, x.requires_grad_(), entering)
    return torch.stack([s.norm(dim=2).mean(dim=1) for s in torch.autograd.grad(grades.sum(), entering)], dim=1)


deep_clipped = learn(DEEP, from_target(moons), a_heap, rng, len(clip_each), 250, clip=clip_each)[0]
deep_penalty = learn(DEEP, from_target(moons), a_heap, rng, DEEP_TIMES, 250, penalty=10.0)[0]
by_layer = {f"clip {bound}": slopes_by_layer({k: w[clip_each == np.float32(bound)].detach() for k, w in deep_clipped.items()},
                                             a_heap(DEEP_TIMES, 128)).numpy() for bound in BOUNDS}
by_layer["penalty 10"] = slopes_by_layer({k: w.detach() for k, w in deep_penalty.items()}, a_heap(DEEP_TIMES, 128)).numpy()
fig, ax = plt.subplots(figsize=(7.2, 4.0), layout="constrained")
for name, values in by_layer.items():
    color, look = LOOKS[name.split()[0]]
    ax.plot(range(1, 13), values.T, look, color=PALETTE[color], lw=0.5, alpha=0.5)
    ax.plot(range(1, 13), np.median(values, axis=0), look, color=PALETTE[color], lw=2)
    end, lower = np.median(values[:, 0]), 0.01 if name == "clip 0.06" else 1  # so that names do not touch
    ax.annotate(name, (1, end), (0.6, lower * end), ha="right", va="center", color=TEXT[color],
                arrowprops={"arrowstyle": "-", "color": PALETTE[color], "lw": 0.7})
ax.set_yscale("log")
ax.set_xticks(range(1, 13))
finish(ax, limits=((-1.6, 12.3), (1e-21, 1e10)), xlabel="layer (1 is next to the points)", ylabel="slope",
       title="twelve layers: a narrow middle")
plt.show()
for name, values in by_layer.items():
    print(f"{name:11} slope at the points, {DEEP_TIMES} critics: {values[:, 0].min():.1e} to {values[:, 0].max():.1e}")
assert (by_layer["clip 0.01"][:, 0] < 1e-12).all() and (by_layer["clip 0.03"][:, 0] < 1e-6).all()
assert (by_layer["clip 0.1"][:, 0] > 10).all() and (by_layer["clip 0.3"][:, 0] > 1e4).all()
assert (np.abs(np.log10(by_layer["penalty 10"][:, 0])) < 1).sum() >= DEEP_TIMES - 1
at_points = {name: np.median(values[:, 0]) for name, values in by_layer.items()}
assert 1e5 < at_points["clip 0.3"] / at_points["clip 0.1"] < 1e6 and 1e11 < at_points["clip 0.06"] / at_points["clip 0.03"] < 1e13, "twelve layers"

# %% [markdown]
# **Figure 10.12.** Slopes at what enters each layer, from the last (right) to the points themselves (left), in critics of twelve layers; the axis is logarithmic. What reaches the generator is the left end. Between critics that have learned it goes about like $c^{12}$: from 0.1 to 0.3, some hundreds of thousands of times the slope. A small bound leaves nothing of it (or learns very late: between 0.03 and 0.06 lie twelve powers of ten), a large one makes a monster, and the middle is narrow; the penalty holds it near 1. (The authors of clipping called it "a clearly terrible way". With three layers, as in the figure before, the middle is wider.)

# %% [markdown]
# ---
# # Part F: the game
#
# ## Try it: the film, and twenty seeds
#
# The training of Figure 10.1 as a film. Switch *arrows* on: they lead up the ground, the steepest way. The critic runs after a moving cloud, so their lengths vary; but at no time do they die out.

# %% tags=["nbval-ignore-output"] teaches=["D38", "D39"]
def how_far(snapshot):
    w = distances.wasserstein1(snapshot.x_fake[:300], snapshot.x_real[:300])
    return f"W1 {w:.2f}; arrows {snapshot.push.norm(dim=1).mean():.2f} long on average." if len(snapshot.push) else f"W1 {w:.2f}."


player(film, layers=("real", "generated", "field", "loss"), describe=how_far)
lengths = np.array([snapshot.push.norm(dim=1).mean().item() for snapshot in film[1:]])
assert lengths.min() > 0.1 and 0.4 < np.median(lengths) < 4

# %% [markdown]
# **Figure 10.13.** The film. Light ground: high grades; the lines join equal grades. (In a stored copy: six moments, and the losses.) The critic's loss is minus the gap: it begins near 0, since an untrained critic sees nothing, has its lowest point early, and comes back towards 0 as the clouds meet. The generator's loss wanders far off (in the stored copy upwards), and that means nothing: it is minus a mean grade, and the grades' common constant drifts as it likes (Figure 10.7).
#
# ## Predict: who wins?
#
# Seven ways to train the same two networks: minimax, the modified loss and a critic with penalty, each with one and with five steps of the judge for each of the generator's, and a clipped critic with five. For the same amount of *work* (steps of judge and generator together), which ends nearest to the data?
#
# **(a)** the clipped critic &nbsp; **(b)** the critic with penalty, five steps &nbsp; **(c)** the critic with penalty, one step &nbsp; **(d)** one of the two old losses
#
# Two targets, twenty seeds for each; recorded, since this takes minutes. Watch what is equal in each comparison. All ways with *5* make the same number of steps of both kinds. Those with *1* train their judge once per generator step, so that in the same work they make three times as many generator steps. (Rates are 0.002, for the clipped critic 0.001; its bound 0.1 was chosen from two, and the penalty's weight 0.1 from two, on the moons with other seeds. The original clipped its critic with another optimiser, RMSProp, and smaller steps. The rest is as in lesson 7.)

# %% tags=["nbval-ignore-output"] teaches=["D38", "D40"]
records = {"moons": load_recording("grades_on_moons"), "ring": load_recording("grades_on_ring")}
KINDS = {"minimax_1": "minimax, 1", "minimax_5": "minimax, 5", "modified_1": "modified, 1", "modified_5": "modified, 5",
         "clipped_5": "clipped, 5", "penalty_1": "penalty, 1", "penalty_5": "penalty, 5"}
EVERY = 40  # steps between two looks
targets = {"moons": moons, "ring": distributions.ring()}
seeds = records["moons"].seeds
print(records["moons"], records["ring"], sep="\n")
floors = {name: distances.wasserstein_floor(target, 500, rng) for name, target in targets.items()}


def late(name, kind, steps=800):
    """W1 up to this step (mean of the last five looks), one number for each seed."""
    return records[name][f"w1_{kind}"][:, steps // EVERY - 4:steps // EVERY + 1].mean(axis=1)


for name, record in records.items():
    print(f"\n{name}: median W1 of {len(seeds)} seeds (smallest to largest); floor {floors[name]:.2f}")
    for kind, label in KINDS.items():
        same_steps = late(name, kind)
        same_work = late(name, kind, 2400) if kind.endswith("1") else same_steps
        line = (f"  {label:12} 640 to 800 steps of G: {np.median(same_steps):.2f} ({same_steps.min():.2f} to {same_steps.max():.2f}); "
                f"same work: {np.median(same_work):.2f} ({same_work.min():.2f} to {same_work.max():.2f})")
        if name == "ring":
            line += (f"; on a heap {100 * np.median(record[f'quality_{kind}'][:, -1]):.0f} %, heaps covered "
                     f"{record[f'covered_{kind}'][:, -1].mean():.1f}")
        print(line)

fig, axes = plt.subplots(2, 7, figsize=(10.6, 4.6), layout="constrained", sharey=True, sharex="col")
for row, (name, record) in zip(axes, records.items()):
    for ax, (kind, label) in zip(row, KINDS.items()):
        values = record[f"w1_{kind}"]
        updates = EVERY * np.arange(values.shape[1]) * (1 + int(kind[-1]))
        color, look = LOOKS[kind.split("_")[0].replace("clipped", "clip")]
        ax.plot(updates, values.T, color=PALETTE[color], lw=0.5, alpha=0.3)
        ax.plot(updates, np.median(values, axis=0), look, color=PALETTE[color], lw=2.4)
        ax.axhline(floors[name], color=PALETTE["ink"], ls=":", lw=1)
        ax.set_yscale("log")
        ax.set_yticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
        ax.minorticks_off()
        finish(ax, limits=((0, 4900), (0.1, 5)), title=label if name == "moons" else None,
               ylabel=f"{name}: W1" if kind == "minimax_1" else None)
        ax.set_xticks([0, 2000, 4000])
fig.supxlabel("steps of D and G", fontsize="medium", color=PALETTE["ink"])
axes[0, 4].text(100, 1.04 * floors["moons"], "floor", va="bottom", color=PALETTE["ink"])
plt.show()

# %% [markdown]
# **Figure 10.14.** Wasserstein-1 to fresh points against the work done (steps of judge and generator together); thin: each seed, thick: the median, dotted: the floor, which is the *mean* distance of two samples of the target, so that single readings may fall below it. The number is that of judge's steps for each of the generator's. Columns with a 5 make 800 generator steps in this work, those with a 1 make 2,400. (The axis of $W_1$ is logarithmic.)

# %% tags=["nbval-ignore-output"] teaches=["D38", "D40"]
n = len(seeds)
same_work = {name: {kind: late(name, kind, 2400 if kind.endswith("1") else 800) for kind in KINDS} for name in records}
moons_w1, ring_w1 = same_work["moons"], same_work["ring"]
beats = {
    "moons, same work: minimax, 1 beats penalty, 5": moons_w1["minimax_1"] < moons_w1["penalty_5"],
    "ring, same work: minimax, 1 beats penalty, 5": ring_w1["minimax_1"] < ring_w1["penalty_5"],
    "moons, five steps each: minimax beats the penalty": moons_w1["minimax_5"] < moons_w1["penalty_5"],
    "moons, five steps each: the modified loss beats the penalty": moons_w1["modified_5"] < moons_w1["penalty_5"],
    "ring, five steps each: the penalty beats minimax": ring_w1["penalty_5"] < ring_w1["minimax_5"],
    "ring, five steps each: the penalty beats the modified loss": ring_w1["penalty_5"] < ring_w1["modified_5"],
    "moons: the penalty beats clipping": moons_w1["penalty_5"] < moons_w1["clipped_5"],
    "ring: the penalty beats clipping": ring_w1["penalty_5"] < ring_w1["clipped_5"],
    "moons, same work: penalty, 5 beats penalty, 1": moons_w1["penalty_5"] < moons_w1["penalty_1"],
    "ring, same work: minimax, 1 beats minimax, 5": ring_w1["minimax_1"] < ring_w1["minimax_5"],
}
with_every_seed = [*list(beats)[:2], "moons, same work: penalty, 5 beats penalty, 1"]
for claim, seeds_for in beats.items():
    print(f"{claim}: {seeds_for.sum()} of {n} seeds")
    assert seeds_for.sum() >= (n if claim in with_every_seed else 16)
assert set(with_every_seed) < set(beats)
print("\nundecided:")
for claim, seeds_for in {"moons, same work: minimax, 1 beats minimax, 5": moons_w1["minimax_1"] < moons_w1["minimax_5"],
                         "ring, same work: penalty, 5 beats penalty, 1": ring_w1["penalty_5"] < ring_w1["penalty_1"]}.items():
    print(f"  {claim}: {seeds_for.sum()} of {n} seeds")
    assert 4 <= seeds_for.sum() <= 16
spread = {kind: ring_w1[kind].std() for kind in KINDS}
print("\nring, same work: standard deviation of W1 over the seeds: " + ", ".join(f"{KINDS[kind]}: {sd:.2f}" for kind, sd in spread.items()))
assert min(spread, key=spread.get) == "penalty_5"
quality, covered = ({kind: records["ring"][f"{what}_{kind}"][:, -1].mean() for kind in KINDS} for what in ("quality", "covered"))
assert covered["penalty_5"] > max(covered["minimax_5"], covered["modified_5"]), "more heaps than the discriminators with five steps"
assert quality["penalty_5"] < quality["modified_5"] and quality["clipped_5"] < 0.1, "but not so sharply; clipped hardly at all"

# %% [markdown]
# The answer is **(d)**, and it is not the story one hears. For the same work plain minimax, one step each, ends nearer to the data than the critic with penalty, with every seed, on both targets. It spends its work on three times as many generator steps.
#
# *What are the five steps good for?* For the critic, much on the moons: with one step it is behind there with every seed, although it too gets three times the generator steps. On the ring, that comes out even. For minimax, nothing on the moons, and on the ring they do harm. That is a real difference between the two: a critic is worth something when it is near its best, and a discriminator need not be, as long as it keeps pace.
#
# *And with five steps for everybody?* There the targets disagree: on the moons both old losses stay ahead, on the ring the critic wins. What it buys there is calm: its distance varies least from seed to seed. The print of the figure shows what kind of calm: it covers more heaps than the discriminators with five steps do, and puts fewer of its points *on* one than the modified loss. Its mass lies in the right places, and unsharply. (Minimax with one step has both.) A clipped critic, at this bound, leaves hardly a point on a heap.
#
# Two targets, small networks, rates that were tried out only a little: others have tuned better, and the order may change.
#
# **Is the gap a progress bar?** It was, for *fresh* critics on fixed clouds (Figure 10.9). In the game the critic runs after a moving target. Its gap on fresh points, beside the exact distance. A distance between samples is itself uncertain; so the cell measures it twice, with other fresh points, and asks how well the two agree. No gap can be asked for more.

# %% tags=["nbval-ignore-output"] teaches=["D38", "D39"]
fig, axes = plt.subplots(1, 2, figsize=(9.6, 3.4), layout="constrained")
agreements = {}
for ax, (name, record) in zip(axes, records.items()):
    w1, gap = record["w1_penalty_5"], record["gap_penalty_5"]
    steps = EVERY * np.arange(w1.shape[1])
    ax.plot(steps, w1[:5].T, color=PALETTE["ink"], lw=0.9)
    ax.plot(steps, gap[:5].T, "-.", color=PALETTE["critic"], lw=1.1)
    ax.axhline(floors[name], color=PALETTE["ink"], lw=1, ls=":")
    agreements[name] = np.array([spearmanr(a, b).statistic for a, b in zip(w1[:, 1:], gap[:, 1:])])
    finish(ax, limits=((0, 800), (-0.3, 2.4)), xlabel="generator step", ylabel="W1, gap", title=f"{name}: W1 (solid) and the gap (dash-dotted)")
plt.show()
late_agreement = {}
for name, values in agreements.items():
    w1, gap, again = (records[name][f"{what}_penalty_5"] for what in ("w1", "gap", "again"))
    ceiling = np.array([spearmanr(a, b).statistic for a, b in zip(w1[:, 1:], again[:, 1:])])
    late_agreement[name] = [np.median([spearmanr(a, b).statistic for a, b in zip(w1[:, 5:], other[:, 5:])]) for other in (gap, again)]
    print(f"{name}: do they rise and fall together? Rank correlation with W1 (1: always), median of {len(values)} seeds:\n"
          f"  whole training: the gap {np.median(values):.2f}, W1 measured again {np.median(ceiling):.2f}\n"
          f"  from step 200 on: the gap {late_agreement[name][0]:.2f}, W1 measured again {late_agreement[name][1]:.2f}")
    assert (values < ceiling).sum() >= 18 and np.median(values) < np.median(ceiling) - 0.3
assert late_agreement["moons"][0] < late_agreement["moons"][1] - 0.3
assert np.median(records["moons"]["gap_penalty_5"][:, 5:]) < np.median(records["moons"]["w1_penalty_5"][:, 5:])
assert np.median(records["ring"]["gap_penalty_5"][:, 5:]) > np.median(records["ring"]["w1_penalty_5"][:, 5:])
assert abs(late_agreement["ring"][0] - late_agreement["ring"][1]) < 0.1

# %% [markdown]
# **Figure 10.15.** Five of the twenty seeds with penalty, read every 40 steps (dotted: the floor of $W_1$). The gap begins near 0 while $W_1$ is large, because the critic knows nothing yet; on the moons its peak (Figure 10.13) falls between two looks. Afterwards it lies mostly *below* $W_1$ there, and at times below 0: that critic is not near its best. On the ring it lies *above* $W_1$, as a weak penalty allows (the gap of the best critic is about $W_1 + W_1^2/(2L)$), and comes down with it.
#
# So whether "the critic's loss at last shows progress" depends. *From step 200 on, on the ring*, the gap ranks the moments as well as a second measurement of $W_1$ does. *Over the whole training* it does not, because of the beginning. *On the moons* it tells little at any time, where a second measurement still tells much. That is for this penalty and five critic steps; critics nearer their best (Figure 10.9) do better, and cost more. A gap alone does not say whether the generator got better or the critic fell behind.
#
# ### What the article left out
#
# The article tells of the critic, its grades without bounds and its losses. It leaves out:
#
# - **The Lipschitz condition.** Without it there is no distance: the gap has no end (Figures 10.10 and 10.11).
# - **Its price.** Five critic steps, and with the penalty a second back-propagation in each.
# - **The later story.** Spectral normalisation divides every layer by its largest stretching (Miyato et al. 2018): a bound without a bound to choose. R1 asks for slope 0 at real points, and makes games settle that circle under clipping and under this penalty (Mescheder et al. 2018). Both also serve discriminators; the restraint has outlived the loss.
# - **$W_1$ is itself hard to see from samples.** Two samples of one distribution are a floor apart, and in $d$ dimensions it sinks only like $n^{-1/d}$ (for $d > 2$). No critic can know more than its points tell:

# %% tags=["nbval-ignore-output"]
for d in (1, 2, 10):
    floor_at = [np.mean([distances.wasserstein1(torch.rand(n, d, generator=rng), torch.rand(n, d, generator=rng))
                         for _ in range(4)]) for n in (100, 800)]
    print(f"{d:2} dimension{'s' * (d > 1)}: 100 points {floor_at[0]:.3f}, 800 points {floor_at[1]:.3f}, factor {floor_at[0] / floor_at[1]:.2f}")
assert floor_at[0] / floor_at[1] < 1.5, "in ten dimensions eight times the points hardly help"

# %% [markdown]
# ### The theatre
#
# Your own critic. With a Wasserstein loss the theatre shows two more menus, *clip weights at* and *gradient penalty*; its ground is grey, and lines with numbers take the place of the dashed $\tfrac12$.

# %% tags=["nbval-ignore-output"] teaches=["D38", "D39", "D40"]
stage_generator, stage_critic = fresh_pair(torch.Generator().manual_seed(SEED))
theatre(stage_generator, stage_critic, moons, loss=wasserstein,
        losses={"Wasserstein": wasserstein, "minimax": losses.minimax, "modified minimax": losses.modified_minimax},
        targets={"two moons": moons, "ring": distributions.ring()}, lr_generator=2e-3, lr_discriminator=2e-3,
        discriminator_steps=5, penalty=0.1, seed=SEED, n_arrows=40)

# %% [markdown]
# **Figure 10.16.** The theatre before the first step. In a live notebook the controls, the six steps and the loss curves stand beside it.
#
# What to look for:
#
# 1. Set *learning rate of G* to 0 (frozen) and *play* for some fifty steps, then look at the numbers on the lines ("discriminator" is the critic here). *Reset*, and do the same with *gradient penalty* off: which numbers now?
# 2. *Clip weights at* 0.01, *gradient penalty* off. Where are the arrows? (Try *length of arrows* x 100.)
# 3. *D steps per G step* 1 in place of 5. Does the cloud still settle?
# 4. The ring: compare *Wasserstein* with *modified minimax* at five steps each.
#
# ## Exercises
#
# **1. Change a number and predict.** In Figure 10.5 set all four slopes to 1. How large is the gap? Say it first. For which generated heap (in place of the one drawn) would this straight line be the best critic?
#
# **2. Fill in the line.** The critic's loss, to be made small, from its two lists of grades.

# %%
def critic_loss(grades_real, grades_fake):
    return ...  # your line: one number, to be made small


g_real, g_fake = torch.tensor([2.0, 3.5, 1.0]), torch.tensor([-1.0, 0.5, 0.2, -0.7])
critic_reference = g_fake.mean() - g_real.mean()
critic_hints = {
    "the sign is flipped: that is the gap, which the critic makes large; a loss is made small": g_real.mean() - g_fake.mean(),
    "sums where means are asked for: then the larger batch would count more": g_fake.sum() - g_real.sum(),
    "that is the generator's loss": -g_fake.mean(),
    "no sigmoid: a grade is no probability": torch.sigmoid(g_fake).mean() - torch.sigmoid(g_real).mean(),
    "no logarithm: a grade is no probability": -(logsigmoid(g_real).mean() + logsigmoid(-g_fake).mean()),
    "only the real points": -g_real.mean(),
}
compare("critic_loss", lambda: critic_loss(g_real, g_fake), critic_reference, critic_hints)

# %% [markdown]
# **3. Fill in the line.** The penalty (without its weight $L$), from the slopes of the grade at some places, one row for each place.

# %%
def penalty_of(slopes):
    return ...  # your line: slopes has shape (batch, 2); one number


some_slopes = torch.tensor([[0.6, 0.8], [2.5, 0.0], [0.0, -0.5], [0.3, 0.4]])
lengths = some_slopes.norm(dim=1)
penalty_hints = {
    "the length of each row first, then its distance from 1; not each number by itself": (some_slopes - 1).square().mean(),
    "the length of each row first, then its distance from 1; not each number by itself, added up":
        (some_slopes - 1).square().sum(dim=1).mean(),
    "each row by itself, then the mean; not the mean length": (lengths.mean() - 1).square(),
    "the distance from 1 is squared": (lengths - 1).mean(),
    "squared, not its absolute value": (lengths - 1).abs().mean(),
    "the length, not its square, is to be 1": (some_slopes.square().sum(dim=1) - 1).square().mean(),
    "that asks for slope 0, as R1 does; here it is 1": lengths.square().mean(),
    "that charges only where it is too steep; the penalty taught here also charges where it is too flat": (lengths - 1).clamp(min=0).square().mean(),
    "a sum over the batch where a mean is asked for": (lengths - 1).square().sum(),
    "the norm of the whole table is one number: take it row by row, dim=1": (some_slopes.norm() - 1).square(),
    "the slopes of one place are in a row: dim=1": (some_slopes.norm(dim=0) - 1).square().mean(),
}
compare("penalty_of", lambda: penalty_of(some_slopes), (lengths - 1).square().mean(), penalty_hints)

# %% [markdown]
# **4. Fill in the line.** All real points lie in one place, all generated ones in another. A critic was trained on them with a penalty of weight `L` until nothing changed; its gap is `gap`. How large is $W_1$? (Solve $\text{gap} = W + W^2/(2L)$ for $W$.)

# %%
def distance_from(gap, L):
    return ...  # your line: one number


w_reference = 0.1 * (math.sqrt(1 + 2 * 5.5 / 0.1) - 1)
w_hints = {
    "that is the gap itself, which is larger": 5.5,
    "the formula the wrong way round: W is known there": 5.5 + 5.5**2 / (2 * 0.1),
    "the other root of the quadratic equation: a distance is not negative": -0.1 * (math.sqrt(1 + 2 * 5.5 / 0.1) + 1),
    "the - L of the formula is missing": 0.1 * math.sqrt(1 + 2 * 5.5 / 0.1),
    "the gap is W + W^2/(2L), with a 2; the objective has a 4": 2 * 0.1 * (math.sqrt(1 + 5.5 / 0.1) - 1),
    "gap and bias are subtracted, but the bias needs W, not the gap": 5.5 - 5.5**2 / (2 * 0.1),
}
compare("distance_from", lambda: distance_from(5.5, 0.1), w_reference, w_hints)

# %% [markdown]
# **5. Fill in the line.** The 1-Lipschitz test for prices on a line: the largest $\lvert f(x_i) - f(x_k)\rvert / \lvert x_i - x_k\rvert$ over all pairs of different places. (On a line, neighbours in sorted order are enough. Why?)

# %%
def steepest(f, x):
    return ...  # your line or two: f and x have shape (n,); one number


x_test, f_test = np.array([0.0, 3.0, 1.0, 4.5]), np.array([0.0, 1.0, 2.5, -1.5])
rise, run = np.abs(f_test[:, None] - f_test), np.abs(x_test[:, None] - x_test)
off = ~np.eye(4, dtype=bool)
steep_hints = {
    "neighbours in the list are not neighbours on the line: look at all pairs": (np.abs(np.diff(f_test)) / np.abs(np.diff(x_test))).max(),
    "the largest, not the mean": (rise[off] / run[off]).mean(),
    "the largest rise by the largest distance: divide pair by pair": rise.max() / run.max(),
    "the smallest one": (rise[off] / run[off]).min(),
    "rise by distance, not the other way round": (run[off] / rise[off]).max(),
    "that is a rise, not yet divided by the distance": rise.max(),
}
compare("steepest", lambda: steepest(f_test, x_test), (rise[off] / run[off]).max(), steep_hints)

# %% [markdown]
# **6. Open question.** The best critic in Figure 10.5 is a V, with slope $-1$ and then $1$. The penalty wants the slope's *length* to be 1 everywhere. Suppose a network on the line has begun as the straight line $f(x) = x$. What must it go through to become a V, and what does the penalty say to that? (In the plane a slope can turn round without passing 0.)
#
# ## Recap
#
# - The earth mover's distance is the cost of the cheapest transport plan; a linear programme finds it, on a line sorting does.
# - For a shifted cloud its slope is 1 however far the shift. Where nothing overlaps, KL and JS have none, and the MMD's fades beyond its bandwidth.
# - The programme's other half are prices: a function, nowhere steeper than 1, that makes the gap as large as it can. That is the best critic.
# - The critic raises mean $D(x)$ − mean $D(G(z))$, the generator raises mean $D(G(z))$. No threshold; a constant changes nothing.
# - Without a bound on the slope the gap grows for ever and says nothing. Clipping gives an unknown multiple, and in deep critics a narrow middle between nothing and everything. The penalty gives about slope $1 + W/(2L)$ and the gap $W + W^2/(2L)$; exactly so for one point against one point.
# - Fresh, restrained critics order distances. In the game the gap showed progress late on the ring, and hardly on the moons.
# - On these toys the critic with penalty lost to plain minimax for the same work, with every seed. On the ring it is steadier than a discriminator trained as often. A critic needed its several steps on the moons (on the ring it came out even); a discriminator gained nothing from them there, and lost on the ring.
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
# | 8 | as in 7, with instruments beside it and averaged weights | fresh points to measure with, several seeds, a judge that is quick enough or sees the batch | where the judge is right too early: lesson 9 |
# | 9 | as in 7, but the generator raises $\log D$ | the same, one line changed | pushes grow and tremble; it circles, and collapses, as before |
# | 10 | as in 7, but the judge grades, and its slope is held | samples, several critic steps for each of the generator's, a restraint | where the restraint is wrong; more work for each step |
#
# And the table of losses:
#
# | loss | what it measures at the optimum | gradient when far apart | second network | what breaks it |
# |---|---|---|---|---|
# | MMD (lesson 5) | itself: a distance that the kernel fixes, no optimum needed | fades too, where the bandwidth is narrow against the distance | none | a bandwidth that does not fit; many coordinates with noise of their own |
# | minimax (lesson 7) | $2\,\mathrm{JS} - \log 4$, if $D$ is at its best | vanishes: saturation | a discriminator that keeps pace | real and generated points that hardly overlap, with a good $D$; a slow $D$ (collapse) |
# | modified minimax (lesson 9) | $2\,\mathrm{KL}(m\,\Vert\,p)$, by its slope, if $D$ is at its best | stays, and grows with the distance (of two bells) | a discriminator that keeps pace | a gradient whose noise grows with its length; a slow $D$ (collapse) |
# | Wasserstein, clipped (lesson 10) | an unknown multiple of a distance like $W_1$ | stays, but its size depends on the bound | a critic near its best, shallow | a bound too small or too large; depth |
# | Wasserstein, gradient penalty (lesson 10) | about $W_1 + W_1^2/(4L)$ (the gap alone: about $W_1 + W_1^2/(2L)$) | stays: length about $1 + W_1/(2L)$ | a critic near its best: several steps, twice back-propagated | too few critic steps; turning round on a line |
#
# ## Next
#
# Three losses, three kinds of failure, all in the plane, where one can look. What the series began with was pictures. There $G$ and $D$ become convolutional, a point has thousands of numbers, and a distance between pictures is not what the eye sees. *Does it work on pictures?*

# %% [markdown]
# ## Answers
#
# Open what you want to see: the answers in words by their triangle, the code by the three dots.

# %% [markdown] tags=["answer"]
# <details><summary>Answer 1</summary>
#
# The gap of $f(x) = x$ is the difference of the two means, and both are 0: so is the gap. This critic compares means and nothing else. It is the best one wherever all dirt has to move to the right, as for a generated heap that is the real one moved to the left.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer"]
straight = grades_of([1, 1, 1, 1])
print(f"gap of the straight line: {((p - q) * straight).sum():z.4f}")
assert abs(((p - q) * straight).sum()) < 0.01
to_the_left = np.interp(xs + 1.0, xs, p)  # generated: the real heaps, moved to the left by 1
print(f"against the real heaps moved to the left by 1: {((p - to_the_left) * straight).sum():.3f}")
assert math.isclose(((p - to_the_left) * straight).sum(), 1.0, abs_tol=0.01)

# %% jupyter={"source_hidden": true} tags=["answer"]
def critic_loss(grades_real, grades_fake):
    return grades_fake.mean() - grades_real.mean()


def penalty_of(slopes):
    return (slopes.norm(dim=1) - 1).square().mean()


def distance_from(gap, L):
    return L * (math.sqrt(1 + 2 * gap / L) - 1)


def steepest(f, x):
    different = ~np.eye(len(x), dtype=bool)
    return (np.abs(f[:, None] - f)[different] / np.abs(x[:, None] - x)[different]).max()


compare("critic_loss", lambda: critic_loss(g_real, g_fake), critic_reference, critic_hints)
compare("penalty_of", lambda: penalty_of(some_slopes), (lengths - 1).square().mean(), penalty_hints)
compare("distance_from", lambda: distance_from(5.5, 0.1), w_reference, w_hints)
compare("steepest", lambda: steepest(f_test, x_test), (rise[off] / run[off]).max(), steep_hints)

# %% [markdown] tags=["answer"]
# <details><summary>Answer 5: why neighbours are enough</summary>
#
# The slope between two distant places is a mean of the slopes between the neighbours on the way, weighted by their distances, and no mean is larger than the largest of its parts.
#
# </details>

# %% [markdown] tags=["answer"]
# <details><summary>What to look for in the theatre</summary>
#
# (1) With the penalty the numbers on neighbouring lines differ by about the distance between them times the slope; without it they grow with every step. (2) They have nearly vanished: three layers of weights up to 0.01 let little through. (3) With one step the critic is further from its best, and its arrows are older: the cloud swings more. How much depends on the seed: try several. (4) The modified loss may lose heaps, or run round; the critic spreads its points along the ring and leaves many between the heaps.
#
# </details>

# %% [markdown] tags=["answer"]
# <details><summary>Answer 6</summary>
#
# To turn round, the slope must pass 0 on one side, and there the penalty charges $L$ for every place. A straight line pays nothing and has the gap 0: a trap. The cell below lets forty critics learn: a few begin with enough of a bend and find the V, many do not leave the straight line. A penalty that charges only for slopes *above* 1 does not build this wall: forty more learn with it.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer"]
def forty(one_sided):
    """The curves of forty critics, (40, 801), and which of them are trapped, with a gap below half of W1."""
    weights = learn((1, 32, 32, 1), from_target(two_heaps), from_target(one_heap), rng, 40, 300, lr=5e-3, penalty=10.0,
                    one_sided=one_sided)[0]
    with torch.no_grad():
        found = grade_all(weights, torch.tensor(xs[:, None], dtype=torch.float32).expand(40, -1, -1)).double().numpy()
    return found, found @ (p - q) < 0.5 * exact


(curves_found, trapped), (_, trapped_one_sided) = forty(False), forty(True)
print(f"trapped with a gap below half of W1 = {exact:.2f}: {trapped.sum()} of {len(trapped)} critics; with the one-sided "
      f"penalty {trapped_one_sided.sum()} of {len(trapped_one_sided)}")
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for grades, stuck in zip(curves_found, trapped):
    ax.plot(xs, grades - grades[400], ":" if stuck else "-", color=PALETTE["extra" if stuck else "ink"], lw=0.8)
finish(ax, limits=((-4, 4), (-5, 5)), xlabel="x", ylabel="grade", title="found the V (solid), trapped (dotted)")
plt.show()
assert trapped.sum() >= 20 and trapped_one_sided.sum() < trapped.sum() / 2
