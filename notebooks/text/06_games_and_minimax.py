# %% [markdown]
# # 6. Games, and two players who learn
#
# **What happens when two players learn at once?**
#
# Lesson 5 ended with a wish: let a second network learn to look for differences while the first removes them. What is good for the one is then bad for the other. That is a *game* of opposed interests, and this lesson
# is about games only, so small that you can see all of them: a tree with seven leaves, tic-tac-toe, tables with four numbers, two sliders that learn, and at the end a whole GAN made of two numbers.
#
# *You need*: lessons 1 to 5; of these above all what a slope is, what a gradient step is, and the word *generator*. *Time*: about two hours.
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
from scipy.optimize import linprog

from helpers.board import board
from helpers.checks import compare
from helpers.plots import PALETTE, TEXT, finish
from helpers.widgets import sliders

torch.set_num_threads(1)  # on numbers as few as these, several threads only wait for each other
SEED = 6
rng = torch.Generator().manual_seed(SEED)
# in every figure: where a run starts, where it is now (or ends), and the place of rest
START = {"marker": "o", "ms": 7, "color": PALETTE["ink"], "mfc": "white", "mew": 1.5, "zorder": 4}
NOW = {"marker": "o", "ms": 7, "color": PALETTE["extra"], "zorder": 5}
REST = {"marker": "*", "ms": 15, "color": PALETTE["ink"], "zorder": 3}

# %% [markdown]
# One picture first. In both panels one learner owns the number $x$ and another one owns $y$. On the left they share a loss, $\tfrac12(x^2 + y^2)$, and both walk down. On the right they are opposed: the first walks *down* $xy$, the second walks *up* $xy$. Same start, same step, sixty times.

# %% teaches=["D24"]
shared, opposed = [(0.9, 0.5)], [(0.9, 0.5)]
for _ in range(60):
    (x, y), (u, v) = shared[-1], opposed[-1]
    shared.append((x - 0.1 * x, y - 0.1 * y))   # both walk down the slopes of one loss
    opposed.append((u - 0.1 * v, v + 0.1 * u))  # the slope of uv along u is v, along v it is u

side = np.linspace(-1.6, 1.6, 60)
fig, axes = plt.subplots(1, 2, figsize=(8.2, 4.0), layout="constrained", sharey=True)
for ax, path, surface, title in zip(axes, (shared, opposed), (np.add.outer(side**2, side**2) / 2, np.outer(side, side)),
                                    ("one shared loss: they arrive", "opposed losses: they leave")):
    ax.contour(side, side, surface, np.arange(-2.2, 2.3, 0.4), colors=PALETTE["muted"], linewidths=0.6, alpha=0.6)
    ax.plot(*zip(*path), ".-", color=PALETTE["ink"], lw=1, ms=4)
    ax.plot(0, 0, **REST)
    ax.plot(*path[0], **START)
    ax.plot(*path[-1], **NOW)
    finish(ax, title=title, limits=((-1.6, 1.6), (-1.6, 1.6)), xlabel="x", equal=True)
for line in (axes[1].axhline, axes[1].axvline):  # where xy = 0
    line(0, color=PALETTE["muted"], lw=0.6, alpha=0.6)
axes[0].set_ylabel("y")
plt.show()
assert math.hypot(*shared[-1]) < 0.01
assert (np.diff([math.hypot(*place) for place in opposed]) > 0).all(), "farther out with every step"

# %% [markdown]
# **Figure 6.1.** Thin lines: equal heights of the two surfaces (dashed: below 0). Hollow circle: the start; pink dot: the end; star: the place of rest, $(0, 0)$. These three signs keep their meaning in this lesson. Left: sixty steps lead straight to $(0, 0)$. Right: almost once around $(0, 0)$, and farther out with every step, although $(0,0)$ is the place where neither of the two could do better alone.
#
# Nothing went wrong in the code. Two learners who want opposite things are something else than two who want the same: here the two steps together never lead inwards. To see why, we start where games are at rest, and set them in motion step by step.
#
# ## Words
#
# | idea | symbol | in code | shape |
# |---|---|---|---|
# | **game tree**: every position, with a branch for every move; *n-ary*: at most $n$ branches at a node (our first tree is 3-ary) | | `tree`, nested lists | |
# | **utility**: what the end of a game is worth to the player Max; Min wants it small | $u$ | a leaf, `utility` | a number |
# | **minimax value**: the utility if both play best from here on | $v$ | `minimax`, `value` | a number |
# | **payoff matrix**: utilities, one row for each choice of Row, one column for each of Column | $A$ | `A` | `(rows, columns)` |
# | **best response**: the choice that is best against what the other one does now | | | |
# | **Nash equilibrium**: a pair of choices, each a best response to the other; nobody gains by changing *alone* | | `equilibria` | |
# | **pure**, **mixed** strategy: one choice; probabilities for all choices | $p$, $q$ | `p`, `q` | `(rows,)`, `(columns,)` |
# | **zero-sum**: what the one wins the other loses (with $B$ for Column's payoffs: $B = -A$) | | `A`, `B` | |
# | generator $G$ and **discriminator** $D$: the second network of lesson 7, which says how likely a point is real | $G$, $D$ | | |
# | **adversarial** (of GANs): opposed aims, not always exactly zero-sum | | | |
# | **gradient play**: each player steps along its own slope | | `gradient_play` | |
# | step size | $h$ | `step_size` | a number |
# | generated point; steepness of the discriminator's score (Part E) | $g$; $d$ | `g`; `d` | a number each |
#
# *Adversarial* sounds like hatred. It only says that the two objectives are opposed.
#
# ---
# # Part A: a game tree
#
# ## Predict: three moves
#
# Max moves first and chooses a branch, A, B or C. Min sees this and chooses a leaf of that branch. Min then pays Max the number on the leaf. A leads to 5 or 6, B to 2, 9 or 4, C to 8 or 4. What should Max choose?
#
# **(a)** A &nbsp; **(b)** B: there is the 9 &nbsp; **(c)** C: it has the best average &nbsp; **(d)** that depends on Min's mood
#
# ## Try it: seven leaves
#
# Every leaf is a slider. The numbers inside the tree follow.

# %% teaches=["D28"]
NAMES = "ABC"
SPOTS = {0: (0, 1), 1: (2.6, 3.6, 4.6), 2: (6.2, 7.2)}  # where the leaves of each branch stand
fig, ax = plt.subplots(figsize=(7.6, 3.9), layout="constrained")
ax.set(xlim=(-0.6, 8.2), ylim=(-0.45, 2.45))
ax.set_axis_off()
ROOT, branch_at = (3.6, 2), [(np.mean(xs), 1) for xs in SPOTS.values()]
edges, leaf_edges, texts, leaf_texts = [], [], [], []
for i, (x, y) in enumerate(branch_at):
    edges += ax.plot([ROOT[0], x], [ROOT[1], y], color=PALETTE["ink"], zorder=1)
    leaf_edges.append([ax.plot([x, at], [y, 0], color=PALETTE["ink"], zorder=1)[0] for at in SPOTS[i]])
    ax.plot(x, y, "v", ms=32, color="white", mec=PALETTE["ink"])
    texts.append(ax.text(x, y + 0.03, "", ha="center", va="center"))
    ax.text((ROOT[0] + x) / 2, 1.5, NAMES[i], ha="center", va="center", fontsize=13, bbox=dict(fc="white", ec="none", pad=3))
    for j, at in enumerate(SPOTS[i]):
        ax.text(at, -0.32, f"{NAMES[i]}{j + 1}", ha="center", va="center", fontsize="small", color=TEXT["muted"])
    leaf_texts.append([ax.text(at, -0.05, "", ha="center", va="center", fontsize=13,
                               bbox=dict(fc="white", ec="none", pad=2)) for at in SPOTS[i]])
ax.plot(*ROOT, "^", ms=36, color="white", mec=PALETTE["ink"])
root_text = ax.text(ROOT[0], ROOT[1] - 0.04, "", ha="center", va="center")
ax.text(-0.6, 2, "Max moves", va="center")
ax.text(-0.6, 1, "Min\nmoves", va="center")


def draw(A1, A2, B1, B2, B3, C1, C2):
    tree = [[A1, A2], [B1, B2, B3], [C1, C2]]
    least = [min(branch) for branch in tree]  # what Min would choose
    best = least.index(max(least))            # so this is what Max chooses
    for i, branch in enumerate(tree):
        edges[i].set(lw=4 if i == best else 1)
        texts[i].set_text(f"{least[i]}")
        for j, utility in enumerate(branch):
            leaf_texts[i][j].set_text(f"{utility}")
            leaf_edges[i][j].set(lw=4 if j == branch.index(least[i]) else 1)
    root_text.set_text(f"{max(least)}")
    return (f"Min would answer A with {least[0]}, B with {least[1]}, C with {least[2]}. "
            f"So Max chooses {NAMES[best]}, and the game is worth {max(least)}.")


leaf = (0, 10, 1)
sliders(draw, fig, A1=(*leaf, 5), A2=(*leaf, 6), B1=(*leaf, 2), B2=(*leaf, 9), B3=(*leaf, 4), C1=(*leaf, 8), C2=(*leaf, 4))

# %% [markdown]
# **Figure 6.2.** The tree. The upward triangle is Max's turn, the downward ones are Min's; the bottom row holds the utilities. Thick lines are the moves that each would choose. The numbers in the triangles are what the game is worth from there on: 5, 2 and 4 for Min's three nodes, 5 at the top.
#
# ## What you saw
#
# **(a)**. The 9 is a dream: Min would never pay it. Neither average nor mood counts, because Max asks of each branch, "what do I get *for sure*?", and takes the largest of these smallest. The word **minimax** is made of that. If Min is careless, Max may get more; never less.
#
# Seven trees, the first as it was, the others with one leaf changed. Which leaves matter?

# %% teaches=["D28"]
worth = []
for changed in ({}, {"B": [2, 10, 4]}, {"B": [7, 9, 4]}, {"C": [8, 6]}, {"B": [2, 9, 1]}, {"A": [0, 6]}, {"A": [5, 0]}):
    branches = {"A": [5, 6], "B": [2, 9, 4], "C": [8, 4]} | changed
    least = {name: min(leaves) for name, leaves in branches.items()}
    best = max(least, key=least.get)
    worth.append(least[best])
    print(f"{changed or 'nothing'!s:22} changed: Max chooses {best}, worth {least[best]}")
assert worth == [5, 5, 5, 6, 5, 4, 4]

# %% [markdown]
# *Raising* a leaf can matter only if it is the one that Min would choose: push the 9 up, and nothing happens. *Lowering* one changes its branch as soon as it becomes the smallest there, and the game only if that is the branch that Max would have chosen (the last three rows: B gets worse, and nobody minds; A's 6 was idle, until it fell).
#
# ## Why
#
# The rule holds at every node of every tree, however deep and with however many branches. It refers to itself, one move later:
#
# $$v(\text{node}) \;=\; \begin{cases} u & \text{at a leaf}\\ \max_{\text{moves}}\, v(\text{after the move}) & \text{if Max moves}\\ \min_{\text{moves}}\, v(\text{after the move}) & \text{if Min moves.}\end{cases}$$
#
# ## The code: recursion
#
# In English: *the value of a position is the best of the values of the positions one move later, best for whoever moves.* In Python, a function that calls itself:

# %% teaches=["D28"]
def minimax(node, maximise):
    """The utility with which the game ends if both play best. node: a utility, or a list of nodes."""
    if not isinstance(node, list):
        return node
    values = [minimax(child, not maximise) for child in node]  # after a move it is the other one's turn
    return max(values) if maximise else min(values)


tree = [[5, 6], [2, 9, 4], [8, 4]]
print(f"worth to Max: {minimax(tree, maximise=True)}; if Min had the first move instead: {minimax(tree, maximise=False)}")
assert minimax(tree, True) == 5

# %% [markdown]
# Look again at B. As soon as its first leaf shows 2, you know enough: Max has 5 for sure at A and will not come here, whatever the other leaves say. Not looking at them is **pruning** (alpha-beta pruning, in full). Carry two numbers along: what Max is sure of already, and what Min is sure of.

# %% teaches=["D28"]
def pruned(node, maximise, seen, sure_max=-math.inf, sure_min=math.inf):
    """The same value; `seen` collects the leaves that were looked at."""
    if not isinstance(node, list):
        seen.append(node)
        return node
    best = -math.inf if maximise else math.inf
    for child in node:
        value = pruned(child, not maximise, seen, sure_max, sure_min)
        if maximise:
            best = max(best, value)
            sure_max = max(sure_max, best)
        else:
            best = min(best, value)
            sure_min = min(sure_min, best)
        if sure_max >= sure_min:
            break  # one of the two has something at least as good elsewhere and will never let it come to this
    return best


seen = []
print(f"worth {pruned(tree, True, seen)}, leaves looked at: {seen}")
assert seen == [5, 6, 2, 8, 4]

# %% [markdown]
# ## Check
#
# Pruning saves work; it must not change the answer. Three hundred random trees, two to four moves deep, one to four branches at each node:

# %% tags=["nbval-ignore-output"] teaches=["D28"]
def random_tree(depth):
    low, high = (-9, 10) if depth == 0 else (1, 5)
    number = torch.randint(low, high, (1,), generator=rng).item()
    return number if depth == 0 else [random_tree(depth - 1) for _ in range(number)]


def leaves(node):
    return [node] if not isinstance(node, list) else [leaf for child in node for leaf in leaves(child)]


looked, there = 0, 0
for i in range(300):
    some_tree, seen = random_tree(2 + i % 3), []
    assert pruned(some_tree, True, seen) == minimax(some_tree, True)
    looked, there = looked + len(seen), there + len(leaves(some_tree))
print(f"the same value in all 300; pruning looked at {looked:,} of {there:,} leaves")
assert looked < 0.9 * there

# %% [markdown]
# **What it means for a GAN.** The article introduces the GAN's loss with this picture. Strictly speaking, a GAN has no tree and no recursion: its players do not take turns towards an end, they shift real numbers a little, over and over. What they share is one idea, *the value that the one who commits first can be sure of*: $\min_G \max_D$.
#
# ---
# # Part B: tic-tac-toe, solved
#
# ## Predict: the corner
#
# X has taken a corner. Where must O reply?
#
# **(a)** anywhere: it is a draw anyway &nbsp; **(b)** the opposite corner &nbsp; **(c)** the middle &nbsp; **(d)** beside the X
#
# A position is a text of nine signs, row by row. X is Max: a win of X is worth 1, a win of O is worth $-1$, a draw 0. The recursion is the one above. One thing is new: many move orders lead to the same position, so each value is written down the first time.

# %% teaches=["D28"]
EMPTY = "." * 9
LINES = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6)]
known = {}  # the memory: value of each position met so far


def utility(position):
    """1, -1 or 0 at the end of a game, and None before it."""
    for i, j, k in LINES:
        if position[i] != "." and position[i] == position[j] == position[k]:
            return 1 if position[i] == "X" else -1
    return None if "." in position else 0


def mover(position):
    return "X" if position.count("X") == position.count("O") else "O"


def moves(position):
    """The positions one move later: {field: position}."""
    return {i: position[:i] + mover(position) + position[i + 1:] for i in range(9) if position[i] == "."}


def value(position):
    """What the position is worth to X if both play best."""
    if position not in known:
        known[position] = utility(position)
        if known[position] is None:
            best = max if mover(position) == "X" else min
            known[position] = best(value(after) for after in moves(position).values())
    return known[position]


print(f"the empty board is worth {value(EMPTY)}; positions met: {len(known):,}")
assert value(EMPTY) == 0, "perfect play draws"
assert len(known) == 5478, "all that can arise in a game"

# %% [markdown]
# Perfect play draws. The whole game is in that dictionary: play against it. Every empty field says what it leads to if both play best from there on, until you switch that off.

# %% teaches=["D28"]
def best_move(position):
    """The position after a best move of whoever has to move; one that ends the game, where there is one."""
    good = [after for after in moves(position).values() if value(after) == value(position)]
    return next((after for after in good if utility(after) is not None), good[0])


def show(position, tell_the_values):
    """The nine fields, and a sentence. You are whoever has to move."""
    over = utility(position)
    texts = ["" if sign == "." else sign for sign in position]
    if over is not None:
        sentence = {1: "X has won.", -1: "O has won.", 0: "A draw."}[over] + " Who begins the next game?"
    else:
        you = 1 if mover(position) == "X" else -1
        sentence = f"You are {mover(position)}. Choose a field."
        if tell_the_values:
            words = {you: "you win", 0: "draw", -you: "you lose"}
            told = {i: words[value(after)] for i, after in moves(position).items()}
            texts = [told.get(i, text) for i, text in enumerate(texts)]
            wins, draws, losses = (list(told.values()).count(word) for word in words.values())
            sentence += f" Of the free fields, {wins} lead to a win, {draws} to a draw, {losses} to a loss."
    return [texts[0:3], texts[3:6], texts[6:9]], sentence


def play(position, row, column):
    """After your move and the machine's answer; None if the field is taken or the game is over."""
    if utility(position) is not None or position[3 * row + column] != ".":
        return None
    position = moves(position)[3 * row + column]
    return position if utility(position) is not None else best_move(position)


board(show, play, {"The machine begins": "X" + EMPTY[1:], "You begin": EMPTY}, tell_the_values=True)

# %% [markdown]
# **Figure 6.3.** The board after the machine's first move, an X in the corner. The middle says "draw", all seven other fields say "you lose". Press a field to play there.
#
# ## What you saw
#
# **(c)**. Of the eight answers to a corner, only the middle holds the draw. The machine sets no traps and does not count on your mistakes; it only makes moves that keep the value it has.

# %% teaches=["D28"]
replies = {i: value(after) for i, after in moves("X" + EMPTY[1:]).items()}
print(f"O's answers to a corner, worth to X: {replies}")
assert [i for i, worth in replies.items() if worth == 0] == [4], "the middle, and nothing else"

# %% [markdown]
# Playing against it shows a few games. The claim is about *all*: let the other side try every move at every turn, and collect how the games end.

# %% teaches=["D28"]
def endings(position, machine):
    """The utilities of all games in which `machine` plays its best move and the other one anything at all."""
    if utility(position) is not None:
        return [utility(position)]
    after = [best_move(position)] if mover(position) == machine else moves(position).values()
    return [end for each in after for end in endings(each, machine)]


for machine, loss in (("X", -1), ("O", 1)):
    ends = endings(EMPTY, machine)
    print(f"the machine plays {machine}: of {len(ends)} possible games it loses {ends.count(loss)}, "
          f"draws {ends.count(0)}, wins {ends.count(-loss)}")
    assert ends.count(loss) == 0
position = EMPTY
while utility(position) is None:
    position = best_move(position)
assert utility(position) == 0, "the machine against itself draws"

# %% [markdown]
# And the price: without memory, the recursion walks through every order of moves; pruning leaves a small part of them.

# %% teaches=["D28"]
def count_nodes(position, prune, sure_max=-math.inf, sure_min=math.inf):
    """(value, positions visited), without memory."""
    end = utility(position)
    if end is not None:
        return end, 1
    x_moves, visited = mover(position) == "X", 1
    best = -math.inf if x_moves else math.inf
    for after in moves(position).values():
        worth, count = count_nodes(after, prune, sure_max, sure_min)
        best, visited = (max if x_moves else min)(best, worth), visited + count
        sure_max, sure_min = (max(sure_max, best), sure_min) if x_moves else (sure_max, min(sure_min, best))
        if prune and sure_max >= sure_min:
            break
    return best, visited


(plain_value, plain), (pruned_value, few) = count_nodes(EMPTY, prune=False), count_nodes(EMPTY, prune=True)
print(f"visited: {plain:,} in full, {few:,} with pruning, {len(known):,} with memory")
assert plain_value == pruned_value == 0 and plain == 549_946 and few < plain / 20

# %% [markdown]
# **What it means for a GAN.** Here a player can look through the whole game before the first move. A generator and a discriminator cannot: their positions are millions of real numbers. They will see one slope, and take one step.
#
# ---
# # Part C: both at the same time
#
# Now nobody sees the other's move. *Matching pennies*: Row and Column each put down a coin. Equal sides: Column pays Row 1. Different sides: Row pays Column 1. A **payoff matrix** holds what Row gets; Column gets the opposite.
#
# Three more tables, to compare. In *a saddle* both lose what the other wins, and one cell is the best of its column for Row and the smallest of its row for Column. *Keep to one side*: two people walk towards each other, and both get 1 if they choose the same side. *Two suspects*, each of whom may stay silent or talk: if both are silent each gets 3, if both talk 1; who talks alone gets 5 and the other nothing.
#
# A **Nash equilibrium** is a pair of choices where no one gains alone. To find one, mark Row's best responses in each column and Column's best responses in each row; where two marks meet, nobody wants to leave.

# %% teaches=["D23"]
def equilibria(A, B):
    """All pairs (row, column) of pure choices at which neither player gains alone. A: Row's payoffs, B: Column's."""
    found = []
    for row in range(A.shape[0]):
        for column in range(A.shape[1]):
            row_stays = A[row, column] == A[:, column].max()  # nothing better for Row in this column
            column_stays = B[row, column] == B[row].max()     # nothing better for Column in this row
            if row_stays and column_stays:
                found.append((row, column))
    return found


pennies = np.array([[1, -1], [-1, 1]])
saddle = np.array([[3, 5], [2, 8]])
same_side = np.array([[1, 0], [0, 1]])  # two people walk towards each other: both gain if they keep to one side
silence = np.array([[3, 0], [5, 1]])    # silent, talk; for the other one the same seen from the other side: the transpose
games = {"matching pennies": (pennies, -pennies), "a saddle": (saddle, -saddle),
         "keep to one side": (same_side, same_side), "two suspects": (silence, silence.T)}
for name, (A, B) in games.items():
    print(f"{name}: equilibria {equilibria(A, B)}")
    for row, column in np.ndindex(2, 2):  # at an equilibrium no one gains alone, everywhere else somebody does
        gains = max(A[1 - row, column] - A[row, column], B[row, 1 - column] - B[row, column])
        assert (gains <= 0) == ((row, column) in equilibria(A, B))
assert [len(equilibria(A, B)) for A, B in games.values()] == [0, 1, 2, 1]
assert silence[0, 0] > silence[1, 1], "both would be better off at (0, 0), and it is no equilibrium"

# %% [markdown]
# None, one, two, and one that is bad for both: the two suspects both talk and get 1 each, where both silent would get 3. An equilibrium is a place of rest. Among pure choices it need not exist (with probabilities, which come next, every finite game has one: Nash, 1950), it need not be the only one, and it need not be good. The first two games are zero-sum, the last two are not.
#
# ## Predict: a coin each
#
# You play matching pennies a thousand times against somebody who knows you well. What is the best you can do?
#
# **(a)** always heads: it wins half the time &nbsp; **(b)** heads and tails in turn &nbsp; **(c)** toss the coin &nbsp; **(d)** nothing works, you will lose
#
# ## Try it: four payoffs
#
# Left, the table; the arrows show where each player would rather go, Row up or down, Column left or right. Right, *mixed* strategies: $p$ is Row's probability for the top row, $q$ is Column's for the left column. Each player's best response to the other is drawn; where the two curves cross, no one gains alone.
#
# (Read the solid curve from $q$ upwards to $p$, the dashed one from $p$ across to $q$.)
#
# The equilibrium comes from a linear programme: *find the probabilities $p$ and the largest number $v$ such that, against every column, Row gets at least $v$ on average.* Column is Row in the game $-A^\top$. And two strategies that are each the *safest* form an equilibrium as soon as both are sure of the same value, which is the theorem below. SciPy solves the programme; take `secure` as a tool.

# %% teaches=["D23"]
def secure(A):
    """(p, v): the mixed strategy of Row whose worst case is best, and that worst case."""
    A = np.asarray(A, dtype=float)
    rows, columns = A.shape
    worst_case = np.column_stack([-A.T, np.ones(columns)])  # v - (p A) at most 0, for each column
    done = linprog([0] * rows + [-1],                            # the unknowns are p and v; make -v small
                   A_ub=worst_case, b_ub=[0] * columns,
                   A_eq=[[1] * rows + [0]], b_eq=[1],            # probabilities sum to 1
                   bounds=[(0, None)] * rows + [(None, None)])   # and are not negative; v may be
    return done.x[:rows], done.x[rows]


p, v = secure(pennies)
print(f"matching pennies: Row is sure of {abs(v):.1f} on average, with probabilities {p.round(3)}")
assert abs(v) < 1e-7 and np.allclose(p, 0.5)

# %% teaches=["D23"]
fig, (left, right) = plt.subplots(1, 2, figsize=(8.8, 4.3), layout="constrained")
CELLS = [(0, 1), (1, 1), (0, 0), (1, 0)]  # top left, top right, bottom left, bottom right
for x, y in CELLS:
    left.add_patch(plt.Rectangle((x - 0.5, y - 0.5), 1, 1, fc="none", ec=PALETTE["muted"]))
payoff_texts = [left.text(x, y, "", ha="center", va="center", fontsize=15) for x, y in CELLS]
tails = np.array([[0.5, 1.2], [0.5, -0.2], [-0.2, 0.5], [1.2, 0.5]])  # above and below for Column, at the sides for Row
arrows = left.quiver(*tails.T, np.ones(4), np.ones(4), pivot="mid", angles="xy", scale_units="xy", scale=1,
                     color=[PALETTE["extra"]] * 2 + [PALETTE["ink"]] * 2, width=0.014)
left.text(0.5, 1.6, "Column prefers", color=TEXT["extra"], ha="center")
left.text(-0.62, 0.5, "Row prefers", color=PALETTE["ink"], rotation=90, ha="center", va="center")
for x, y, name in ((0, -0.68, "left"), (1, -0.68, "right"), (1.58, 1, "top"), (1.58, 0, "bottom")):
    left.text(x, y, name, ha="center" if y < 0 else "left", va="center", color=TEXT["muted"])
finish(left, title="payoffs to Row", limits=((-0.8, 2.1), (-0.85, 1.8)), equal=True, ticks=False)
row_curve, = right.plot([], [], color=PALETTE["ink"], lw=2.5, label="Row's best p")
column_curve, = right.plot([], [], "--", color=PALETTE["extra"], lw=2.5, label="Column's best q")
star, = right.plot([], [], "*", color=PALETTE["ink"], ms=18, label="equilibrium")
right.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3, fontsize="small", columnspacing=1)
finish(right, title="mixed strategies", limits=((-0.05, 1.05), (-0.05, 1.05)), xlabel="q: Column chooses left",
       ylabel="p: Row chooses top", equal=True)
anything = right.add_patch(plt.Rectangle((0, 0), 1, 1, fc=PALETTE["muted"], alpha=0.25, ec="none", zorder=0))
fine = np.linspace(0, 1, 1001)


def best_responses(at_0, at_1):
    """The best probability of one's first choice, for each of the other's, as a line. at_0, at_1: one's gain by it there.

    Where the gain is 0, everything from 0 to 1 is equally good; where it is 0 throughout, there is no line.
    """
    if at_0 == at_1 == 0:
        return [], []
    if at_0 * at_1 < 0:
        cross, low = at_0 / (at_0 - at_1), float(at_0 > 0)
        return [0, cross, cross, 1], [low, low, 1 - low, 1 - low]
    best = float(at_0 + at_1 > 0)
    xs, ys = [0, 1], [best, best]
    if at_0 == 0:
        xs, ys = [0, *xs], [1 - best, *ys]
    if at_1 == 0:
        xs, ys = [*xs, 1], [*ys, 1 - best]
    return xs, ys


def how_many(A, v):
    """The share of Row's mixed strategies that secure the value v."""
    return ((fine[:, None] * A[0] + (1 - fine[:, None]) * A[1]).min(axis=1) >= v - 1e-9).mean()


def draw(top_left, top_right, bottom_left, bottom_right):
    A = np.array([[top_left, top_right], [bottom_left, bottom_right]])
    for text, payoff in zip(payoff_texts, A.ravel()):
        text.set_text(f"{payoff:+g}")
    wish_left = np.sign(A[:, 1] - A[:, 0])  # Column wants the smaller one
    wish_top = np.sign(A[0] - A[1])
    arrows.set_UVC(np.array([*-0.6 * wish_left, 0, 0]), np.array([0, 0, *0.6 * wish_top]))
    row_line = best_responses(A[0, 1] - A[1, 1], A[0, 0] - A[1, 0])     # gain of top over bottom at q = 0, at q = 1
    column_line = best_responses(A[1, 1] - A[1, 0], A[0, 1] - A[0, 0])  # gain of left over right at p = 0, at p = 1
    row_curve.set_data(*row_line)
    column_curve.set_data(*column_line[::-1])
    anything.set_visible(not row_line[0] or not column_line[0])  # a player to whom everything is equally good
    (p, v), (q, _) = secure(A), secure(-A.T)
    several = bool(how_many(A, v) > 0.0015 or how_many(-A.T, -v) > 0.0015)
    star.set_data([q[0]], [p[0]])
    pure = equilibria(A, -A)
    where = "no pure equilibrium" if not pure else "a pure equilibrium at " + " and ".join(
        f"{('top', 'bottom')[i]} {('left', 'right')[j]}" for i, j in pure)
    return (f"There is {where}. In probabilities{', one equilibrium of several' * several}: top {p[0]:.2f}, left {q[0]:.2f}; "
            f"the game is worth {round(v, 6) + 0.0:.2f} to Row.")


pay = (-3.0, 3.0, 0.5)
sliders(draw, fig, top_left=(*pay, 1.0), top_right=(*pay, -1.0), bottom_left=(*pay, -1.0), bottom_right=(*pay, 1.0))

# %% [markdown]
# **Figure 6.4.** Matching pennies. Left: the four arrows chase each other around the table, so no cell is at rest. Right: the solid curve of Row and the dashed one of Column cross once, in the middle. Raise *top right* to 2: two arrows turn round, and the cell at the top left comes to rest. (Where a player is indifferent, all answers are best, and its curve runs through all of them; grey: indifferent whatever the other does.)
#
# ## What you saw
#
# **(c)**. Whatever is not a fair toss can be learned and used against you. The fair toss cannot: against $p = \tfrac12$, heads and tails give Column the same. With **pure** strategies, whoever has to show the coin first loses. With **mixed** ones it no longer matters whose plan is known first. (In the formula below $p$ and $q$ list the probabilities of *all* choices; $p^\top\! A\,q$ is what Row gets on average.)
#
# $$\max_p \min_q\, p^\top\! A\, q \;=\; \min_q \max_p\, p^\top\! A\, q.$$
#
# That is von Neumann's theorem of 1928, and it holds for every payoff matrix in a zero-sum game. Here are a hundred, of two to five choices each:

# %% tags=["nbval-ignore-output"] teaches=["D23"]
gap_pure, gap_mixed, gains = [], [], []
for _ in range(100):
    rows, columns = torch.randint(2, 6, (2,), generator=rng).tolist()
    A = torch.randn(rows, columns, generator=rng).double().numpy()
    (p, v_row), (q, v_column) = secure(A), secure(-A.T)
    gap_pure.append(A.max(axis=0).min() - A.min(axis=1).max())
    gap_mixed.append(-v_column - v_row)
    gains.append(max((A @ q).max() - p @ A @ q, p @ A @ q - (p @ A).min()))
print(f"min max - max min: in pure strategies up to {max(gap_pure):.2f}, in mixed ones up to {max(gap_mixed):.0e}")
print(f"most that anyone gains alone at the equilibrium: {max(gains):.0e}")
assert max(gap_pure) > 0.5 and min(gap_pure) >= 0 and max(np.abs(gap_mixed)) < 1e-7 and max(gains) < 1e-7

# %% [markdown]
# We computed these equilibria from outside, with both payoffs on the table. Now let two players *find* it, each in its own way to learn. With $p$ and $q$ for the chances of heads again, as in Figure 6.4, Row gets $4\,(p-\tfrac12)(q-\tfrac12)$ on average in matching pennies (add up the four cases and see; the cell checks it). Three ways:
#
# - *best responses*: each answers what the other just did;
# - *gradient steps*: each moves its probability along its own slope;
# - *fictitious play*: each answers the *average* of all that the other has done so far.

# %% teaches=["D23", "D24"]
def learn(way, n_rounds=1000, start=(0.8, 0.6), step_size=0.03):
    """The pairs (q, p), round by round: (n_rounds + 1, 2)."""
    p, q = start
    path = [(q, p)]
    for n in range(1, n_rounds + 1):
        best_p, best_q = float(q > 0.5), float(p < 0.5)  # Row likes to match, Column to differ
        if way == "best responses":
            p, q = best_p, best_q
        elif way == "gradient steps":
            p, q = p + step_size * 4 * (q - 0.5), q - step_size * 4 * (p - 0.5)
            p, q = min(1.0, max(0.0, p)), min(1.0, max(0.0, q))  # they are probabilities
        elif way == "fictitious play: averages":  # p and q are averages over the past, and each answers the other's
            p, q = p + (best_p - p) / (n + 1), q + (best_q - q) / (n + 1)
        else:
            raise ValueError(f"there is no way to learn called {way!r}")
        path.append((q, p))
    return np.array(path)


for p, q in np.random.default_rng(SEED).random((5, 2)):
    assert math.isclose(np.array([p, 1 - p]) @ pennies @ np.array([q, 1 - q]), 4 * (p - 0.5) * (q - 0.5), abs_tol=1e-12)
ways = {way: learn(way) for way in ("best responses", "gradient steps", "fictitious play: averages")}
fig, axes = plt.subplots(1, 3, figsize=(9.4, 3.6), layout="constrained", sharey=True)
trails = []
for ax, way in zip(axes, ways):
    ax.plot(0.5, 0.5, **REST)
    ax.plot(*ways[way][0], **START)
    trail, = ax.plot([], [], ".-", color=PALETTE["ink"], lw=0.8, ms=3)
    dot, = ax.plot([], [], **NOW)
    trails.append((trail, dot))
    finish(ax, title=way, limits=((-0.06, 1.06), (-0.06, 1.06)), xlabel="q: Column", equal=True)
axes[0].set_ylabel("p: Row")


def draw(rounds):
    for (trail, dot), path in zip(trails, ways.values()):
        trail.set_data(*path[:rounds + 1].T)
        dot.set_data(*path[rounds:rounds + 1].T)
    away = [np.linalg.norm(path[rounds] - 0.5) for path in ways.values()]
    return (f"After round {rounds}: distance from the equilibrium {away[0]:.2f} for best responses, {away[1]:.2f} for gradient steps, "
            f"{away[2]:.2f} for the averages of fictitious play.")


sliders(draw, fig, rounds=(0, 1000, 5, 150))

# %% [markdown]
# **Figure 6.5.** Two who learn matching pennies, from the same start (hollow circle); star: the equilibrium, pink dot: the present round. Best responses run around the four corners for ever. Gradient steps spiral outwards until they meet the edges, and go round there. The averages of fictitious play spiral in.

# %% teaches=["D23", "D24"]
reply, gradient, average = (path - 0.5 for path in ways.values())
assert (reply[4:] == reply[:-4])[1:].all() and len(np.unique(reply[1:5], axis=0)) == 4, "round all four corners"
assert np.linalg.norm(gradient, axis=1)[200:].min() > 0.49, "as far out as a circle that touches the edges, for good"
distances_from_rest = np.linalg.norm(average, axis=1)
print("fictitious play, distance from the equilibrium after 10, 100, 1000 rounds: "
      + ", ".join(f"{distances_from_rest[n]:.3f}" for n in (10, 100, 1000)))
assert distances_from_rest[1000] < 0.05 and distances_from_rest[1000] < distances_from_rest[10] / 3
assert len(set(np.sign(np.diff(average[-400:, 1])))) == 2, "the choices themselves never settle"
for start in torch.rand(5, 2, generator=rng).double().tolist():  # and from other starts
    assert np.linalg.norm(learn("gradient steps", start=start) - 0.5, axis=1)[-100:].min() > 0.49
    assert np.linalg.norm(learn("fictitious play: averages", start=start)[-1] - 0.5) < 0.05

# %% [markdown]
# The averages settle (Robinson proved it in 1951, for every payoff matrix in a zero-sum game); the players themselves do not: Row still changes sides in the last rounds. So there *is* an equilibrium, both players follow their rule without a mistake, and yet what they *play* never comes to rest there. For the article, the Nash equilibrium is where training leads. Strictly speaking, it is where training *could* stay; whether it ever comes there is another question.
#
# **What it means for a GAN.** A discriminator that answers today's generator is stale tomorrow, and the two may run round the corners. Averages over the past can be calmer than the present. (Fictitious play *answers* averages. Lesson 8 will average a generator's weights: a related idea, not the same.) And $\min_G \max_D$ keeps its order: without mixtures nothing promises that it equals $\max_D \min_G$.
#
# ---
# # Part D: two sliders that learn
#
# Networks have no rows and columns. Their choices are real numbers, so let the choice be one real number each. The smallest such game is $f(x, y) = xy$: the first player owns $x$ and wants $f$ small, the second owns $y$ and wants it large. At $(0,0)$ no one gains alone: if $y = 0$, then $xy = 0$ for every $x$, and the other way round. It is the only such place. (You know this game: count $p$ and $q$ of matching pennies from $\tfrac12$, take away the walls, and $4(p-\tfrac12)(q-\tfrac12)$ is $4xy$, with the roles exchanged.)
#
# First the view of one player, with the other held still. Let both stay between $-1$ and $1$.

# %% teaches=["D24"]
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6), layout="constrained")
ends = np.array([-1.0, 1.0])
loss_line, = left.plot(ends, ends, color=PALETTE["ink"], lw=2)
best_dot, = left.plot([], [], "o", color=PALETTE["extra"], ms=11)
finish(left, title="the first player's loss", limits=((-1.15, 1.15), (-1.1, 1.1)), xlabel="x", ylabel="xy")
right.plot([-1, 0, 0, 1], [1, 1, -1, -1], color=PALETTE["muted"], lw=2)
now_dot, = right.plot([], [], "o", color=PALETTE["extra"], ms=11)
finish(right, title="its best answer", limits=((-1.15, 1.15), (-1.2, 1.2)), xlabel="y, the other's number", ylabel="best x")


def draw(y):
    loss_line.set_ydata(ends * y)
    if y == 0:
        best_dot.set_data([-1, 0, 1], [0, 0, 0])
        now_dot.set_data([0, 0, 0], [-1, 0, 1])
        return "y = 0: the loss is flat, every x is as good as any other, and no slope leads anywhere."
    best = -1.0 if y > 0 else 1.0
    best_dot.set_data([best], [best * y])
    now_dot.set_data([y], [best])
    return f"y = {y:.1f}: the loss of the first player is a line of slope {y:.1f}; the best answer is x = {best:.0f}."


sliders(draw, fig, y=(-1.0, 1.0, 0.1, 0.1))

# %% [markdown]
# **Figure 6.6.** Left: what $x$ costs the first player while $y$ stays where it is. Right: its best answer, for every $y$. Move $y$ from $0.1$ to $-0.1$: the target jumps from one end to the other.
#
# This is the **moving target**. Each player's task is as easy as can be, a straight line. But the task depends on what the other one does, and a small move there can turn it upside down.
#
# ## Predict: smaller steps, or one after the other
#
# You have seen opposed learners leave, in Figure 6.1, with simultaneous steps of 0.1. Two changes are tried: ten times smaller steps; and *alternating* steps, where the second player looks after the first has moved. What happens?
#
# **(a)** both arrive at $(0,0)$ &nbsp; **(b)** smaller steps arrive, alternating ones leave &nbsp; **(c)** smaller steps leave too, only more slowly, and alternating ones go round and round &nbsp; **(d)** both leave
#
# ## The code: gradient play
#
# *Each player has a loss of its own and steps down its own slope, with the other's number held still.* Simultaneous: both look, then both move. Alternating: the second looks after the first has moved. A few lines, for any two losses:

# %% teaches=["D24"]
def slope(loss, who, place):
    """The slope of a loss along number `who` of the place (0 or 1), the other number held still."""
    numbers = [torch.tensor(number, dtype=torch.float64, requires_grad=i == who) for i, number in enumerate(place)]
    return torch.autograd.grad(loss(*numbers), numbers[who])[0].item()


def gradient_play(losses, start, step_size, n_steps, order="simultaneous"):
    """The places (x, y), one for each step: (n_steps + 1, 2). losses: of the first player and of the second."""
    path = [start]
    first, second = (1, 0) if order == "second player first" else (0, 1)
    for _ in range(n_steps):
        place = list(path[-1])
        place[first] -= step_size * slope(losses[first], first, place)
        seen = path[-1] if order == "simultaneous" else place  # what the other one sees
        place[second] -= step_size * slope(losses[second], second, seen)
        path.append(tuple(place))
    return np.array(path)


xy_game = (lambda x, y: x * y), (lambda x, y: -x * y)  # two losses, each to be made small
print("two steps from (1, 0), simultaneous:", gradient_play(xy_game, (1.0, 0.0), 0.1, 2).round(3).tolist())
print("two steps from (1, 0), alternating: ", gradient_play(xy_game, (1.0, 0.0), 0.1, 2, "first player first").round(3).tolist())

# %% [markdown]
# Now the field of the game, a run in it, and the distance from the equilibrium, with the closed form that is explained below.

# %% teaches=["D24"]
ORDERS = ["simultaneous", "first player first", "second player first"]
BY_NAME = {"simultaneous": ORDERS[0], "x first": ORDERS[1], "y first": ORDERS[2]}


def field(losses, xs, ys):
    """Where gradient play would go from each place of a grid: two arrays, minus each player's own slope."""
    x, y = (torch.tensor(a.ravel(), requires_grad=True) for a in np.meshgrid(xs, ys))
    slopes = [torch.autograd.grad(loss(x, y).sum(), own)[0] for loss, own in zip(losses, (x, y))]
    return [-s.numpy() for s in slopes]


fig, axes = plt.subplot_mosaic([["left", "right"], ["left", "below"]], figsize=(9.4, 4.8), layout="constrained", width_ratios=(1.1, 1))
left, right, below = axes["left"], axes["right"], axes["below"]
grid = np.linspace(-2.6, 2.6, 14)
left.quiver(*np.meshgrid(grid, grid), *field(xy_game, grid, grid), color=PALETTE["muted"], alpha=0.7, angles="xy", width=0.004)
orbit, = left.plot([], [], "--", color=PALETTE["extra"], lw=1.5, zorder=3)
trail, = left.plot([], [], ".-", color=PALETTE["ink"], lw=0.8, ms=4)
begin, = left.plot([], [], **START)
dot, = left.plot([], [], **NOW)
left.plot(0, 0, **REST)
finish(left, title="who owns x wants xy small", limits=((-2.8, 2.8), (-2.8, 2.8)), xlabel="x", ylabel="y", equal=True)
closed, = right.semilogy([], [], "--", color=PALETTE["extra"], lw=3, label="closed form")
upper, = right.semilogy([], [], "--", color=PALETTE["extra"], lw=3)
radii, = right.semilogy([], [], color=PALETTE["ink"], lw=1.5, label="run")
right.legend(frameon=False, loc="upper left")
right.set_yticks([0.3, 1, 3, 10], ["0.3", "1", "3", "10"])
right.minorticks_off()
finish(right, title="distance from (0, 0)", limits=((0, 200), (0.15, 20)))
loss_x, = below.plot([], [], color=PALETTE["ink"], lw=1.5, label="of x: xy")
loss_y, = below.plot([], [], "--", color=PALETTE["extra"], lw=1.5, label="of y: minus xy")
below.legend(frameon=False, loc="upper left", ncols=2, fontsize="small")
finish(below, title="the two losses", limits=((0, 200), (-3, 4)), xlabel="step")
angle = np.linspace(0, 2 * np.pi, 200)


def draw(step_size, order, start, steps):
    h, path = step_size, gradient_play(xy_game, (start, 0.0), step_size, steps, order)
    radius, n = np.linalg.norm(path, axis=1), np.arange(steps + 1)
    trail.set_data(*path.T)
    begin.set_data(*path[:1].T)
    dot.set_data(*path[-1:].T)
    radii.set_data(n, radius)
    loss_x.set_data(n, path[:, 0] * path[:, 1])
    loss_y.set_data(n, -path[:, 0] * path[:, 1])
    if order == "simultaneous":
        closed.set_data(n, start * (1 + h**2) ** (n / 2))
        upper.set_data([], [])
        orbit.set_data([], [])
        law = f"Closed form: {start * (1 + h**2) ** (steps / 2):,.3f}."
    else:
        sign = -1 if order == "first player first" else 1  # x^2 + y^2 - h x y stays as it is; + if y goes first
        reach = start / np.sqrt(1 + sign * h * np.sin(angle) * np.cos(angle))
        orbit.set_data(reach * np.cos(angle), reach * np.sin(angle))
        closed.set_data([0, steps], [reach.min()] * 2)
        upper.set_data([0, steps], [reach.max()] * 2)
        law = f"Closed form: always between {reach.min():.3f} and {reach.max():.3f}."
    who = next(name for name, value in BY_NAME.items() if value == order)
    far = " (far outside the picture)" if radius[-1] > 4 else ""
    return f"After {steps} steps of {h:.2f}, {who}, the distance is {radius[-1]:,.3f}{far}. {law}"


sliders(draw, fig, step_size=(0.02, 0.6, 0.02, 0.1), order=BY_NAME, start=(0.2, 2.0, 0.1, 1.0), steps=(0, 200, 5, 100))

# %% [markdown]
# **Figure 6.7.** Left: arrows of the field, which turns around the equilibrium (star) and nowhere points towards it; a run of a hundred simultaneous steps winds outwards, from the hollow circle to the pink dot. Right: its distance from the equilibrium grows along the dashed closed form; and both losses go up and down around 0, in ever larger waves. Choose *x first*: the run stays on a dashed ellipse (nearly a circle; raise the step size to see it flatten), and the losses wave evenly, however far out the ellipse is.
#
# Three step sizes, each run for the same *time*, 16 in steps times step size:

# %% teaches=["D24"]
fig, axes = plt.subplots(2, 3, figsize=(8.4, 5.4), layout="constrained", sharex=True, sharey=True)
for i, order in enumerate(ORDERS[:2]):
    for ax, h in zip(axes[i], (0.02, 0.1, 0.4)):
        path = gradient_play(xy_game, (1.0, 0.0), h, round(16 / h), order)
        path = path[:1 + max(np.flatnonzero(np.abs(path).max(axis=1) < 2.8))]  # a run that leaves the frame ends there
        ax.plot(*path.T, ".-" if h > 0.02 else "-", color=PALETTE["ink"], lw=0.8, ms=3)  # 800 dots would be one thick line
        ax.plot(0, 0, **REST)
        ax.plot(*path[0], **START)
        ax.plot(*path[-1], **NOW)
        finish(ax, title=f"h = {h}" if i == 0 else None, limits=((-2.8, 2.8), (-2.8, 2.8)), equal=True)
    axes[i, 0].set_ylabel(("simultaneous: y", "alternating: y")[i])
for ax in axes[1]:
    ax.set_xlabel("x")
plt.show()

# %% [markdown]
# **Figure 6.8.** Runs from the start (hollow circle) to the end (pink dot; at $h = 0.4$, above, the run leaves the frame, and the dot is its last place inside); the small dots are steps, left out at $h = 0.02$, where there are 800. Above, simultaneous steps: smaller steps leave more slowly, but they leave. Below, alternating steps, the first player first: round and round, for every one of these step sizes.
#
# ## What you saw
#
# **(c)**. Smaller steps only slow it down. Why: the step $h\,(-y, x)$ is at right angles to the way $(x, y)$ from the centre, since $-yx + xy = 0$, and it is $h\sqrt{x^2+y^2}$ long. So each step goes along the tangent, and a tangent leads out of a circle. By Pythagoras,
#
# $$\sqrt{x^2+y^2}\ \text{ is multiplied by }\ \sqrt{1+h^2}\ \text{ in each simultaneous step.}$$
#
# Alternating, the second player already sees the new $x' = x - hy$ and adds $h x'$ to $y$. One number comes out as it went in (use $y' - hx' = y$, then $x' + hy = x$):
#
# $$x'^2 + y'^2 - h\,x'y' \;=\; x'^2 + y'y \;=\; x'(x' + hy) + y^2 \;=\; x'x + y^2 \;=\; x^2 + y^2 - h\,xy.$$
#
# While $h < 2$ its level lines are ellipses around $(0,0)$: the run neither leaves nor arrives. (What happens beyond is in *When it breaks*.)

# %% tags=["nbval-ignore-output"] teaches=["D24"]
path = gradient_play(xy_game, (1.0, 0.0), 0.1, 100)
print(f"simultaneous, h = 0.1, 100 steps: {np.linalg.norm(path[-1]):.6f}; sqrt(1 + h^2)^100 = {math.sqrt(1.01) ** 100:.6f}")
assert math.isclose(np.linalg.norm(path[-1]), 1.644632, rel_tol=1e-6)
for _ in range(10):  # other starts and step sizes
    start = tuple(torch.randn(2, generator=rng).double().tolist())
    h = 0.02 + torch.rand(1, generator=rng).item()
    out = gradient_play(xy_game, start, h, 50)
    assert np.allclose(np.linalg.norm(out, axis=1), math.hypot(*start) * math.sqrt(1 + h**2) ** np.arange(51))
    x, y = gradient_play(xy_game, start, 2 * h, 20, "first player first").T  # also beyond 2: see "When it breaks"
    assert np.allclose(x**2 + y**2 - 2 * h * x * y, x[0]**2 + y[0]**2 - 2 * h * x[0] * y[0], rtol=1e-4)
    x, y = gradient_play(xy_game, start, h, 50, "first player first").T
    assert np.allclose(x**2 + y**2 - h * x * y, x[0]**2 + y[0]**2 - h * x[0] * y[0])
    x, y = gradient_play(xy_game, start, h, 50, "second player first").T
    assert np.allclose(x**2 + y**2 + h * x * y, x[0]**2 + y[0]**2 + h * x[0] * y[0])
print("both closed forms hold for ten other starts and step sizes")
circling = gradient_play(xy_game, (1.0, 0.0), 0.1, 1000, "first player first")
print(f"the average of a thousand alternating places lies {np.linalg.norm(circling.mean(axis=0)):.3f} away from (0, 0)")
assert np.linalg.norm(circling.mean(axis=0)) < 0.02 < 0.9 < np.linalg.norm(circling, axis=1).min()

# %% [markdown]
# ### Freeze one player
#
# If the moving target is the trouble, hold it still. Below, $y$ stays frozen for some steps while $x$ learns; then both go on, alternating.

# %% teaches=["D24"]
def freeze_then_play(frozen, n_steps=200, h=0.1, start=(0.0, 1.0)):
    """x learns alone for `frozen` steps; then both, alternating."""
    alone = gradient_play((xy_game[0], lambda x, y: 0 * y), start, h, frozen)  # a flat loss: y has nothing to do
    return np.concatenate([alone, gradient_play(xy_game, tuple(alone[-1]), h, n_steps, "first player first")[1:]])


fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4.3), layout="constrained")
thaw_trail, = left.plot([], [], ".-", color=PALETTE["ink"], lw=0.8, ms=3)
frozen_trail, = left.plot([], [], "o-", color=PALETTE["muted"], lw=1, ms=5)
left.plot(0, 1, **START)
left.annotate("start", (0, 1), (0.3, 1.3))
left.plot(0, 0, **REST)
finish(left, title="thick: y frozen; thin: one round of both", limits=((-6.5, 6.5), (-6.5, 6.5)), xlabel="x", ylabel="y", equal=True)
x_line, = right.plot([], [], color=PALETTE["ink"], lw=2, label="x")
y_line, = right.plot([], [], "--", color=PALETTE["extra"], lw=2, label="y")
until = right.axvline(0, color=PALETTE["muted"], ls=":", lw=2)
right.legend(frameon=False, loc="upper right", ncols=2)
thaw = right.text(0, -7.2, " thaw", color=PALETTE["ink"])
finish(right, title="the two numbers", limits=((0, 250), (-7.5, 7.5)), xlabel="step")


def draw(frozen):
    path = freeze_then_play(frozen)
    lap = path[frozen:frozen + 66]  # one round; the others lie upon it
    frozen_trail.set_data(*path[:frozen + 1].T)
    thaw_trail.set_data(*lap.T)
    x_line.set_data(np.arange(len(path)), path[:, 0])
    y_line.set_data(np.arange(len(path)), path[:, 1])
    until.set_xdata([frozen] * 2)
    thaw.set_x(frozen)
    reach = np.linalg.norm(path[frozen:], axis=1).max()
    if frozen == 0:
        return f"Nobody is frozen: the two circle, up to {reach:.2f} away from (0, 0)."
    return (f"With y frozen for {frozen} steps, x walks straight to {path[frozen, 0]:.1f}. Afterwards the two circle, "
            f"up to {reach:.2f} away from (0, 0).")


sliders(draw, fig, labels={"frozen": "steps with y frozen"}, frozen=(0, 50, 1, 30))

# %% [markdown]
# **Figure 6.9.** While $y$ is frozen at 1, $x$ has an ordinary task: its loss $x \cdot 1$ falls and falls, and $x$ walks straight on, towards minus infinity. After the thaw the two circle, three times as far out as without the frost.

# %% teaches=["D24"]
path = freeze_then_play(30)
assert np.allclose(path[:31, 0], -0.1 * np.arange(31)), "a straight walk, h y in each step"
farthest = {frozen: np.linalg.norm(freeze_then_play(frozen)[frozen:], axis=1).max() for frozen in (0, 30, 50)}
print("farthest after the thaw:", {frozen: round(float(reach), 2) for frozen, reach in farthest.items()})
assert farthest[30] > 3 * farthest[0] and farthest[50] > farthest[30]

# %% [markdown]
# In this game the frozen task has no best answer, only a direction, and the longer the frost, the worse the overreaction. That is not a law of games: it matters who is frozen, and whether the other one *has* a best answer. Keep $x$ frozen and let $y$ go to its best answer in $[-1, 1]$, as in Figure 6.6, and then let $x$ take one step, and so on: now $x$ walks down $|x|$ until it is within one step of 0; there it hops to and fro, by smaller hops with smaller steps.

# %% teaches=["D24"]
x, h = 0.77, 0.1
for _ in range(20):
    y = float(np.sign(x))  # the best answer of the second player, while x waits
    x = x - h * y
print(f"after 20 rounds, in each of which y has its best answer first: x = {x:.2f}")
assert abs(x) <= h

# %% [markdown]
# **What it means for a GAN.** Each training step *does* freeze one network while the other takes a step. Who is frozen, and for how long, is a choice. With the discriminator frozen for good, a generator runs to the one place that it likes best (lesson 8 calls that mode collapse); a generator that waits until its opponent has answered well may be the better off for it, if the discriminator has a brake (lesson 10).
#
# ---
# # Part E: the smallest GAN
#
# A whole GAN in two numbers, the **Dirac-GAN** of Mescheder, Geiger and Nowozin (2018). The real data are one point, at 0. The generator makes one point, at $g$. The discriminator says how likely a point $x$ is real: $D(x) = \sigma(d\,x)$ with $\sigma(u) = 1/(1+e^{-u})$ (until now $\sigma$ was a bandwidth; from here on it is this curve): an S-curve of the *score* $d\,x$, whose steepness is $d$; always $\tfrac12$ at 0. The discriminator wants $D$ large on the real point (here it has no say: $D(0)$ is always $\tfrac12$) and small on the generated one; the generator wants the opposite:
#
# $$\min_g \max_d\; \log D(0) + \log\bigl(1 - D(g)\bigr).$$
#
# This is the *minimax loss*, which lesson 7 explains word by word. In practice the generator often gets another loss, $-\log D(g)$, the *modified* one (lesson 9). Both want $D(g)$ large, though with the modified one the game is no longer exactly zero-sum. With both, $(g, d) = (0, 0)$ is the place where no one gains alone; there is no other, since with $d \ne 0$ the generator has no best answer (it could always go farther), and with $g \ne 0$ the discriminator has none.

# %% teaches=["D23", "D24"]
log_sigmoid = torch.nn.functional.logsigmoid  # log D(x) = log_sigmoid(d * x), log(1 - D(x)) = log_sigmoid(-d * x)


def dirac_gan(loss, penalty=0.0):
    """The losses of generator and discriminator, as functions of g and d."""
    def discriminator_loss(g, d):
        return -log_sigmoid(d * 0) - log_sigmoid(-d * g) + penalty / 2 * d**2  # the penalty: see below

    def minimax_loss(g, d):
        return log_sigmoid(-d * g)

    def modified_loss(g, d):
        return -log_sigmoid(d * g)

    return {"minimax": minimax_loss, "modified": modified_loss}[loss], discriminator_loss


for loss in ("minimax", "modified"):
    at_rest = [slope(each, who, (0.0, 0.0)) + 0.0 for who, each in enumerate(dirac_gan(loss))]
    near = [slope(each, who, (0.1, 0.2)) for who, each in enumerate(dirac_gan(loss))]
    print(f"{loss}: slopes at (0, 0): {at_rest}; at g = 0.1, d = 0.2: {near[0]:+.4f}, {near[1]:+.4f}")
    own, other = dirac_gan(loss)
    for change in torch.linspace(-3, 3, 13):  # one of the two moves away from 0 alone
        assert own(change, torch.tensor(0.0)) >= own(torch.zeros(()), torch.zeros(()))
        assert other(torch.tensor(0.0), change) >= other(torch.zeros(()), torch.zeros(()))
    assert at_rest == [0, 0] and np.allclose(near, [-0.2 / 2, 0.1 / 2], atol=2e-3), "near (0, 0): the game xy at half speed"

# %% [markdown]
# Near the equilibrium both are nothing but $xy$ again, turning the other way round and with half the slopes. Farther out they differ.
#
# ## Predict: the modified loss
#
# Simultaneous steps of $h = 0.2$ with the modified loss, from $(1, 0)$. In the long run, $(g, d)$ ...
#
# **(a)** arrives at $(0,0)$: that is why the loss was modified &nbsp; **(b)** leaves, as in $xy$ &nbsp; **(c)** ends on a circle whose size depends on the start &nbsp; **(d)** ends on a circle whose size depends on the step size

# %% teaches=["D23", "D24"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4.5), layout="constrained")
grid = np.linspace(-2.4, 2.4, 13)
fields = {(loss, penalty): field(dirac_gan(loss, penalty), grid, grid) for loss in ("minimax", "modified")
          for penalty in np.linspace(0, 1.5, 16).round(1).tolist()}
winds = left.quiver(*np.meshgrid(grid, grid), *fields["modified", 0.0], color=PALETTE["muted"], alpha=0.7, angles="xy", width=0.004)
circle, = left.plot([], [], "--", color=PALETTE["extra"], lw=1.5, zorder=3)
trail, = left.plot([], [], ".-", color=PALETTE["ink"], lw=0.7, ms=3, markevery=slice(100))  # dots for the first steps only
begin, = left.plot([], [], **START)
dot, = left.plot([], [], **NOW)
left.plot(0, 0, **REST)
finish(left, title="generator and discriminator", limits=((-2.6, 2.6), (-2.6, 2.6)), xlabel="g: the generated point",
       ylabel="d: steepness of D", equal=True)
xs = np.linspace(-2.6, 2.6, 105)
judge, = right.plot([], [], color=PALETTE["discriminator"], lw=2.5, label="D(x)")
right.axhline(0.5, color=PALETTE["discriminator"], ls="--", lw=1)
right.plot(0, 0, "o", color=PALETTE["real"], ms=13, label="real", clip_on=False)
point, = right.plot([], [], "^", color=PALETTE["generated"], ms=13, label="generated", clip_on=False)
right.legend(frameon=False, loc="upper left")
finish(right, title="the same on the line", limits=((-2.6, 2.6), (0, 1.3)), xlabel="x", ylabel="D(x): probability of real")
right.set_yticks([0, 0.5, 1])
runs = {}


def draw(loss, order, step_size, penalty, start, step):
    setting = loss, order, step_size, penalty, start
    if setting not in runs:  # a run is computed once; `step` scrubs through it
        runs[setting] = gradient_play(dirac_gan(loss, penalty), (start, 0.0), step_size, 1000, order)
    path = runs[setting]
    g, d = path[step]
    trail.set_data(*path[:step + 1].T)
    begin.set_data(*path[:1].T)
    dot.set_data([g], [d])
    winds.set_UVC(*fields[loss, penalty])
    special = loss == "modified" and order == "simultaneous" and penalty == 0
    r = math.sqrt(2 * step_size) if special else 0.0
    circle.set_data(r * np.cos(angle), r * np.sin(angle))
    judge.set_data(xs, 1 / (1 + np.exp(-d * xs)))
    point.set_data([np.clip(g, -2.6, 2.6)], [0])  # one that has left the picture waits at its edge
    law = f" The dashed circle has radius {r:.3f}." if special else ""
    return (f"Step {step}: the generated point is at {g:+.3f}, and D gives it {1 / (1 + math.exp(-d * g)):.2f}. "
            f"Distance from (0, 0): {math.hypot(g, d):.3f}.{law}")


ORDERS_OF_TWO = {"simultaneous": ORDERS[0], "generator first": ORDERS[1], "discriminator first": ORDERS[2]}
sliders(draw, fig, loss=["modified", "minimax"], order=ORDERS_OF_TWO, step_size=(0.1, 0.5, 0.05, 0.2), penalty=(0.0, 1.5, 0.1, 0.0),
        start=(0.2, 2.0, 0.1, 1.0), step=(0, 1000, 5, 400))

# %% [markdown]
# **Figure 6.10.** Left: the two numbers, with the field and a run from its start (hollow circle) to the present step (pink dot); small dots mark its first hundred steps. Right: the same moment as a GAN, with the real point at 0, the generated one, and the discriminator's S-curve. The generated point walks to where $D$ is high, passes the real point, and only then $D$ tilts the other way. The run winds down to the dashed circle and stays there. Try *start* at 0.3 and at 2.0, then *step size* 0.5: what decides where it ends? (With small steps it takes long: let *step* go to 1,000.)
#
# Four settings in one row, from one start:

# %% teaches=["D23", "D24"]
SETTINGS = {"minimax, simultaneous": ("minimax", 0.0, ORDERS[0]), "modified, simultaneous": ("modified", 0.0, ORDERS[0]),
            "modified, alternating": ("modified", 0.0, ORDERS[1]), "modified, penalty 0.3": ("modified", 0.3, ORDERS[0])}
fig, axes = plt.subplots(1, 4, figsize=(10, 2.9), layout="constrained", sharey=True)
ends = {}
for ax, (name, (loss, penalty, order)) in zip(axes, SETTINGS.items()):
    path = gradient_play(dirac_gan(loss, penalty), (1.0, 0.0), 0.2, 500, order)
    ends[name] = math.hypot(*path[-1])
    ax.plot(*path.T, ".-", color=PALETTE["ink"], lw=0.4, ms=1.4, alpha=0.6)
    ax.plot(0, 0, **REST)
    ax.plot(*path[0], **START)
    ax.plot(*path[-1], **NOW)
    finish(ax, title=f"{name}\ndistance at the end: {ends[name]:.2f}", limits=((-3.3, 3.3), (-3.3, 3.3)), xlabel="g", equal=True)
    ax.title.set_fontsize("medium")
axes[0].set_ylabel("d")
plt.show()

# %% [markdown]
# **Figure 6.11.** The pink dot is the place after 500 steps, and the title says how far from $(0,0)$ that is. From left to right: out with every step, and ever more slowly, because far out $D(g)$ is nearly 0 and the minimax loss is flat there (lesson 8 comes back to that); down to what is nearly a circle; inwards, ever more slowly; a quick spiral in.
#
# ## What you saw
#
# **(d)**: a **limit cycle**, a closed path that the run comes to from inside and from outside; for small steps nearly a circle, whatever the start (other than $(0,0)$ itself). How far from $(0,0)$ a simultaneous step ends follows from the slopes. Write $s = D(g)$ for short. The slope of $\log\sigma(u)$ is $1 - \sigma(u)$ and that of $\log(1-\sigma(u))$ is $-\sigma(u)$, so in one step $d$ changes by $-h\,g\,s$, and $g$ by $h\,d\,s$ (minimax) or $h\,d\,(1-s)$ (modified). With $r^2 = g^2 + d^2$, and $\tanh\tfrac{gd}{2}$, which is $2s - 1$:
#
# $$\text{minimax:}\quad r^2 \to r^2\,(1 + h^2 s^2), \qquad\qquad \text{modified:}\quad r^2 \to r^2 - \underbrace{2h\,gd\,\tanh\tfrac{gd}{2}}_{\text{inwards}} + \underbrace{h^2\bigl((1-s)^2 d^2 + s^2 g^2\bigr)}_{\text{outwards}}.$$
#
# With minimax every step leads outwards, for every $h$. With the modified loss, near the centre, $s \approx \tfrac12$ and $\tanh u \approx u$, so that inwards is $h\,g^2d^2$; on a round of radius $r$ the average of $g^2 d^2 = r^4\cos^2\varphi\sin^2\varphi$ is $r^4/8$. So inwards is $h\,r^4/8$ and outwards is $h^2r^2/4$: they balance at $r = \sqrt{2h}$. Alternating steps cancel the outward part, nearly, as they do in $xy$ (the cell below measures it). What is left leads inwards, but it fades like $r^4$: $r^2$ loses $h\,r^4/8$ in a step, so $1/r^2$ gains $h/8$, and after a thousand steps you are still not there.

# %% tags=["nbval-ignore-output"] teaches=["D23", "D24"]
for _ in range(5):  # minimax: exact, from any start
    start = tuple(torch.randn(2, generator=rng).double().tolist())
    h = 0.05 + 0.5 * torch.rand(1, generator=rng).item()
    g, d = gradient_play(dirac_gan("minimax"), start, h, 60).T
    squares, D = g**2 + d**2, 1 / (1 + np.exp(-g * d))
    assert np.allclose(squares[1:], squares[:-1] * (1 + h**2 * D[:-1] ** 2)) and (np.diff(squares) > 0).all()
    g, d = gradient_play(dirac_gan("modified"), start, h, 60).T  # modified: exact, too
    squares, D = g**2 + d**2, 1 / (1 + np.exp(-g * d))
    inwards, outwards = 2 * h * g * d * np.tanh(g * d / 2), h**2 * ((1 - D) ** 2 * d**2 + D**2 * g**2)
    assert np.allclose(squares[1:], (squares - inwards + outwards)[:-1])

for h, n_steps in ((0.1, 2500), (0.2, 1200), (0.4, 600)):  # modified: the same circle from outside and from inside
    far, near = 1 + 0.6 * torch.rand(1, generator=rng).item(), 0.15 + 0.2 * torch.rand(1, generator=rng).item()
    for first in (far, near):
        path = gradient_play(dirac_gan("modified"), (first, 0.0), h, n_steps)
        late = np.linalg.norm(path[-100:], axis=1).mean()
        print(f"modified, h = {h}, from {first:.2f}: radius {late:.3f} at the end, sqrt(2h) = {math.sqrt(2 * h):.3f}")
        assert abs(late / math.sqrt(2 * h) - 1) < 0.06
slow = np.linalg.norm(gradient_play(dirac_gan("modified"), (1.0, 0.0), 0.2, 1000, ORDERS[1])[-1])
print(f"modified, alternating, 1000 steps: {slow:.3f}, by the rule {1 / math.sqrt(1 + 0.2 * 1000 / 8):.3f}")
assert abs(slow * math.sqrt(1 + 0.2 * 1000 / 8) - 1) < 0.1

# %% [markdown]
# ### What helps: friction
#
# Near the centre the field only turns; the modified loss brakes there too feebly, like $r^4$. The **penalty** (R1, in the paper; lesson 8 takes it to networks, without the factor $\tfrac12$) is a real brake: it charges the discriminator for the steepness of its score at the real point, $\tfrac{\gamma}{2} d^2$. Move *penalty* in Figure 6.10: the arrows now lean inwards, and if the brake is strong enough for the step ($\gamma > h/4$), the run arrives. At $\gamma = 1$ it stops circling; beyond, it creeps in from the side.
#
# Near $(0,0)$ one step adds $h\,\tfrac d2$ to $g$ and $h\,(-\tfrac g2 - \gamma d)$ to $d$. These two lines are a matrix, and its *eigenvalues* say what such a step does: their real part pulls in (or pushes out), their imaginary part turns. (Take them as a tool, if they are new to you; the runs beside them say the same.) The cell lets PyTorch find the matrix.

# %% teaches=["D23", "D24"]
def field_matrix(penalty):
    """How the field of the game changes around (0, 0): its 2 x 2 matrix of slopes, by automatic differentiation."""
    own, other = dirac_gan("modified", penalty)

    def field_at(place):
        g, d = place
        return -torch.stack([torch.autograd.grad(own(g, d), g, create_graph=True)[0],
                             torch.autograd.grad(other(g, d), d, create_graph=True)[0]])

    return torch.autograd.functional.jacobian(field_at, torch.zeros(2, dtype=torch.float64))


def far_after(n_steps, penalty, h=0.2):
    return np.linalg.norm(gradient_play(dirac_gan("modified", penalty), (1.0, 0.0), h, n_steps)[-1])


for penalty in (0.0, 0.3, 1.0, 1.5):
    values = torch.linalg.eigvals(field_matrix(penalty))  # real part: in or out; imaginary part: round and round
    pull, spin = -values.real.max().item(), values.imag.abs().max().item()
    print(f"penalty {penalty}: pull to the centre {pull + 0.0:.2f}, rotation {spin:.2f}; "
          f"after 500 steps {far_after(500, penalty):.1e} away")
    assert (far_after(500, penalty) < 1e-5) == (penalty > 0) and (spin > 0.01) == (penalty < 1)
too_weak = far_after(2000, 0.05, h=0.5)  # h / 4 is 0.125
print(f"step size 0.5, penalty 0.05: {too_weak:.2f} away after 2,000 steps; penalty 0.2: {far_after(2000, 0.2, h=0.5):.1e}")
assert too_weak > 0.3 and far_after(2000, 0.2, h=0.5) < 1e-3

# %% [markdown]
# ### What this predicts for networks
#
# Two numbers are not two networks, so these are predictions and no more. Lessons 7 to 10 meet them again, in real runs:
#
# - a falling loss is no sign of progress: in a game, losses go round;
# - training may never settle, even if every step is right; step size and order of the steps decide *how*;
# - a loss that suits one player better (the modified one) may tame the game and still not bring it to rest;
# - brakes (a penalty) help where more training does not, and averages help where a run circles without leaving;
# - and even a run that comes to rest need not have found an equilibrium: a slope of 0 does not tell a valley from a hilltop, and the other player's pull can hold the first on its hilltop. (In $-\tfrac14x^2 + 2xy - y^2$, with the two players of $xy$, small steps arrive at $(0,0)$, and yet with $y = 0$ the first player gains by *any* move.)
#
# %% teaches=["D23", "D24"]
trap = (lambda x, y: -x**2 / 4 + 2 * x * y - y**2), (lambda x, y: x**2 / 4 - 2 * x * y + y**2)
end = gradient_play(trap, (0.7, -0.4), 0.05, 2000)[-1]
print(f"at rest, {np.linalg.norm(end):.0e} from (0, 0); there the first player's loss is 0, and with x = 1 it would be "
      f"{trap[0](1.0, 0.0)}")
assert np.linalg.norm(end) < 1e-6 and trap[0](1.0, 0.0) < trap[0](0.0, 0.0)

# %% [markdown]
# ---
# ## When it breaks
#
# Alternating steps in the game $xy$ stayed on an ellipse. Do they always? The same run with one thing changed, the step size:

# %% teaches=["D24"]
fig, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained")
farthest = {}
for ax, h in zip(axes, (0.5, 1.9, 2.02)):
    path = gradient_play(xy_game, (1.0, 0.0), h, 20, "first player first")
    farthest[h] = np.linalg.norm(path, axis=1).max()
    reach = 1.15 * max(np.abs(path).max(), 1)
    fine_x, fine_y = np.meshgrid(*[np.linspace(-reach, reach, 401)] * 2)
    ax.contour(fine_x, fine_y, fine_x**2 + fine_y**2 - h * fine_x * fine_y, [1.0], colors=PALETTE["extra"], linestyles="--")
    ax.plot(*path.T, "o-", color=PALETTE["ink"], lw=0.4, ms=4)
    ax.plot(0, 0, **REST)
    ax.plot(*path[0], **START)
    ax.plot(*path[-1], **NOW)
    finish(ax, title=f"h = {h}: up to {farthest[h]:,.1f} away", limits=((-reach, reach), (-reach, reach)), xlabel="x", equal=True)
axes[0].set_ylabel("y")
plt.show()
assert farthest[0.5] < 1.2 and farthest[1.9] < 5 and farthest[2.02] > 100

# %% [markdown]
# **Figure 6.12.** Twenty alternating steps from $(1, 0)$ (hollow circle) to the pink dot, each panel with its own scale. Dashed: where $x^2 + y^2 - hxy = 1$. At $h = 0.5$ the places lie around an ellipse, at 1.9 they jump to and fro on a long thin one, at 2.02 they shoot away.
#
# The law did not break: $x^2 + y^2 - hxy$ stays the same for every $h$. But its level lines are ellipses only while $h < 2$: on the line $x = y$ the law reads $(2 - h)\,x^2$. Beyond that they are open, two arms of a hyperbola that look straight from so far away, and the run jumps from arm to arm, farther each time.
#
# ## Exercises
#
# **1. Change a number and predict.** In Figure 6.2, B holds the 9. Which *one* leaf would you raise, and how far, to make Max choose B? Predict, then move the sliders.
#
# **2. Fill in the line.** What each of Row's choices pays on average, if Column plays the probabilities `q`. `A` has shape `(rows, columns)`.

# %%
A_test = np.array([[3.0, -1.0, 2.0], [0.0, 4.0, -2.0]])
p_test, q_test = np.array([0.25, 0.75]), np.array([0.2, 0.3, 0.5])


def payoff_of_each_row(A, q):
    return ...  # your line: shape (rows,)


row_hints = {
    "that is what each *column* would pay against equal rows": A_test.mean(axis=0),
    "q is ignored: Column does not choose evenly": A_test.mean(axis=1),
    "that is the best case of each row, not the average": A_test.max(axis=1),
    "multiplied, but not added up over the columns": A_test * q_test,
    "add up for each row, not all together": (A_test * q_test).sum(),
}
compare("payoff_of_each_row", lambda: payoff_of_each_row(A_test, q_test), A_test @ q_test, row_hints)

# %% [markdown]
# **3. Fill in the line.** How much could be gained alone at `(p, q)`? Add up what Row would gain by its best response and what Column would gain by its own. The result is 0 at an equilibrium and above 0 everywhere else.

# %%
def gain_alone(A, p, q):
    return ...  # your line: one number


rows_pay, columns_pay = A_test @ q_test, p_test @ A_test
gain_hints = {
    "that is what Row gains; Column may gain something, too": rows_pay.max() - p_test @ A_test @ q_test,
    "that is what Column gains; Row may gain something, too": p_test @ A_test @ q_test - columns_pay.min(),
    "Column pays: it looks for its smallest payment": rows_pay.max() - columns_pay.max(),
    "Row looks for its largest payoff": rows_pay.min() - columns_pay.min(),
    "Column pays what Row gets, and wants it small: it gains by its smallest": rows_pay.max() + columns_pay.max() - 2 * p_test @ A_test @ q_test,
    "the largest single entry is no answer to q": A_test.max() - A_test.min(),
}
compare("gain_alone", lambda: gain_alone(A_test, p_test, q_test), rows_pay.max() - columns_pay.min(), gain_hints)

# %% [markdown]
# **4. Fill in the lines.** One *alternating* step of the game $f(x, y) = xy$, with step size `h`, in which the **second** player moves first; the first player makes $f$ small, the second large. Return `[x_new, y_new]`.

# %%
def one_step(x, y, h):
    return ...  # your lines


step_hints = {
    "neither has seen the other's move: that is a simultaneous step": [2.0 - 0.1 * 3.0, 3.0 + 0.1 * 2.0],
    "here the first player has moved first": [2.0 - 0.1 * 3.0, 3.0 + 0.1 * (2.0 - 0.1 * 3.0)],
    "both go down; the second wants f large": [2.0 - 0.1 * (3.0 - 0.1 * 2.0), 3.0 - 0.1 * 2.0],
    "both go up; the first wants f small": [2.0 + 0.1 * (3.0 + 0.1 * 2.0), 3.0 + 0.1 * 2.0],
    "the first wants f small, the second large: yours is the other way round": [2.0 + 0.1 * (3.0 - 0.1 * 2.0), 3.0 - 0.1 * 2.0],
    "the slope of xy along y is x, and along x it is y": [2.0 - 0.1 * 2.0, 3.0 + 0.1 * 3.0],
    "the step size is missing": [2.0 - (3.0 + 2.0), 3.0 + 2.0],
}
compare("one_step", lambda: one_step(2.0, 3.0, 0.1), [2.0 - 0.1 * (3.0 + 0.1 * 2.0), 3.0 + 0.1 * 2.0], step_hints)

# %% [markdown]
# **5. Fill in the lines.** *Extragradient*: try a simultaneous step; look at the slopes *there*; go back and take the real step from the old place with those slopes. Return `[x_new, y_new]` for the game $xy$. (Play it afterwards: each step multiplies the distance by $\sqrt{(1-h^2)^2 + h^2}$, which is below 1 while $h < 1$.)

# %%
def extragradient_step(x, y, h):
    return ...  # your lines


x_try, y_try = 2.0 - 0.5 * 3.0, 3.0 + 0.5 * 2.0
extra_hints = {
    "that is the trial step; now the real one": [x_try, y_try],
    "the real step starts from the old place, not from the trial": [x_try - 0.5 * y_try, y_try + 0.5 * x_try],
    "y still uses the old slope": [2.0 - 0.5 * y_try, 3.0 + 0.5 * 2.0],
    "x still uses the old slope": [2.0 - 0.5 * 3.0, 3.0 + 0.5 * x_try],
    "the signs are exchanged: x goes down, y up": [2.0 + 0.5 * y_try, 3.0 - 0.5 * x_try],
}
compare("extragradient_step", lambda: extragradient_step(2.0, 3.0, 0.5), [2.0 - 0.5 * y_try, 3.0 + 0.5 * x_try], extra_hints)

# %% [markdown]
# **6. Open question.** Two networks play a zero-sum game, and you see the two loss curves, nothing else. Both wave up and down and do not change on average. Name three different things that may be going on. What else would you look at, to tell them apart?
#
# ## Recap
#
# - In a game tree, the value of a node is the best of its children's values, for whoever moves. Pruning skips what cannot matter. Tic-tac-toe is a draw.
# - At a Nash equilibrium no one gains *alone*. There may be none in pure strategies, or several, or a bad one; in mixed strategies, in a zero-sum game with finitely many choices, max min equals min max.
# - Each learner's target moves when the other one learns. In $xy$ simultaneous steps leave, by $\sqrt{1+h^2}$ a step, and alternating steps circle (while $h < 2$). There, freezing one player sends the other too far, because its frozen task has no best answer.
# - The Dirac-GAN is $xy$ at its centre. Minimax, simultaneous: it leaves. Modified, simultaneous: nearly a circle, of radius about $\sqrt{2h}$ for small steps. With enough penalty: it arrives.
# - An equilibrium is a place where learning *may* end. Whether it gets there is a property of the game *and* of the steps.
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
#
# ## Next
#
# The ground is ready: two losses, opposed; two learners; steps in turn. Now put networks where the two numbers were. *Can a second network be the distance?*

# %% [markdown]
# ## Answers
#
# Open what you want to see: the answers in words by their triangle, the code by the three dots.

# %% [markdown] tags=["answer"]
# <details><summary>Answer 1</summary>
#
# None will do. B is worth its smallest leaf, and raising the 2 only makes the 4 the smallest: 4 is still less than the 5 of A. It takes two leaves, the 2 and the 4, both to more than 5. The 9 plays no part in any of this.
#
# </details>

# %% jupyter={"source_hidden": true} tags=["answer"]
for B in ([10, 9, 4], [2, 10, 4], [2, 9, 10], [6, 9, 6]):
    worth = [min(branch) for branch in ([5, 6], B, [8, 4])]
    print(f"B = {B}: the branches are worth {worth}, Max chooses {'ABC'[worth.index(max(worth))]}")
    assert (worth.index(max(worth)) == 1) == (B == [6, 9, 6])

# %% jupyter={"source_hidden": true} tags=["answer"]
def payoff_of_each_row(A, q):
    return A @ q


def gain_alone(A, p, q):
    return (A @ q).max() - (p @ A).min()


def one_step(x, y, h):
    y_new = y + h * x
    return [x - h * y_new, y_new]


def extragradient_step(x, y, h):
    x_try, y_try = x - h * y, y + h * x
    return [x - h * y_try, y + h * x_try]


compare("payoff_of_each_row", lambda: payoff_of_each_row(A_test, q_test), A_test @ q_test, row_hints)
compare("gain_alone", lambda: gain_alone(A_test, p_test, q_test), rows_pay.max() - columns_pay.min(), gain_hints)
compare("one_step", lambda: one_step(2.0, 3.0, 0.1), [2.0 - 0.1 * (3.0 + 0.1 * 2.0), 3.0 + 0.1 * 2.0], step_hints)
compare("extragradient_step", lambda: extragradient_step(2.0, 3.0, 0.5), [2.0 - 0.5 * y_try, 3.0 + 0.5 * x_try], extra_hints)
place, h = [1.0, 0.0], 0.1
for _ in range(100):
    place = extragradient_step(*place, h)
print(f"extragradient, 100 steps of 0.1 from distance 1: {math.hypot(*place):.4f}, "
      f"closed form {((1 - h**2) ** 2 + h**2) ** 50:.4f}")
assert math.isclose(math.hypot(*place), ((1 - h**2) ** 2 + h**2) ** 50)

# %% [markdown] tags=["answer"]
# <details><summary>Answer 6</summary>
#
# They may have reached the equilibrium, up to noise. They may circle around it, as the alternating runs of Figure 6.7 do, whose losses wave evenly around 0, however large the ellipse. Or no slope is left and both have stopped learning: what still waves is the noise of the batches. The loss curves cannot tell these apart, because each loss is measured against the *other player of the same moment*.
# Look at something that does not move: a distance between generated and real points that had no part in the game (MMD, or Wasserstein-1 with its floor), the size of the two gradients, how far the weights travel. Or measure what each could gain alone, as in Exercise 3, by training a fresh opponent against the frozen one. Lesson 7 lets a patient judge learn against a frozen generator; lesson 8 measures a distance, the gradient and how far the cloud moves.
#
# </details>
