"""The examination: opposite numbers give opposite sentences; the command answers every question, once."""

import base64
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image as Pillow

from attribution.costs import duration
from attribution.examination import choosing, ordering, plan
from attribution.examination.drawing import Bar, Series, bars, legend_rows, lines, matrix, scores, ticks
from attribution.examination.page import ORDER
from attribution.examination.pictures import boxed
from attribution.examination.questions import (
    class_model,
    cross_saliency,
    discrimination,
    duality,
    editing,
    faithfulness,
    influence,
    instances,
    linearity,
    localisation,
    regulariser,
    rules,
    saliency_of_visualization,
    saturation,
    score_gap,
    softmax,
)
from attribution.examination.wording import UNKNOWN, number, ranged, within
from attribution.management.commands.examine import named_arms
from attribution.models import Image, Measurement, SaliencyMap, State, Visualization
from tests.attribution import demo_rows

KINDS = "bootstrap|Welch|t|sign test|exact binomial"
INTERVALS = rf"95 % ({KINDS}) over|range over|too few for an? (interval|range)|the same on all"
MARKS = [*(f"S{place}" for place in range(1, 17)), "+"]


def row(**values: float) -> dict[str, Any]:
    return dict(values)


OPPOSITES: list[tuple[Callable[..., str], tuple[Any, ...], str, tuple[Any, ...], str]] = [
    (duality.answer, ([0.98], 0.99), "draw the same image", ([0.1], 0.99), "draw different images"),
    (class_model.answer, (0.0, 9.0, 5.0), "above the 5.0", (0.0, 3.0, 5.0), "stays below the 5.0"),
    (
        softmax.answer,
        (row(logit=50, others=-10), row(logit=9, others=-30), 0.0),
        "stops early: .* in part by lowering",
        (row(logit=50, others=-30), row(logit=49, others=-10), 0.0),
        "climbs as far .* does not lower",
    ),
    (
        softmax.answer,
        (row(logit=-2, others=-10), row(logit=-6, others=-30), -8.0),
        "stops early: ",
        (row(logit=-2, others=-10), row(logit=-2.1, others=-30), -8.0),
        "climbs as far",
    ),
    (
        linearity.answer,
        (row(radius=0.003),),
        "a neighbourhood nobody lives in",
        (row(radius=0.2),),
        "a fair description",
    ),
    (
        influence.answer,
        ({("a", "b"): row(correlation=0.9), ("a", "c"): row(correlation=0.2)},),
        r"0.20 \(a and c\).*means nothing until",
        ({("a", "b"): row(correlation=0.9), ("a", "c"): row(correlation=0.8)},),
        "matters little which",
    ),
    (
        saturation.answer,
        (row(probability=0.999, ratio=0.001, kappa_mean=1.0),),
        "is saturated .* close to a straight line",
        (row(probability=0.5, ratio=0.4, kappa_mean=-2.0),),
        "is not saturated .* does not tell the rise .*−2.00",
    ),
    (
        saturation.second_order,
        ({"verdict": "order 2 helps", "r2_order_1": 0.5, "r2_order_2": 0.9},),
        "tells more of the score",
        ({"verdict": "too noisy", "r2_order_1": 0.5, "r2_order_2": -3.0},),
        "too noisy to be used",
    ),
    (
        saliency_of_visualization.answer,
        (0.9, 0.98, 1.2),
        "is the class model itself",
        (0.2, 0.3, 1.2),
        "had not come to rest",
    ),
    (
        cross_saliency.answer,
        (row(correlation=0.8), row(correlation=0.3)),
        "more than with shuffled .* not which class",
        (row(correlation=0.1), row(correlation=0.5)),
        "less than with shuffled .* depends on the class",
    ),
    (
        editing.answer,
        (row(probability=1, change=0.01), row(probability=1, change=0.05)),
        "2.6 grey levels .* adversarial example; smooth steps get there",
        (row(probability=0.1, change=0.1), row(probability=0.2, change=0.1)),
        "do not make the network see .* do not get there",
    ),
    (
        score_gap.answer,
        (4, 4, 6, 5.0, 80.0),
        "Every class model scores higher",
        (4, 0, 6, 5.0, 2.0),
        "No class model scores",
    ),
    (rules.answer, (row(cosine=0.99),), "nearly the same", (row(cosine=0.2),), "different things"),
    (
        localisation.answer,
        (
            row(
                pointing=0.9,
                centre_pointing=0.5,
                lead=0.4,
                lead_low=0.2,
                lead_high=0.6,
                is_found=0.5,
                whole_is_found=0.5,
            ),
        ),
        "knows more than the centre; 50 %",
        (
            row(
                pointing=0.2,
                centre_pointing=0.5,
                lead=-0.3,
                lead_low=-0.5,
                lead_high=-0.1,
                is_found=0.1,
                whole_is_found=0.5,
            ),
        ),
        "does worse than the centre",
    ),
    (
        localisation.answer,
        (row(mask_pointing=0.9, mask_centre_pointing=0.5, mask_lead=0.4, mask_lead_low=0.2, mask_lead_high=0.6),),
        "knows more than the centre",
        (row(mask_pointing=0.9, mask_centre_pointing=0.8, mask_lead=0.1, mask_lead_low=-0.1, mask_lead_high=0.3),),
        "no sure difference",
    ),
    (
        localisation._boxed,
        (row(is_found=0.8, whole_is_found=0.5, box_lead_low=0.1, box_lead_high=0.5),),
        "more than it",
        (row(is_found=0.4, whole_is_found=0.5, box_lead_low=-0.3, box_lead_high=0.1),),
        "no sure difference",
    ),
    (
        saturation.answer,
        (row(probability=0.6, ratio=0.05, kappa_mean=1.0),),
        "grows faint where the network is sure",
        (row(probability=0.99, ratio=0.005, kappa_mean=1.0),),
        "nearly blind",
    ),
    (
        saturation.answer,
        (row(probability=0.5, ratio=0.4, kappa_mean=1.0, kappa_mean_low=-3.0, kappa_mean_high=5.0),),
        "stays open",
        (row(probability=0.5, ratio=0.4, kappa_mean=1.0, kappa_mean_low=0.9, kappa_mean_high=1.1),),
        "close to a straight line",
    ),
    (saliency_of_visualization.along, ([2.0, 1.9],), "does not vanish", ([2.0, 0.1],), "fades"),
    (
        instances.answer,
        (row(pixels=0.1, features=0.9), row(count=1.6, count_low=1.1, count_high=2.1)),
        "one or several",
        (row(pixels=0.1, features=0.9), row(count=2.6, count_low=2.1, count_high=3.1)),
        "more than one",
    ),
    (
        discrimination.answer,
        (row(cosine=0.8), row(score=1, score_against=2), row(score=2, score_against=2)),
        "widens",
        (row(cosine=0.8), row(score=1, score_against=2), row(score=1, score_against=2)),
        "does not widen",
    ),
    (
        regulariser.answer,
        ({"none": row(high_frequencies=0.4, likeness=0.1), "blur": row(high_frequencies=0.01, likeness=0.7)},),
        "smoothness is the prior’s; “blur” draws much the same",
        ({"none": row(high_frequencies=0.4, likeness=0.1), "blur": row(high_frequencies=0.39, likeness=0.2)},),
        "No prior makes .* none of them draws the same",
    ),
    (
        instances.answer,
        (row(pixels=0.05, features=0.95), row(count=3.0)),
        "one of many; on average they show more than one",
        (row(pixels=0.9, features=0.95), row(count=1.0)),
        "nearly a single optimum; on average they show a single",
    ),
    (
        instances.experiment,
        (
            row(count=1.1, count_low=1.0, count_high=1.2),
            row(difference=2, difference_low=1, difference_high=3, networks=16, p_permutation=0.001),
        ),
        "trained on many instances draw more: .* draw about one",
        (
            row(count=3.1, count_low=2.5, count_high=3.7),
            row(difference=0.1, difference_low=-0.5, difference_high=0.7, networks=16, p_permutation=0.6),
        ),
        "no sure difference: 3.2 against 3.1.* draw many as well",
    ),
    (
        instances.experiment,
        (
            row(count=1.5, count_low=1.0, count_high=2.0),
            row(difference=-1, difference_low=-1.5, difference_high=-0.5, networks=16, p_permutation=0.001),
        ),
        "draw fewer, not more: .* stays open",
        (
            row(count=1.1, count_low=1.0, count_high=1.2),
            row(difference=2, difference_low=1, difference_high=3, networks=16, p_permutation=0.001),
        ),
        "draw more: ",
    ),
    (
        instances.robust,
        (
            {
                0.3: row(difference=1, difference_low=0.5, difference_high=1.5),
                0.5: row(difference=2, difference_low=1, difference_high=3),
            },
        ),
        "holds wherever",
        (
            {
                0.3: row(difference=-1, difference_low=-1.5, difference_high=-0.5),
                0.5: row(difference=2, difference_low=1, difference_high=3),
            },
        ),
        "hangs on where",
    ),
    (
        softmax.matched,
        (row(logit=9, others=-10), row(logit=5, others=-30)),
        "lowers the other classes more",
        (row(logit=9, others=-30), row(logit=5, others=-10)),
        "does not lower",
    ),
    (
        duality.training,
        ([[5.0, 5.0], [1.0, 0.1]], 1),
        "falls along both",
        ([[5.0, 5.0], [4.9, 0.1]], 1),
        "does not fall along both",
    ),
    (
        regulariser.elsewhere,
        ({"none": row(judged_rank=4), "tv": row(judged_rank=1)}, "B"),
        "“tv” shows the class as well",
        ({"none": row(judged_rank=4), "tv": row(judged_rank=3)}, "B"),
        "No prior’s image is the class to B",
    ),
    (
        discrimination.answer,
        (row(cosine=0.8), row(score=9, score_against=8), row(score=9, score_against=2)),
        "share their direction .* widens the visualization’s lead from 1.0 to 7.0",
        (row(cosine=0.0), row(score=9, score_against=2), row(score=8, score_against=2)),
        "little in common .* does not widen",
    ),
    (
        faithfulness.answer,
        (
            {
                "gradient": row(deletion_probability=0.2, deletion_probability_high=0.3),
                "noise": row(deletion_probability=0.8, deletion_probability_low=0.7),
            },
        ),
        "hangs on what the maps mark",
        (
            {
                "gradient": row(deletion_probability=0.7, deletion_probability_high=0.9),
                "noise": row(deletion_probability=0.8, deletion_probability_low=0.7),
            },
        ),
        "not surely worse",
    ),
    (
        faithfulness.randomisation,
        ({"edges": row(ssim=0.9)},),
        "had nothing been learned",
        ({"g": row(ssim=0.1)},),
        "Every map changes",
    ),
]


@pytest.mark.parametrize(
    ("say", "one", "words", "other", "opposite"),
    OPPOSITES,
    ids=[f"{case[0].__module__.rpartition('.')[2]}.{case[0].__name__}" for case in OPPOSITES],
)
def test_opposite_numbers_give_opposite_sentences(
    say: Callable[..., str], one: tuple[Any, ...], words: str, other: tuple[Any, ...], opposite: str
) -> None:
    assert re.search(words, say(*one)), say(*one)
    assert re.search(opposite, say(*other)), say(*other)
    assert not re.search(words, say(*other))
    assert not re.search(opposite, say(*one))


def test_a_number_that_is_not_there_is_said_not_to_be() -> None:
    for say in (linearity.answer, saturation.answer, rules.answer, saturation.second_order):
        assert say({}) == UNKNOWN
    assert within({}, "r2") == "not measured"
    assert within(row(r2=-0.5, r2_low=-1, r2_high=0.1), "r2") == "−0.50 (95 % interval −1.00 to 0.10)"
    assert "nobody can say" in localisation.answer({})


def test_every_number_is_told_with_its_named_uncertainty() -> None:
    measured = {"r2": 0.5, "r2_low": 0.4, "r2_high": 0.6, "interval": "95 % bootstrap over images"}
    told = number(measured, "r2", "what it is", factor=100, digits=0, unit=" %")
    assert told is not None
    assert (told.value, told.interval) == ("50 %", "95 % bootstrap over images: 40 to 60")
    assert within(measured, "r2") == "0.50 (95 % bootstrap 0.40 to 0.60)"
    alone = number({"r2": 0.5, "images": 1}, "r2", "what it is")
    assert alone is not None
    assert alone.interval == "of 1 image: too few for an interval"
    assert number({}, "r2", "what it is") is None
    counted = row(count=1.0, images=40)
    alike = number({**counted, "visualizations": 5}, "count", "instances", 1)
    two = number({**counted, "visualizations": 2}, "count", "instances", 1)
    assert alike is not None
    assert two is not None
    assert alike.interval == "the same on all 5 visualizations"
    assert two.interval == "of 2 visualizations: too few for an interval"
    only = ranged([20.1], "what it is", "images", 1)
    assert only is not None
    assert (only.value, only.interval) == ("20.1", "of 1 image: too few for a range")
    assert within(row(r2=-0.001, r2_low=-0.004, r2_high=0.2), "r2") == "0.00 (95 % interval 0.00 to 0.20)"
    few = ranged([1.0, -2.0], "what it is", "restarts", 1)
    assert few is not None
    assert (few.value, few.interval) == ("−0.5", "range over 2 restarts: −2.0 to 1.0")


def test_boxes_are_drawn_where_they_are() -> None:
    photo = np.zeros((64, 64, 3), dtype=np.uint8)
    shown = boxed(photo, [[16, 16, 48, 48]], [8, 8, 24, 24], "caption")
    data = base64.b64decode(shown.address.partition(",")[2])
    pixels = np.asarray(Pillow.open(io.BytesIO(data))).astype(int)
    scale = len(pixels) / 64
    assert pixels[round(47.5 * scale), round(32 * scale)].sum() > 250, "the object's box"
    assert pixels[round(8 * scale), round(8.5 * scale)].sum() > 250, "the box that was found"
    assert pixels[round(56 * scale) :].max() < 60, "nothing below either"


@pytest.mark.django_db
def test_the_arms_of_the_experiment_are_named_or_refused_in_words() -> None:
    for given, words in (
        (["one=a"], "There is no network “a”"),
        (["two=a,b"], "should be like one=a,b"),
        (["one="], "the arm one needs at least two networks"),
    ):
        with pytest.raises(ValueError, match=words):
            named_arms(given)


def test_figures_hold_every_name_and_number_and_no_markup_of_their_own() -> None:
    drawn = lines(
        [Series("<b>", [1, 10, 100], [0.5, 1, 2], [0.4, 0.9, 1.5], [0.6, 1.2, 3])],
        x="x",
        y="y",
        title='"t"',
        is_log=True,
    )
    assert "<b>" not in drawn
    assert drawn.count("<circle") == 3
    assert 'class="band c0"' in drawn
    assert lines([], x="x", y="y", title="t") == ""
    shown = bars([Bar("one", 0.25, 0.1, 0.4, 0.3), Bar("two", 2.0)], x="x", title="t")
    assert shown.count('class="interval"') == shown.count('class="mark"') == 1
    assert ">0.25<" in shown
    assert matrix(["a", "b"], {(0, 1): 0.25, (0, 0): 1, (1, 1): 1}, title="t").count(">.25<") == 2
    assert scores([1, 2], [0], [9], x="x", title="t").count('<line class="mark"') == 1
    assert legend_rows(["a" * 30, "b" * 30, "c"]) == [["a" * 30], ["b" * 30, "c"]]


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 1) == [0, 0.25, 0.5, 0.75, 1]
    assert ticks(-4.96, 87.2) == [0, 25, 50, 75]
    assert ticks(0, 0.32) == [0, 0.1, 0.2, 0.3]
    assert ticks(-1, 1) == [-1, -0.5, 0, 0.5, 1]


def test_time_is_told_in_words() -> None:
    assert duration(3) == "about 10 seconds"
    assert duration(600) == "about 10 minutes"
    assert duration(7200) == "about 2.0 hours"


@pytest.mark.django_db
def test_images_are_chosen_from_each_class_in_turn() -> None:
    network, images = demo_rows.network(), labelled_scenes()
    some = choosing.choose(network, images, 4)
    assert len({network.class_of(image) for image in some}) == 4
    assert [len(image.boxes) for image in choosing.varied(images, 4)] == [1, 2, 3, 1]
    shown = choosing.shown_first(network, some, network.class_of(some[2]) or 0)
    assert [some.index(image) for image in shown] == [2, 0, 1, 3]
    assert choosing.class_to_show(network, images, {}) == demo_rows.network().find("goose")


def labelled_scenes() -> list[Image]:
    scenes = demo_rows.DEMO / "scenes"
    tables = {"labels": scenes / "labels.csv", "boxes": scenes / "boxes.csv", "masks": scenes / "masks"}
    call_command("add_images", scenes, **tables, verbosity=0)
    return list(Image.objects.all())


def sections_of(page: str) -> dict[str, str]:
    """Mark -> HTML of each section."""
    parts = page.split('<p class="mark" aria-hidden="true">')[1:]
    return {part.partition("<")[0]: part for part in parts}


@pytest.mark.django_db(transaction=True)
def test_the_command_answers_every_question_and_computes_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(plan.LEVELS, "quick", plan.Level(3, 2, 3, 2, 2, 2, 1))
    monkeypatch.setattr(ordering, "SLOW_MAPS", ("occlusion", "smoothgrad_squared", "random_map"))
    monkeypatch.setattr(ordering, "INFLUENCES", ("gradient", "occlusion", "smoothgrad_squared"))
    monkeypatch.setattr("attribution.management.commands.examine.FIXTURES", tmp_path)
    for name in ("one_0", "one_1", "many_0", "many_1"):
        shutil.copy(demo_rows.CHECKPOINT, tmp_path / f"{name}.safetensors")
    demo_rows.network()
    labelled_scenes()
    twin = demo_rows.network("twin")
    call_command("examine", network="demo", out=tmp_path, budget="quick", beside=twin.name, verbosity=0)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    found = sections_of(page)
    assert list(found) == MARKS
    assert len(ORDER) == len(MARKS)
    for mark, section in found.items():
        answer = re.findall(r'<p class="answer">(.*?)</p>', section, re.S)
        assert len(answer) == 1, mark
        assert "could not be" not in answer[0], answer
        if mark != "S11":
            assert "<img" in section, f"{mark} shows no picture"
            numbers = re.findall(r"<dd><b>(.*?)</b> <span>(.*?)</span>", section)
            assert numbers, f"{mark} names no number"
            assert all(re.search(INTERVALS, interval) for _, interval in numbers), numbers
    assert "published numbers on other images" in found["S13"]
    assert "60.3" in found["S13"]
    assert "peak within the exact mask" in found["S13"]
    for row in Measurement.objects.filter(plugin="localisation"):
        masks = {image.content_hash: image.mask_hash for image in Image.objects.all()}
        assert row.subject["masks"] == [masks[image] for image in row.image_hashes]
        (mean,) = [line for line in row.table if line["image"] is None]
        assert mean["mask_pointing"] is not None
    assert "curvature of log p" in found["S6"]
    assert "the mean of 2 images that are not of the class" in found["S14"]
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert page.count("<svg") > 12
    assert page.count("data:image/png;base64,") > 40
    assert '<th scope="row">twin</th>' in found["S13"]
    assert "Training on many instances made no sure difference" in page, "the four networks are one and the same"
    states = {
        model: dict(model.objects.values_list("pk", "finished_at"))
        for model in (SaliencyMap, Visualization, Measurement)
    }
    assert not SaliencyMap.objects.exclude(state=State.DONE).exists()
    call_command("examine", network="demo", out=tmp_path, budget="quick", beside=twin.name, verbosity=0)
    for model, before in states.items():
        assert dict(model.objects.values_list("pk", "finished_at")) == before


@pytest.mark.django_db
def test_without_images_or_network_the_command_says_what_would_help(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no network “nothing”"):
        call_command("examine", network="nothing", out=tmp_path)
    demo_rows.network()
    with pytest.raises(CommandError, match="add some with add_images"):
        call_command("examine", network="demo", out=tmp_path)
