"""Cartoon puppies drawn from uniform numbers: pictures whose distribution is known exactly.

`draw_puppies` is a fixed transform from 16 uniform numbers to a picture. Four of the numbers choose one of 40
litters (coat, ears, eye patch, tongue), twelve vary the puppy continuously. `litter_of` looks at any picture
and says which litter it shows.

Every body part is a *signed distance*: a number per pixel, negative inside the shape, zero on its edge,
positive outside. To paint a part is to blend its colour in where the distance is negative; blending over
about one pixel keeps the edge smooth. Coordinates: x to the right, y down; the head, about one unit in
radius, is centred at (0, 0).
"""

import functools
import itertools
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

COAT_NAMES = ("black", "white", "brown", "ginger", "cream")
FACTORS = ("coat", "ears", "eye_patch", "tongue",  # these choose the litter; the rest is continuous
           "head_tilt", "position_x", "position_y", "size", "head_width", "eye_distance",
           "gaze_x", "gaze_y", "ear_length", "coat_shade", "background_hue", "background_light")
CHOICES = (5, 2, 2, 2)  # equally likely values of the first four factors
N_FACTORS = len(FACTORS)
N_LITTERS = math.prod(CHOICES)

# One row a coat: dark and light end of its shade, ears, eye patch, muzzle and chest.
COATS = torch.tensor([
    [[.13, .13, .16], [.27, .27, .31], [.09, .09, .12], [.88, .62, .36], [.80, .79, .80]],  # black
    [[.88, .87, .86], [.99, .98, .97], [.60, .57, .57], [.36, .33, .36], [1.0, .99, .98]],  # white
    [[.36, .20, .11], [.54, .33, .20], [.25, .13, .07], [.93, .84, .72], [.86, .75, .65]],  # brown
    [[.82, .42, .10], [.95, .58, .22], [.62, .28, .06], [1.0, .95, .88], [1.0, .91, .80]],  # ginger
    [[.90, .76, .48], [.99, .88, .64], [.74, .56, .31], [.58, .38, .20], [1.0, .97, .88]],  # cream
])
WEIGHTS = pathlib.Path(__file__).parent.parent / "data" / "litter_network.npz"
# Drawing in chunks keeps the memory small, and on a CPU the work inside the cache.
PIXELS_AT_ONCE = {"cpu": 2**17}


def draw_puppies(u, size=100):
    """Pictures of puppies, (n, 3, size, size) float32 in [0, 1], one for each row of u.

    u: (n, 16) floating-point tensor in [0, 1], one column for each name in FACTORS. size: pixels a side, 8 or
    more. Row i of u alone decides picture i. Uniform u makes the 40 litters equally likely. Draws on u's
    device. Raises TypeError or ValueError for other factors or another size. Taught in lesson 1.
    """
    _check_factors(u)
    _check_size(size)
    fine = 2 if size < 64 else 1  # small pictures are drawn at twice the size and averaged
    at_once = max(1, PIXELS_AT_ONCE.get(u.device.type, 2**22) // (fine * size) ** 2)
    pictures = torch.empty(len(u), 3, size, size, device=u.device)
    for start in range(0, len(u), at_once):
        drawn = _draw(u[start:start + at_once].detach().float(), fine * size)
        pictures[start:start + at_once] = F.avg_pool2d(drawn, fine) if fine > 1 else drawn
    return pictures


def _draw(u, size):
    """Pictures (n, 3, size, size) of one chunk of factors, painted from the background to the tongue."""
    f = dict(zip(FACTORS, u.t()[:, :, None, None]))  # each factor (n, 1, 1), to meet pixels (height, width)
    coat, floppy, patched, tongue = _choices(u).t()[:, :, None, None]
    floppy, patched, tongue = floppy == 0, patched.float(), tongue.float()
    colours = COATS.to(u.device)[coat[:, 0, 0], :, :, None, None]  # (n, 5, 3, 1, 1)
    dark, light, ear_colour, patch_colour, pale = colours.unbind(1)
    fur = torch.lerp(dark, light, f["coat_shade"][:, None])
    line, ink = fur * .42, (.10, .07, .08)  # the soft outline is a darker version of the coat

    # Pixel centres in the picture (-1 to 1), then seen from the body, then from the tilted head.
    ticks = (torch.arange(size, device=u.device) + .5) * (2 / size) - 1
    scale = _between(f["size"], .46, .56)
    body_x = (ticks - _between(f["position_x"], -.16, .16)) / scale
    body_y = (ticks[:, None] - _between(f["position_y"], 0., .13)) / scale
    tilt = _between(f["head_tilt"], -.36, .36)
    x = torch.cos(tilt) * body_x + torch.sin(tilt) * body_y
    y = torch.cos(tilt) * body_y - torch.sin(tilt) * body_x
    side = x.abs()  # left and right are mirror images: most parts are painted once for both sides
    edge = 3 / size / scale  # one and a half pixels, in units of the head

    # Background: a wash of colour with a glow behind the puppy.
    thirds = torch.tensor([0., 2 / 3, 1 / 3], device=u.device)[:, None, None]
    hue = _between(f["background_hue"], .28, .92)[:, None] + thirds
    wash = _between(f["background_light"], .62, .83)[:, None] + .11 * torch.cos(2 * math.pi * hue)
    glow = 1.12 - .16 * (ticks ** 2 + (ticks[:, None] + .1) ** 2)
    picture = (wash * glow).clamp_(0, 1)

    def paint(distance, colour, opacity=1., blur=edge, within=1.):
        if isinstance(colour, tuple):
            colour = torch.tensor(colour, device=u.device)[:, None, None]
        picture.lerp_(colour.expand_as(picture), (_inside(distance, blur) * opacity * within)[:, None])

    # Body with a pale chest, the head's shadow on it, collar and tag.
    body = _smooth_union(_capsule(body_x, body_y, (0, .7), (0, 1.5), .55, .62),
                         _ellipse(body_x, body_y, 0, 2.2, 1.0, 1.0), .5)
    in_body = _inside(body, edge)
    paint(body - .05, line)
    paint(body, fur)
    paint(-body - .10, dark * .8, .40, blur=.4, within=in_body)
    paint(_ellipse(body_x, body_y, 0, 1.75, .44, .62), pale, blur=.12, within=in_body)
    paint(_ellipse(body_x, body_y, 0, .25, 1.1, .88), line, .6, blur=.5, within=in_body)
    collar = _ellipse(body_x, body_y, 0, .28, .95, .82).abs() - .085
    paint(collar - .03, (.10, .22, .36), within=in_body)
    paint(collar, (.20, .47, .70), within=in_body)
    tag_y = body_y - 1.24
    paint(_ellipse(body_x, tag_y, 0, 0, .14, .14), (.55, .36, .08))
    paint(_ellipse(body_x, tag_y, 0, 0, .11, .11), (.98, .80, .30))

    # Ears: pointed ones stand behind the head, floppy ones hang in front of it.
    width = _between(f["head_width"], .90, 1.10)
    length = f["ear_length"]
    root = torch.where(floppy, .77, .51) * width, torch.where(floppy, -.47, -.46)
    height = torch.where(floppy, .04 + .48 * length, -1.24 - .24 * length)
    tip = torch.where(floppy, 1.05, .82) * width, height
    ear = _capsule(side, y, root, tip, torch.where(floppy, .13, .37), torch.where(floppy, .305, .03))
    paint(ear - .05, ear_colour * .5, within=~floppy)
    paint(ear, ear_colour, within=~floppy)
    paint(ear + .12, (.93, .66, .64), .85, blur=.08, within=~floppy)

    # Head: a skull and wider cheeks in one smooth outline, shaded towards its edge, light from above.
    skull, cheeks = _ellipse(x, y, 0, -.14, .90 * width, .86), _ellipse(x, y, 0, .34, .97 * width, .58)
    head = _smooth_union(skull, cheeks, .25)
    for start, end in (((.03, -.85), (.13, -1.13)), ((-.05, -.85), (-.06, -1.10))):  # a tuft of hair
        head = _smooth_union(head, _capsule(x, y, start, end, .125, .012), .08)
    in_head = _inside(head, edge)
    paint(head - .05, line)
    paint(head, fur)
    paint(-head - .12, dark * .8, .45, blur=.45, within=in_head)
    paint(_ellipse(x, y, -.2, -.55, .5, .3), (1., 1., 1.), .16, blur=.5, within=in_head)
    eye_x = _between(f["eye_distance"], .32, .42)
    paint(_ellipse(x, y, eye_x + .03, -.14, .37, .45), patch_colour, patched, within=in_head)

    # Floppy ears, and blushing cheeks.
    paint(ear - .05, ear_colour * .55, within=floppy)
    paint(ear, ear_colour, within=floppy)
    paint(-ear - .06, ear_colour * .6, .4, blur=.25, within=_inside(ear, edge) * floppy)
    paint(_ellipse(side, y, .62, .30, .17, .12), (.95, .45, .45), .27, blur=.15, within=in_head)

    # Muzzle: the tongue first, half hidden by two puffs, then smile and nose.
    paint(_ellipse(x, y, 0, .66, .17, .17), ink, tongue)
    tongue_shape = _capsule(x, y, (0, .66), (0, .96), .14, .18)
    paint(tongue_shape - .04, (.62, .16, .24), tongue)
    paint(tongue_shape, (.98, .45, .52), tongue)
    paint(_capsule(x, y, (0, .72), (0, .96), .018, .012), (.80, .26, .36), tongue)
    puffs = _smooth_union(_ellipse(side, y, .20, .44, .32, .28), _ellipse(x, y, 0, .28, .28, .30), .15)
    paint(puffs - .03, line, .35)
    paint(puffs, pale)
    smile = torch.maximum((_ellipse(side, y, .16, .50, .16, .15)).abs() - .018, .50 - y)
    paint(smile, ink)
    paint(_capsule(x, y, (0, .3), (0, .52), .02, .02), ink)
    nose = _smooth_union(_ellipse(x, y, 0, .19, .17, .10), _ellipse(x, y, 0, .26, .08, .09), .08)
    paint(nose, ink)
    paint(_ellipse(x, y, -.05, .155, .06, .03), (1., 1., 1.), .7, blur=.05)

    # Eyes with two catch-lights, the iris following the gaze; brows. (ex, ey): from each eye's centre.
    ex, ey = x - torch.copysign(eye_x.expand_as(x), x), y + .13
    eye = _ellipse(ex, ey, 0, 0, .20, .225)
    in_eye = _inside(eye, edge)
    paint(eye - .025, line, .8)
    paint(eye, (1., 1., 1.))
    ex, ey = ex - _between(f["gaze_x"], -.055, .055), ey - _between(f["gaze_y"], -.055, .055)
    paint(_ellipse(ex, ey, 0, 0, .185, .21), (.10, .06, .06), within=in_eye)
    paint(_ellipse(ex, ey, 0, .10, .10, .065), (.48, .28, .16), blur=.08, within=in_eye)
    paint(_ellipse(ex, ey, -.055, -.07, .06, .065), (1., 1., 1.))
    paint(_ellipse(ex, ey, .065, .075, .028, .03), (1., 1., 1.), .85)
    paint(_capsule(side, y, (eye_x - .08, -.50), (eye_x + .09, -.475), .036, .03), line, .8)
    return picture.clamp_(0, 1)


def _between(t, low, high):
    """t from [0, 1] carried to [low, high]."""
    return low + (high - low) * t


def _inside(distance, blur):
    """Cover in [0, 1]: 1 inside a shape, 0 outside, a smooth step of width `blur` across its edge."""
    t = (.5 - distance / blur).clamp_(0, 1)
    return t * t * (3 - 2 * t)


def _ellipse(x, y, centre_x, centre_y, radius_x, radius_y):
    """Signed distance to an ellipse (exact on its edge, nearly so around it)."""
    x, y = (x - centre_x) / radius_x, (y - centre_y) / radius_y
    r = (x * x + y * y + 1e-12).sqrt_()
    return r * (r - 1) / ((x / radius_x) ** 2 + (y / radius_y) ** 2).sqrt_().clamp_(min=1e-6)


def _capsule(x, y, start, end, radius_start, radius_end):
    """Signed distance to a line from start to end with round ends, its radius changing along the way."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    x, y = x - start[0], y - start[1]
    along = ((x * dx + y * dy) / (dx * dx + dy * dy)).clamp_(0, 1)
    radius = radius_start + (radius_end - radius_start) * along
    return ((x - along * dx) ** 2 + (y - along * dy) ** 2).sqrt_() - radius


def _smooth_union(a, b, blend):
    """Signed distance to two shapes joined, the crease between them filled over the width `blend`."""
    h = (1 - (a - b).abs() / blend).clamp_(min=0)
    return torch.minimum(a, b) - h * h * (blend / 4)


# ---- litters


def _choices(u):
    """(n, 4) int64: coat, ears, eye patch and tongue, each a uniform number cut into equal intervals."""
    counts = torch.tensor(CHOICES, device=u.device)
    return torch.minimum((u[:, :4].float() * counts).long(), counts - 1)


def litter(u):
    """(n,) int64 in 0..39: the litter that each row of u belongs to; `litter_name` says it in words.

    Raises TypeError or ValueError for other factors.
    """
    _check_factors(u)
    coat, ears, patch, tongue = _choices(u).t()
    return ((coat * 2 + ears) * 2 + patch) * 2 + tongue


def litter_name(k):
    """Litter k (0..39) in words, for example "brown coat, floppy ears, eye patch, tongue out".

    Raises ValueError for another number.
    """
    if isinstance(k, bool) or not hasattr(k, "__index__") or not 0 <= int(k) < N_LITTERS:
        raise ValueError(f"litters are numbered 0 to {N_LITTERS - 1}, but k is {k!r}")
    coat, ears, patch, tongue = list(itertools.product(*map(range, CHOICES)))[int(k)]
    return ", ".join([f"{COAT_NAMES[coat]} coat", ("floppy ears", "pointed ears")[ears],
                      ("no patch", "eye patch")[patch], ("tongue in", "tongue out")[tongue]])


def litter_of(pictures):
    """(n,) int64 in 0..39: the litter that each picture shows, read from its pixels by a small network.

    pictures: (n, 3, size, size) float32 in [0, 1], a little noise beyond it allowed, size at least 16.
    Weights: data/litter_network.npz, read at the first call.
    """
    return litter_probabilities(pictures).argmax(1)


def litter_probabilities(pictures):
    """(n, 40) probability of each litter for each picture: how sure `litter_of` is. Rows sum to 1."""
    weights = _litter_weights(pictures)
    coat, ears, patch, tongue = (s.softmax(1) for s in _litter_scores(litter_features(pictures), weights))
    return torch.einsum("na,nb,nc,nd->nabcd", coat, ears, patch, tongue).flatten(1)


@torch.no_grad()
def litter_features(pictures):
    """(n, 32) features of each picture, the litter network's last hidden layer: similar puppies lie close."""
    weights = _litter_weights(pictures)
    chunks = [_litter_features(_at_32(part), weights) for part in pictures.split(500)]
    return torch.cat(chunks) if chunks else pictures.new_empty(0, 32)


def _at_32(pictures):
    """Pictures at 32x32: averaged when they are larger, interpolated when they are smaller."""
    if pictures.shape[-1] == 32:
        return pictures
    if pictures.shape[-1] > 32:
        return F.interpolate(pictures, (32, 32), mode="area")
    return F.interpolate(pictures, (32, 32), mode="bilinear")


def _litter_features(pictures, weights):
    """(n, 32): three convolutions that halve the picture (8, 16, 32 channels), then one linear layer."""
    h = pictures - .5
    for layer in ("convolution_1", "convolution_2", "convolution_3"):
        h = F.relu(F.conv2d(h, weights[layer + "_weight"], weights[layer + "_bias"], stride=2, padding=1))
    return F.relu(F.linear(h.flatten(1), weights["features_weight"], weights["features_bias"]))


def _litter_scores(features, weights):
    """Scores before the softmax for coat (n, 5), ears, patch and tongue (n, 2)."""
    return F.linear(features, weights["heads_weight"], weights["heads_bias"]).split(CHOICES, 1)


def _litter_weights(pictures):
    """The network's weights on the pictures' device, after a check that it can read these pictures."""
    if not isinstance(pictures, torch.Tensor) or pictures.dtype != torch.float32:
        raise TypeError(f"pictures must be a float32 tensor in [0, 1], but they are {_kind(pictures)}")
    shape = tuple(pictures.shape)
    if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3] or shape[2] < 16:
        raise ValueError("pictures must have shape (n, 3, size, size) with size at least 16, "
                         f"but their shape is {shape}")
    if len(pictures) and not (pictures.min() >= -.5 and pictures.max() <= 1.5):  # nan fails this too
        low, high = pictures.min(), pictures.max()
        raise ValueError(f"pictures must lie in [0, 1], but they run from {low:.3g} to {high:.3g}")
    return _load_weights(pictures.device)


@functools.lru_cache(maxsize=4)
def _load_weights(device):
    if not WEIGHTS.exists():
        raise FileNotFoundError(f"{WEIGHTS.name} is missing from {WEIGHTS.parent.name}/: "
                                "run `python data/make_litter_network.py` to train it (three minutes)")
    with np.load(WEIGHTS, allow_pickle=False) as arrays:
        return {name: torch.tensor(arrays[name], dtype=torch.float32, device=device) for name in arrays.files}


# ---- checks at the door


def _kind(value):
    return f"a tensor of {value.dtype}" if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"


def _check_factors(u):
    if not isinstance(u, torch.Tensor) or not u.is_floating_point():
        raise TypeError(f"u must be a tensor of floating-point numbers, but it is {_kind(u)}")
    if u.ndim != 2 or u.shape[1] != N_FACTORS:
        raise ValueError(f"u must have shape (n, {N_FACTORS}), but its shape is {tuple(u.shape)}")
    if not torch.isfinite(u).all():
        raise ValueError("u holds nan or infinite numbers: every factor must lie in [0, 1]")
    if len(u) and (u.min() < 0 or u.max() > 1):
        raise ValueError(f"u runs from {u.min():.3g} to {u.max():.3g}, but every factor must lie in [0, 1]")


def _check_size(size):
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise TypeError(f"size must be a whole number of pixels, but it is {size!r}")
    if size < 8:
        raise ValueError(f"size must be at least 8 pixels, but it is {size}")
