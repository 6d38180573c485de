"""The course's colours are the same everywhere, legible on light and dark, and told apart by colour-blind readers."""

import re
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from backprop_lessons import colours

FOLDER = Path(colours.__file__).parent
CSS = (FOLDER / "course.css").read_text("utf-8")
MEANINGS = ["VALUES", "GRADIENTS", "PARAMETERS", "LOSS", "TRAINING", "VALIDATION", "ORANGE"]
# What JupyterLab 4's light and dark themes give for the text and the page.
THEMES = {"light": ("#212121", "#ffffff"), "dark": ("#ffffff", "#111111")}


def rgb(colour):
    return np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])


def mix(first, second, share):
    """What CSS's color-mix(in srgb, first share, second) gives."""
    return share * first + (1 - share) * second


def linear(colour):
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(first, second):
    """WCAG 2's contrast ratio, 1 … 21."""
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


def css_share(name):
    """The first share in the color-mix that defines --bp-<name>."""
    return float(re.search(rf"--bp-{name}: color-mix\(in srgb, var\(--bp-[a-z]+\) (\d+)%", CSS)[1]) / 100


def surface(theme):
    text, page = map(rgb, THEMES[theme])
    return mix(text, page, css_share("surface"))


@pytest.mark.parametrize("name", MEANINGS)
def test_the_css_has_the_same_colours(name):
    assert re.findall(rf"--bp-{name.lower()}: (#\w+);", CSS) == [getattr(colours, name)]


def test_the_matplotlib_style_has_the_same_colours():
    style = matplotlib.rc_params_from_file(FOLDER / "course.mplstyle", use_default_template=False)
    cycle = style["axes.prop_cycle"].by_key()
    assert cycle["color"] == [getattr(colours, name) for name in MEANINGS]
    assert len(set(map(str, cycle["linestyle"]))) == len(MEANINGS)  # a dash tells them apart as well
    for setting in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color"):
        assert "#" + style[setting].lstrip("#") == colours.INK
    assert "#" + style["grid.color"].lstrip("#") == colours.FAINT
    assert "#" + style["savefig.facecolor"].lstrip("#") == colours.PAPER


def test_every_colour_that_the_css_uses_is_defined_or_has_a_fallback():
    defined = set(re.findall(r"(--bp-[\w-]+):", CSS))
    used = set(re.findall(r"var\((--bp-[\w-]+)\)", CSS))
    assert used <= defined
    assert all("," in use for use in re.findall(r"var\(--jp-[^)]*\)", CSS))


def test_everything_in_the_css_stays_inside_the_course():
    rules = re.sub(r"/\*.*?\*/|\([^)]*\)", "", CSS, flags=re.S)  # no comments, nothing in brackets
    selectors = [s.strip() for head in re.findall(r"([^{}]+)\{", rules) for s in head.split(",")]
    assert selectors and all(s.startswith(".backprop") for s in selectors)


@pytest.mark.parametrize("name", ["VALUES", "GRADIENTS", "PARAMETERS", "LOSS", "TRAINING"])
def test_lines_and_bars_stand_out_on_paper(name):
    assert contrast(rgb(getattr(colours, name)), rgb(colours.PAPER)) >= 3


def test_text_on_a_figure_is_legible():
    assert contrast(rgb(colours.INK), rgb(colours.PAPER)) >= 7


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", MEANINGS)
def test_words_in_a_colour_are_legible_in_both_themes(name, theme):
    text = mix(rgb(getattr(colours, name)), rgb(THEMES[theme][0]), css_share(f"{name.lower()}-text"))
    assert contrast(text, surface(theme)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_soft_text_is_legible_in_both_themes(theme):
    text, page = map(rgb, THEMES[theme])
    assert contrast(mix(text, page, css_share("text-soft")), surface(theme)) >= 4.5


# From G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A Physiologically-based Model for Simulation of
# Color Vision Deficiency" (2009), severity 1.0; on linear RGB.
VISION = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def lab(linear_rgb):
    """CIE L*a*b*, in which a distance of 2 is just visible."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear_rgb
    ratio = np.clip(xyz / [0.9505, 1, 1.089], 0, None)
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION)
def test_colours_that_meet_in_a_figure_are_told_apart(vision):
    together = [("VALUES", "GRADIENTS", "PARAMETERS", "LOSS"), ("TRAINING", "VALIDATION"), ("VALUES", "ORANGE")]
    for group in together:
        for one, other in combinations(group, 2):
            seen = [lab(np.array(VISION[vision]) @ linear(rgb(getattr(colours, name)))) for name in (one, other)]
            assert np.linalg.norm(seen[0] - seen[1]) >= 15, (one, other)
