"""S9: editing an image through back-propagation."""

from attribution.diagnostics._intervals import SHARE, mean_interval

from ..drawing import Series, lines
from ..ordering import EDITS
from ..pictures import picture
from ..results import Results
from ..section import Section
from ..wording import Row, number, plain, ranged

SEEN = 0.5  # the probability from which on the network counts as seeing the other class


def answer(raw: Row, smooth: Row) -> str:
    """Of raw and smooth steps, means over images: ``probability`` at the end, ``change`` (RMS) where p passes 0.5."""
    needed = f"Raw steps need a change of {plain(255 * raw['change'], 1)} grey levels until the network sees the other"
    first = (
        f"{needed} class: an adversarial example"
        if raw["probability"] > SEEN and raw["change"] < 0.03
        else f"{needed} class: no longer a small one"
        if raw["probability"] > SEEN
        else f"Raw steps within the budget do not make the network see the other class (p {plain(raw['probability'])})"
    )
    second = (
        f"smooth steps get there at {plain(255 * smooth['change'], 1)} grey levels, and have to draw something"
        if smooth["probability"] > SEEN
        else f"smooth steps do not get there (p {plain(smooth['probability'])})"
    )
    return f"{first}; {second}."


def ask(found: Results) -> Section:
    first = found.plan.images[0]
    toward = found.label(found.plan.edited_toward(first))
    section = Section(
        "S9",
        "Editing an image through back-propagation",
        f"Back-propagation can change an image as well as explain it. What happens on the way to “{toward}”?",
        how="Gradient ascent on a real image within a root mean square change of 0.1 of its range (25.5 grey levels). "
        "Raw steps are adversarial examples (Szegedy et al. 2014); smoothed and low-pass steps have to show something.",
    )
    ends: dict[str, dict[str, float]] = {}
    along, climbed = [], []
    for prior in EDITS:
        title = prior.replace("_", "-")
        _strip(found, section, prior, title)
        there = [end for image in found.plan.few if (end := _end(found, f"edit {prior} {image.pk}"))]
        if not there:
            continue
        ends[prior] = {key: sum(end[key] for end in there) / len(there) for key in ("probability", "change")}
        changes = [255 * end["change"] for end in there if end["probability"] > SEEN]
        if len(changes) < len(there):
            mean, low, high, interval = mean_interval([end["probability"] > SEEN for end in there], seed=0, kind=SHARE)
            seen = {"seen": mean, "seen_low": low, "seen_high": high, "seen_interval": interval, "images": len(there)}
            section.count(
                number(seen, "seen", f"of {title} edits are seen as the other class", 0, factor=100, unit=" %")
            )
        section.count(ranged(changes, f"grey levels of change until p > {SEEN:g}, {title} steps", "images", 1))
        size = (3 * found.plan.network.view_size**2) ** 0.5
        name = f"edit {prior} {first.pk}"
        moved = [255 * value / size for value in found.curve(name, "distance")]
        along.append(Series(title, moved, found.curve(name, "probability")))
        climbed.append(Series(title, moved, found.curve(name, "logit")))
    x = "grey levels of change (root mean square)"
    caption = f"The probability of {toward} by how far the image has been changed."
    section.draw(lines(along, x=x, y=f"p of {toward}", title=caption, low=0, high=1), caption)
    caption = f"The score of {toward} on the same way."
    section.draw(lines(climbed, x=x, y="S_c", title=caption), caption)
    if {"raw", "smoothed"} <= set(ends):
        section.answer = answer(ends["raw"], ends["smoothed"])
    covered = found.arrays("occluded").get("images")
    if covered is not None:
        section.show(
            "Taken away instead: the squares whose loss costs the score most, filled from their surroundings",
            [
                found.photo(first, "before"),
                *(picture("visualization", f"loss {place + 1}", array=image) for place, image in enumerate(covered)),
            ],
            is_large=True,
        )
    section.miss(*found.trouble(*(f"edit {prior} {first.pk}" for prior in EDITS), "occluded"))
    return section


def _strip(found: Results, section: Section, prior: str, title: str) -> None:
    first = found.plan.images[0]
    name = f"edit {prior} {first.pk}"
    arrays, p = found.arrays(name), found.curve(name, "probability")
    if not arrays or not p:
        return
    start = found.photos[first.pk].astype(float).transpose(2, 0, 1) / 255
    frames = len(arrays["path"])
    pictures = [found.photo(first, f"before: p {plain(p[0])}")]
    for place in range(1, frames, 2):
        step = round(place * (len(p) - 1) / (frames - 1))
        pictures.append(picture("visualization", f"step {step}: p {plain(p[step])}", array=arrays["path"][place][0]))
    change = arrays["images"][0].astype(float) - start
    pictures.append(picture("visualization", "the change, stretched", array=change, scale="stretch"))
    section.show(f"{title.capitalize()} steps", pictures, is_large=True)


def _end(found: Results, name: str) -> dict[str, float]:
    p, moved = found.curve(name, "probability"), found.curve(name, "distance")
    if not p:
        return {}
    there = next((step for step, value in enumerate(p) if value > SEEN), len(p) - 1)
    return {"probability": p[-1], "change": moved[there] / (3 * found.plan.network.view_size**2) ** 0.5}
