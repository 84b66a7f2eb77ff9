"""The examination: opposite numbers give opposite sentences; the command answers every question, once."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from attribution.costs import duration
from attribution.examination import answers, plan
from attribution.examination.drawing import Bar, Series, bars, legend_rows, lines, matrix, scores, ticks
from attribution.examination.page import ORDER
from attribution.examination.sections_of_visualizations import permutation
from attribution.models import Image, Measurement, SaliencyMap, State, Visualization
from tests.attribution import demo_rows

MARKS = [*(f"S{number}" for number in range(1, 17)), "+"]


def row(**values: float) -> dict[str, Any]:
    return dict(values)


OPPOSITES: list[tuple[Callable[..., str], tuple[Any, ...], str, tuple[Any, ...], str]] = [
    (answers.duality, ({"ball": 0.98},), "draw the same image", ({"ball": 0.1},), "draw different images"),
    (answers.class_model, (0.0, 9.0, 5.0), "above the 5.0", (0.0, 3.0, 5.0), "stays below the 5.0"),
    (
        answers.softmax,
        (row(logit=50, others=-10), row(logit=9, others=-30)),
        "stops early: .* in part by lowering",
        (row(logit=50, others=-30), row(logit=49, others=-10)),
        "climbs as far .* does not lower",
    ),
    (
        answers.linearity,
        (row(radius=0.003),),
        "a neighbourhood nobody lives in",
        (row(radius=0.2),),
        "a fair description",
    ),
    (
        answers.influence,
        ({("a", "b"): row(correlation=0.9), ("a", "c"): row(correlation=0.2)},),
        r"0.20 \(a and c\).*means nothing until",
        ({("a", "b"): row(correlation=0.9), ("a", "c"): row(correlation=0.8)},),
        "matters little which",
    ),
    (
        answers.saturation,
        (row(probability=0.999, ratio=0.001, kappa_mean=1.0),),
        "is saturated .* close to a straight line",
        (row(probability=0.5, ratio=0.4, kappa_mean=-2.0),),
        "is not saturated .* does not tell the rise .*−2.00",
    ),
    (
        answers.second_order,
        ({"verdict": "order 2 helps", "r2_order_1": 0.5, "r2_order_2": 0.9},),
        "tells more of the score",
        ({"verdict": "too noisy", "r2_order_1": 0.5, "r2_order_2": -3.0},),
        "too noisy to be used",
    ),
    (
        answers.saliency_of_visualization,
        (0.9, 0.98, 1.2),
        "is the class model itself",
        (0.2, 0.3, 1.2),
        "had not come to rest",
    ),
    (
        answers.cross_saliency,
        (row(correlation=0.8), row(correlation=0.3)),
        "more than with shuffled .* not which class",
        (row(correlation=0.1), row(correlation=0.5)),
        "less than with shuffled .* depends on the class",
    ),
    (
        answers.editing,
        (row(probability=1, change=0.01), row(probability=1, change=0.05)),
        "2.6 grey levels .* adversarial example; smooth steps get there",
        (row(probability=0.1, change=0.1), row(probability=0.2, change=0.1)),
        "do not make the network see .* do not get there",
    ),
    (answers.score_gap, (4, 4, 6, 5.0, 80.0), "Every class model scores higher", (4, 0, 6, 5.0, 2.0), "No class model"),
    (answers.rules, (row(cosine=0.99),), "nearly the same", (row(cosine=0.2),), "different things"),
    (
        answers.localisation,
        (row(pointing=0.9, pointing_low=0.8, pointing_high=1, centre_pointing=0.5, is_found=0.5),),
        "knows more than the centre",
        (row(pointing=0.2, pointing_low=0.1, pointing_high=0.3, centre_pointing=0.5, is_found=0.1),),
        "does worse than the centre",
    ),
    (
        answers.regulariser,
        ({"none": row(high=0.4, likeness=0.1), "blur": row(high=0.01, likeness=0.7)},),
        "smoothness is the prior's; “blur” draws much the same",
        ({"none": row(high=0.4, likeness=0.1), "blur": row(high=0.39, likeness=0.2)},),
        "No prior makes .* none of them draws the same",
    ),
    (
        answers.restarts,
        (row(pixels=0.05, features=0.95), row(count=3.0)),
        "one of many; on average they show more than one",
        (row(pixels=0.9, features=0.95), row(count=1.0)),
        "nearly a single optimum; on average they show a single",
    ),
    (
        answers.arms,
        ((1.0, 1.0), (3.0, 3.0), 0.01),
        "trained on many instances draw more .* draw about one",
        ((3.0, 3.0), (3.0, 3.2), 0.6),
        "no sure difference .* more than one as well",
    ),
    (
        answers.discrimination,
        (row(cosine=0.8), row(score=9, score_against=8), row(score=9, score_against=2)),
        "share their direction .* widens the visualization's lead from 1.0 to 7.0",
        (row(cosine=0.0), row(score=9, score_against=2), row(score=8, score_against=2)),
        "little in common .* does not widen",
    ),
    (
        answers.faithfulness,
        (
            {
                "gradient": row(deletion_probability=0.2, deletion_probability_high=0.3),
                "random_map": row(deletion_probability=0.8, deletion_probability_low=0.7),
            },
        ),
        "hangs on what the maps mark",
        (
            {
                "gradient": row(deletion_probability=0.7, deletion_probability_high=0.9),
                "random_map": row(deletion_probability=0.8, deletion_probability_low=0.7),
            },
        ),
        "not surely worse",
    ),
    (
        answers.randomisation,
        ({"edges": row(ssim=0.9)},),
        "had nothing been learned",
        ({"g": row(ssim=0.1)},),
        "Every map changes",
    ),
]


@pytest.mark.parametrize(
    ("say", "one", "words", "other", "opposite"), OPPOSITES, ids=[case[0].__name__ for case in OPPOSITES]
)
def test_opposite_numbers_give_opposite_sentences(
    say: Callable[..., str], one: tuple[Any, ...], words: str, other: tuple[Any, ...], opposite: str
) -> None:
    assert re.search(words, say(*one)), say(*one)
    assert re.search(opposite, say(*other)), say(*other)
    assert not re.search(words, say(*other))
    assert not re.search(opposite, say(*one))


def test_a_number_that_is_not_there_is_said_not_to_be() -> None:
    for say in (answers.linearity, answers.saturation, answers.rules, answers.second_order):
        assert say({}) == answers.UNKNOWN
    assert answers.within({}, "r2") == "not measured"
    assert answers.within(row(r2=-0.5, r2_low=-1, r2_high=0.1), "r2") == "−0.50 (95 % interval −1.00 to 0.10)"
    assert "nobody can say" in answers.localisation({})


def test_networks_are_compared_by_permuting_networks() -> None:
    assert permutation([1, 1, 1, 1], [5, 5, 5, 5]) == pytest.approx(2 / 70)
    assert permutation([1, 5, 1, 5], [5, 1, 5, 1]) == 1
    assert permutation([1, 2], [1, 2]) == 1


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
    some = plan.choose(network, images, 4)
    assert len({network.class_of(image) for image in some}) == 4
    assert [len(image.boxes) for image in plan.varied(images, 4)] == [1, 2, 3, 1]
    assert plan.class_to_show(network, images, {}) == demo_rows.network().find("goose")


def labelled_scenes() -> list[Image]:
    scenes = demo_rows.DEMO / "scenes"
    tables = {"labels": scenes / "labels.csv", "boxes": scenes / "boxes.csv", "masks": scenes / "masks"}
    call_command("add_images", scenes, **tables, verbosity=0)
    return list(Image.objects.all())


def sections_of(page: str) -> dict[str, str]:
    marks = re.findall(r'<p class="mark" aria-hidden="true">(.*?)</p>', page)
    return dict(zip(marks, re.findall(r'<p class="answer">(.*?)</p>', page, re.S), strict=True))


@pytest.mark.django_db(transaction=True)
def test_the_command_answers_every_question_and_computes_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(plan.LEVELS, "quick", plan.Level(images=3, few=2, steps=3, restarts=2))
    monkeypatch.setattr(plan, "SLOW_MAPS", ("occlusion", "smoothgrad_squared"))
    monkeypatch.setattr(plan, "INFLUENCES", ("gradient", "occlusion", "smoothgrad_squared"))
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
    assert all(answer and "could not be answered" not in answer for answer in found.values()), found
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert page.count("<svg") > 12
    assert page.count("data:image/png;base64,") > 40
    assert "The same images, 2 networks" in page
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
