"""Pictures: their scales, colours and exact pixels."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from attribution import rendering
from attribution.rendering import render

RAMP = np.arange(16, dtype=np.float64).reshape(1, 4, 4)
PHOTO = np.full((4, 4, 3), 200, dtype=np.uint8)


def pixels(rendered: rendering.Rendered) -> NDArray[np.uint8]:
    image = Image.open(io.BytesIO(rendered.png))
    assert image.size == (rendered.width, rendered.height)
    return np.asarray(image)


def test_ranks_are_spread_evenly_and_ties_share_their_mean_rank() -> None:
    shown = pixels(render("map", {}, array=RAMP))
    assert shown[:, :, 0].ravel().tolist() == [round(255 * rank / 15) for rank in range(16)]
    tied = rendering.scaled(np.array([1.0, 5.0, 5.0, 9.0]), "rank", [np.array([1.0, 5.0, 5.0, 9.0])])
    assert tied.tolist() == [0, 0.5, 0.5, 1]


@given(st.lists(st.floats(0, 1e3), min_size=2, max_size=40, unique=True))
@settings(max_examples=30, deadline=None)
def test_a_rank_picture_does_not_change_when_the_map_is_made_stronger(values: list[float]) -> None:
    one = np.array(values).reshape(1, 1, -1)
    assert render("map", {}, array=one).png == render("map", {}, array=one * 7).png


def test_a_signed_scale_has_zero_in_the_middle_and_a_linear_one_at_the_end() -> None:
    values = np.array([-2.0, -1.0, 0.0, 1.0])
    assert rendering.scaled(values, "signed", [values])[2] == 0.5
    assert rendering.scaled(np.array([0.0, 1.0, 2.0]), "linear", [np.array([0.0, 1.0, 2.0])])[0] == 0


@pytest.mark.parametrize("scale", rendering.MAP_SCALES)
@pytest.mark.parametrize("value", [0.0, 3.0, -3.0])
def test_a_map_of_equal_values_is_a_plain_picture(scale: str, value: float) -> None:
    shown = pixels(render("map", {"scale": scale}, array=np.full((1, 4, 4), value)))
    assert len(np.unique(shown)) == 1


def test_a_picture_has_the_pixels_of_its_map_and_enlarging_repeats_them() -> None:
    plain, enlarged = pixels(render("map", {}, array=RAMP)), pixels(render("map", {"enlarge": 3}, array=RAMP))
    assert plain.shape == (4, 4, 3)
    assert np.array_equal(enlarged, plain.repeat(3, axis=0).repeat(3, axis=1))


def test_every_colour_map_gets_lighter_or_runs_through_a_middle() -> None:
    for colours in rendering.COLOURS:
        shown = pixels(render("map", {"colours": colours}, array=np.arange(101.0).reshape(1, 1, 101)))[0] / 255.0
        linear = np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)
        lightness = np.cbrt(linear @ [0.2126, 0.7152, 0.0722])
        steps = np.diff(lightness)
        if colours == "managua_r":
            assert lightness.argmin() in range(40, 61)
        else:
            assert (steps > -1e-3).all()


def test_an_overlay_mixes_map_and_photo_by_its_opacity() -> None:
    clear = pixels(render("overlay", {"opacity": 0}, photo=PHOTO, array=RAMP))
    full = pixels(render("overlay", {"opacity": 1}, photo=PHOTO, array=RAMP))
    half = pixels(render("overlay", {"opacity": 0.5}, photo=PHOTO, array=RAMP))
    assert np.array_equal(clear, PHOTO)
    assert np.array_equal(full, pixels(render("map", {"colours": "viridis"}, array=RAMP)))
    assert np.abs(half.astype(float) - (clear.astype(float) + full) / 2).max() <= 0.5


def test_a_map_of_three_colours_shows_its_largest_or_its_signed_colours() -> None:
    three = np.stack([RAMP[0], -2 * RAMP[0], np.zeros((4, 4))])
    assert render("map", {}, array=three).png == render("map", {}, array=2 * RAMP).png
    signed = pixels(render("map", {"scale": "signed"}, array=three))
    assert signed[3, 3, 0] > 128 > signed[3, 3, 1]
    assert signed[3, 3, 2] == 128


def test_pictures_scaled_together_share_one_scale() -> None:
    weak = RAMP / 4
    alone = pixels(render("map", {"scale": "linear"}, array=weak))
    beside = pixels(render("map", {"scale": "linear"}, array=weak, together=[weak, RAMP]))
    assert alone.max() == 255
    assert beside.max() < 80


def test_a_visualization_keeps_its_own_values_or_is_stretched_when_faint() -> None:
    faint = 0.5 + 0.001 * np.random.default_rng(0).standard_normal((3, 8, 8))
    own = pixels(render("visualization", {}, array=faint))
    assert np.abs(own.astype(float) - faint.transpose(1, 2, 0) * 255).max() <= 0.5
    stretched = pixels(render("visualization", {"scale": "stretch"}, array=faint))
    assert stretched.std() > 20 * max(own.std(), 1)
    over = pixels(render("visualization", {}, array=np.stack([np.full((2, 2), value) for value in (-1.0, 0.0, 2.0)])))
    assert over[0, 0].tolist() == [0, 0, 255]


def test_a_photo_is_shown_pixel_by_pixel() -> None:
    assert np.array_equal(pixels(render("photo", {}, photo=PHOTO)), PHOTO)


@pytest.mark.parametrize(
    ("display", "given", "words"),
    [
        ("hologram", {}, "There is no display “hologram”; there are: photo"),
        ("map", {"opacity": 1}, "no parameter opacity"),
        ("map", {"scale": "log"}, "none of rank, linear, signed"),
        ("map", {"colours": "jet"}, "none of grey, viridis"),
        ("visualization", {"scale": "rank"}, "none of own, stretch"),
        ("overlay", {"opacity": 2}, "from 0 to 1"),
        ("photo", {"enlarge": 0}, "whole number from 1 to 16"),
        ("photo", {"enlarge": 2.5}, "whole number from 1 to 16"),
    ],
)
def test_what_a_display_lacks_is_refused_in_words(display: str, given: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        rendering.complete(display, given)


def test_what_is_missing_or_cannot_be_shown_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="needs a photo"):
        render("overlay", {}, array=RAMP)
    with pytest.raises(ValueError, match="needs an array"):
        render("map", {})
    with pytest.raises(ValueError, match="cannot lie over"):
        render("overlay", {}, array=RAMP, photo=np.zeros((5, 5, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match="not finite"):
        render("map", {}, array=np.full((1, 2, 2), np.nan))
