"""Pages of computed pictures: ordered by forms that plug-ins make, browsed with state, words of errors, curves."""

import math

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.urls import reverse

from attribution import plugins
from attribution.models import Measurement, Picture, SaliencyMap, State, Visualization, Worker
from study.dashboard import curves
from study.dashboard.forms.parameters import ParametersForm

from . import factories
from .test_dashboard_networks import predict

ORDER = "/dashboard/pictures/order/"
FOLDERS = ("attribution.methods", "attribution.visualizations", "attribution.networks", "study.protocols")
PLUGINS = [(folder, name) for folder in FOLDERS for name in plugins.names(folder)]
ORDERED = [(kind, name) for kind in ("methods", "visualizations") for name in plugins.names(f"attribution.{kind}")]


@pytest.fixture
def client(client, db):
    client.force_login(User.objects.create_user("ada"), backend="django.contrib.auth.backends.ModelBackend")
    factories.network()
    return client


def parameters(folder: str, plugin: str, **changes: str) -> dict[str, str]:
    """The plug-in's own defaults, as a browser sends them."""
    form = ParametersForm(folder, plugin)
    shown = {name: form[name].value() for name in form.fields}
    data = {name: field for name, field in shown.items() if field is not None and field is not False}
    return {f"parameters-{name}": str(value) for name, value in {**data, **changes}.items()}


def order(client, kind="methods", plugin="gradient", **data):
    defaults = {"network": "tested", "scalar": "logit", "seed": "0"}
    if kind == "methods":
        defaults |= {"images": "*", "target": "label"}
    address = f"{ORDER}{kind}/{plugin}/"
    return client.post(address, {**defaults, **parameters(f"attribution.{kind}", plugin), **data}, follow=True)


@pytest.mark.parametrize(("folder", "name"), PLUGINS)
def test_every_plug_in_has_a_form_whose_defaults_are_its_own(folder, name):
    form = ParametersForm(folder, name, parameters(folder, name))
    assert form.is_valid(), form.errors
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in form.complete.items()}
    declared = plugins.describe(folder, name).parameters
    assert given == {key: tuple(value) if isinstance(value, list) else value for key, value in declared.items()}


def test_a_form_asks_for_what_the_plug_in_declares(client):
    page = client.get(f"{ORDER}visualizations/class_model/").text
    for name in plugins.describe("attribution.visualizations", "class_model").parameters:
        assert f'name="parameters-{name}"' in page


def test_everything_that_can_be_computed_is_offered_and_keeps_what_was_chosen_before(client):
    page = client.get(ORDER, {"network": "tested"}).text
    for kind in ("methods", "visualizations"):
        for name in plugins.names(f"attribution.{kind}"):
            assert f'href="{ORDER}{kind}/{name}/?network=tested"' in page
    assert '<option value="tested" selected>' in client.get(f"{ORDER}methods/gradient/?network=tested").text


def test_an_unknown_plug_in_leads_back_to_the_choice(client):
    for place in ("methods/os/", "settings/gradient/", "visualizations/gradient/"):
        assert client.get(ORDER + place)["Location"] == ORDER


def test_a_form_says_what_a_picture_costs_as_its_parameters_stand(client):
    assert f'hx-get="{ORDER}methods/sobol_total/cost/"' in client.get(f"{ORDER}methods/sobol_total/").text

    def cost(kind, name, **data):
        given = {"network": "tested", **parameters(f"attribution.{kind}", name, **data)}
        return client.get(f"{ORDER}{kind}/{name}/cost/", given).text.strip()

    assert cost("methods", "sobol_total") == "A map each: about 1,000 forward passes of one image."
    assert cost("methods", "centre") == "A map each: it asks the network nothing."
    assert "must hold" in cost("methods", "occlusion", stride="0.5", square="0.2")
    assert cost("methods", "sobol_total", grid="many") == ""
    factories.images(1)
    order(client)
    SaliencyMap.objects.update(state=State.DONE, seconds=0.1)  # a gradient: 2.5 passes
    assert cost("methods", "sobol_total").endswith("1,000 forward passes of one image: about 40 seconds.")
    assert "forward passes of one image: about 40 seconds." in order(client, plugin="sobol_total").text
    assert client.get(f"{ORDER}settings/gradient/cost/").status_code == 404


def test_maps_are_ordered_once_for_each_images_label(client):
    factories.images(4)
    assert "4 pictures ordered from the workers." in order(client).text
    assert {row.target["index"] for row in SaliencyMap.objects.all()} == {0, 1, 2, 3}
    assert "4 pictures ordered" in order(client).text, "they wait still"
    SaliencyMap.objects.update(state=State.DONE)
    assert "4 were computed before and are kept." in order(client).text
    assert SaliencyMap.objects.count() == 4


def test_a_pattern_chooses_images(client):
    factories.images(4)
    order(client, images="goose_*")
    assert SaliencyMap.objects.get().image.label == "goose"
    assert "None of the 4 images is named like “penguin*”" in order(client, images="penguin*").text


def test_named_classes_are_asked_of_every_image(client):
    factories.images(2)
    order(client, target="named", classes="kettle\n0")
    assert SaliencyMap.objects.count() == 4
    assert {row.target["index"] for row in SaliencyMap.objects.all()} == {0, 4}


def test_an_unknown_class_is_refused_with_the_names_like_it(client):
    factories.images(1)
    page = order(client, target="named", classes="gooose").text
    assert "tested has no class “gooose”; like it are: goose" in page
    assert not SaliencyMap.objects.exists()


def test_an_image_without_a_label_that_the_network_knows_is_named(client):
    (image,) = factories.images(1)
    image.label, image.label_index = "teapot", None
    image.save()
    assert f"1 of the images have no label that tested knows, {image.name} for one" in order(client).text


def test_predicted_classes_wait_for_the_predictions(client):
    images = factories.images(2)
    page = order(client, target="predicted").text
    assert "tested has not been asked about 2 of the images" in page
    assert Measurement.objects.filter(plugin="predictions").count() == 2
    for image in images:
        predict(factories.network(), image, "ostrich")
    order(client, target="predicted")
    assert [row.target["index"] for row in SaliencyMap.objects.all()] == [5, 5]


def test_a_contrast_is_ordered_of_maps_and_of_visualizations(client):
    factories.images(2)
    order(client, target="named", classes="lemon", against="goose")
    assert {row.target_words for row in SaliencyMap.objects.all()} == {"lemon minus goose"}
    order(client, "visualizations", "class_model", classes="lemon", against="0")
    assert Visualization.objects.get().target == {"index": 1, "against": 0, "scalar": "logit"}


def test_a_contrast_that_makes_no_sense_is_refused_with_the_reason(client):
    factories.images(2)
    assert "tested has no class “gooose”" in order(client, against="gooose").text
    assert "“goose” minus itself is 0 everywhere" in order(client, against="goose").text
    assert "A contrast is a difference of two logits" in order(client, against="kettle", scalar="probability").text
    assert not SaliencyMap.objects.exists()


def test_units_are_ordered_with_and_without_a_position(client):
    factories.images(2)
    order(client, target="units", units="block4.activation:7\r\nblock4.activation:7:2, 3", scalar="probability")
    channel = {"module": "block4.activation", "channel": 7, "scalar": "logit"}
    targets = [row.target for row in SaliencyMap.objects.order_by("pk")]
    assert targets == [channel, {**channel, "position": [2, 3]}] * 2
    order(client, "visualizations", "unit", classes="goose", units="stem.0:1")
    assert [row.target_words for row in Visualization.objects.order_by("pk")] == ["goose", "stem.0 channel 1"]


@pytest.mark.parametrize("units", ["block4", "block4:", ":7", "block4:-1", "block4:7:2", "block4:7:2,3,4", "a b:1"])
def test_what_is_no_unit_is_refused_with_what_one_is(client, units):
    page = order(client, "visualizations", "unit", units=units).text
    assert f"“{units}” is no unit; one is written module:channel" in page
    assert not Visualization.objects.exists()


def test_classes_and_units_that_would_be_passed_over_are_refused(client):
    factories.images(1)
    assert "Choose “the classes named below” to have these" in order(client, classes="goose").text
    assert "Choose “the units named below” to have these" in order(client, units="block4:7").text
    assert "Name at least one unit." in order(client, target="units").text
    assert "Name at least one class." in order(client, target="named").text
    assert "Name at least one class or unit." in order(client, "visualizations", "unit").text
    assert not SaliencyMap.objects.exists()


@pytest.mark.parametrize("plugin", ["edit", "occluded", "two_gradients"])
def test_what_begins_at_a_photo_is_ordered_of_each_image(client, plugin):
    images = factories.images(3)
    assert "This field is required." in order(client, "visualizations", plugin, classes="goose").text
    order(client, "visualizations", plugin, classes="goose; kettle", images="*_[01].png")
    assert {row.image for row in Visualization.objects.all()} == set(images[:2])
    assert Visualization.objects.count() == 4


@pytest.mark.parametrize(("kind", "name"), ORDERED)
def test_a_form_asks_only_for_targets_that_the_plug_in_takes(client, kind, name):
    page = client.get(f"{ORDER}{kind}/{name}/").text
    described = plugins.describe(f"attribution.{kind}", name)
    assert ('name="units"' in page) == ("unit" in described.explains)
    assert ('value="units"' in page) == ("unit" in described.explains and kind == "methods")
    assert ('name="against"' in page) == ("contrast" in described.explains)
    assert ('name="images"' in page) == (kind == "methods" or "start" in described.asks)


def test_a_parameter_that_does_not_fit_is_said_beside_it(client):
    page = order(client, "visualizations", "class_model", classes="goose", **{"parameters-steps": "many"}).text
    assert "Enter a whole number." in page
    assert not Visualization.objects.exists()


def test_visualizations_carry_parameters_scalar_and_seed(client):
    order(
        client,
        "visualizations",
        "class_model",
        classes="goose; lemon",
        scalar="margin",
        seed="5",
        **{"parameters-steps": "7"},
    )
    first, second = Visualization.objects.order_by("pk")
    assert (first.parameters["steps"], first.seed) == (7, 5)
    assert first.target == {"index": 0, "scalar": "margin"}
    assert second.target["index"] == 1


def test_pictures_are_browsed_by_kind_network_plug_in_state_and_image(client):
    factories.images(2)
    order(client)
    SaliencyMap.objects.filter(image__label="lemon").update(state=State.FAILED, error="The worker ran out of memory.")
    address = reverse("dashboard:pictures")
    assert "The worker ran out of memory." in client.get(address, {"state": "failed"}).text
    found = client.get(address, {"words": "goose", "plugin": "gradient", "network": "tested"}).text
    assert "goose_0.png" in found
    assert "lemon_1.png" not in found
    assert "No pictures like that" in client.get(address, {"network": "another"}).text
    assert "No pictures yet" in client.get(address, {"kind": "visualizations"}).text


def test_the_list_asks_again_only_while_something_is_to_come(client):
    factories.images(2)
    order(client)
    address = reverse("dashboard:pictures")
    waiting = client.get(address, headers={"HX-Request": "true"}).text
    assert "0 of 2 finished" in waiting
    assert "every 3s" in waiting
    for row in SaliencyMap.objects.all():
        picture = Picture(plugin="overlay", saliency_map=row, image=row.image, network=row.network, state=State.DONE)
        picture.file.save("any.png", ContentFile(factories.png(row.pk)), save=False)
        picture.fill().save()
    SaliencyMap.objects.update(state=State.DONE)
    over = client.get(address, headers={"HX-Request": "true"}).text
    assert "every 3s" not in over
    assert Picture.objects.first().url in over


def test_a_failed_computation_is_tried_again(client):
    factories.images(1)
    order(client)
    row = SaliencyMap.objects.get()
    SaliencyMap.objects.update(state=State.FAILED, error="The worker ran out of memory.", attempts=3)
    address = reverse("dashboard:picture", args=["methods", row.pk])
    assert "The worker ran out of memory." in client.get(address).text
    assert "What failed waits for a worker again." in client.post(f"{address}retry/", follow=True).text
    row.refresh_from_db()
    assert (row.state, row.error, row.attempts) == (State.PENDING, "", 0)


def test_an_order_tries_again_what_failed_before(client):
    factories.images(1)
    order(client)
    SaliencyMap.objects.update(state=State.FAILED, error="The worker ran out of memory.", attempts=3)
    assert "1 picture ordered from the workers." in order(client).text
    assert SaliencyMap.objects.get().state == State.PENDING


def test_a_rendering_that_failed_is_tried_again_with_its_map(client):
    factories.images(1)
    order(client)
    SaliencyMap.objects.update(state=State.DONE)
    row = SaliencyMap.objects.get()
    Picture(plugin="overlay", saliency_map=row, state=State.FAILED, error="The disk is full.").fill().save()
    address = reverse("dashboard:picture", args=["methods", row.pk])
    assert "The disk is full." in client.get(address).text
    client.post(f"{address}retry/")
    assert Picture.objects.get().state == State.PENDING
    assert SaliencyMap.objects.get().state == State.DONE


def test_a_page_says_when_no_worker_is_there_to_do_what_waits(client):
    factories.images(1)
    order(client)
    words = "No worker is running"
    assert words in client.get(reverse("dashboard:pictures")).text
    assert words in client.get(reverse("dashboard:home")).text
    Worker.objects.heard("worker", 1)
    assert words not in client.get(reverse("dashboard:pictures")).text


def test_a_row_whose_plug_in_is_gone_still_has_its_page(client):
    factories.images(1)
    order(client)
    SaliencyMap.objects.update(plugin="forgotten", state=State.DONE)
    row = SaliencyMap.objects.get()
    assert "forgotten" in client.get(reverse("dashboard:picture", args=["methods", row.pk])).text


def test_a_visualization_shows_its_curves(client):
    order(client, "visualizations", "class_model", classes="goose")
    Visualization.objects.update(
        state=State.DONE, curves={"gradient_norm": [[1.0, 2.0], [3.0, 4.0]]}, provenance={"torch": "9"}
    )
    row = Visualization.objects.get()
    page = client.get(reverse("dashboard:picture", args=["visualizations", row.pk])).text
    assert page.count("<polyline") == 2
    assert "gradient norm over the steps, between 1 and 4" in page


def test_curves_fill_their_frame_and_leave_out_what_is_not_finite():
    (drawing,) = curves.drawings({"logit": [[0.0], [math.inf], [5.0], [10.0]]})
    points = [tuple(map(float, point.split(","))) for point in drawing.lines[0].split()]
    assert points == [(4.0, 86.0), (158.7, 45.0), (236.0, 4.0)]
    assert curves.drawings({"logit": [[math.nan]], "none": []}) == []
