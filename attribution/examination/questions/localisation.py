"""S13: better results, by accuracy and by weakly supervised localisation?"""

from ..drawing import Bar, bars
from ..pictures import Picture, boxed
from ..results import Results
from ..section import Section
from ..wording import Row, number, plain

# Simonyan, Vedaldi & Zisserman 2013 (arXiv 1312.6034), section 3; the AlexNet numbers are those it quotes from
# Krizhevsky, Sutskever & Hinton 2012 for a single network.
PUBLISHED = (
    ("Simonyan et al. 2013, ILSVRC-2013 validation", "60.3", "82.3", "", "", "", "", "53.6 (test set)"),
    ("AlexNet, as quoted there", "59.3", "81.8", "", "", "", "", ""),
)
HEAD = (
    "network",
    "top-1 %",
    "top-5 %",
    "peak on the object %",
    "centre on it %",
    "box %",
    "whole image as box %",
    "top-5 and box %",
)
WANTED = {
    "top-1 right": ("top1", None),
    "top-5 right": ("top5", None),
    "peak on the object (mark: the image’s centre)": ("pointing", "centre_pointing"),
    "peak within the exact mask (mark: the centre)": ("mask_pointing", "mask_centre_pointing"),
    "share of the map in the boxes (mark: their area)": ("mass", "area"),
    "box at IoU 0.5 (mark: the whole image)": ("is_found", "whole_is_found"),
    "a central box at IoU 0.5": ("centre_is_found", None),
    "right in five and localised": ("top5_found", None),
}


def answer(row: Row) -> str:
    """The pointing game against the centre, image by image, in boxes or else in masks; and boxes at IoU 0.5."""
    kind = "mask_" if row.get("pointing") is None else ""
    hit, centre, lead = (row.get(f"{kind}{name}") for name in ("pointing", "centre_pointing", "lead"))
    if hit is None or centre is None or lead is None:
        return "There are no boxes and no masks, so nobody can say whether the maps lie on the objects."
    low, high = row.get(f"{kind}lead_low"), row.get(f"{kind}lead_high")
    numbers = f"{100 * hit:.0f} % of the maps peak on the object, the image’s centre lies on it in {100 * centre:.0f} %"
    boxes = "" if kind else f"; {_boxed(row)}"
    if low is None or high is None or low <= 0 <= high:
        return f"{numbers}: no sure difference on so few images{boxes}."
    return f"{numbers}: the map {'knows more than' if lead > 0 else 'does worse than'} the centre{boxes}."


def _boxed(row: Row) -> str:
    """Boxes at IoU 0.5 against taking the whole image for the box, which is right wherever an object fills it."""
    low, high = row.get("box_lead_low"), row.get("box_lead_high")
    verdict = (
        "no sure difference"
        if low is None or high is None or low <= 0 <= high
        else "more than it"
        if low > 0
        else "fewer than it"
    )
    return (
        f"{100 * row['is_found']:.0f} % of the objects get a box at IoU 0.5, the whole image is one for "
        f"{100 * row['whole_is_found']:.0f} %: {verdict}"
    )


def ask(found: Results) -> Section:
    section = Section(
        "S13",
        "Better results?",
        "The paper localises objects from maps of a network that was never trained to, and compares its accuracy with "
        "AlexNet’s. How do these networks do?",
        how="Pointing: the map’s peak within 15 of 224 pixels of a box. Boxes as in section 3.2 of the paper: Gaussian "
        "mixtures of the colours above the map’s 95 % and below its 30 % quantile, a graph cut (at a side of at most "
        "96 pixels), the largest component’s box, right from IoU 0.5 on. A label that is among the first five answers "
        "is localised by its own map, as there.",
    )
    plan = found.plan
    measured = {network.name: found.summary(f"localisation {network.name}") for network in (plan.network, *plan.beside)}
    row = measured[plan.network.name]
    section.answer = answer(row)
    section.count(
        number(row, "pointing", "of the maps peak on the object", 0, factor=100, unit=" %"),
        number(row, "lead", "points ahead of the image’s centre", 0, factor=100),
        number(row, "mask_pointing", "of the maps peak within the exact mask", 0, factor=100, unit=" %"),
        number(row, "is_found", "of the objects get a box at IoU 0.5", 0, factor=100, unit=" %"),
        number(row, "box_lead", "points ahead of the whole image as the box", 0, factor=100),
        number(row, "top1", "of the images are named right at once", 0, factor=100, unit=" %"),
    )
    section.draw(
        bars(
            [
                Bar(
                    title,
                    row[name],
                    row.get(f"{name}_low"),
                    row.get(f"{name}_high"),
                    row.get(beside) if beside else None,
                )
                for title, (name, beside) in WANTED.items()
                if row.get(name) is not None
            ],
            x="share of images, with 95 % intervals",
            title="Localisation",
            high=1,
        ),
        f"{plan.network.name} over {row.get('images', 0)} images with labels or boxes.",
    )
    ours = [(name, *_cells(one)) for name, one in measured.items() if one]
    section.tell(
        "Networks side by side on the same images, in % right with 95 % exact binomial intervals. The last two rows "
        "are published numbers on other images, ImageNet’s, and are no comparison with these: top-1 and top-5 errors "
        "of 39.7 % and 17.7 % against 40.7 % and 18.2 %, and 46.4 % localisation error among five.",
        HEAD,
        [*ours, *PUBLISHED],
    )
    section.show("Where the maps put the object (dashed), and where it is (line)", _boxes(found), is_large=True)
    if not plan.beside:
        section.miss("Only one network was examined; --beside names others that are to stand beside it.")
    if row and row.get("top1") is None:
        section.miss("No image has a label among the network’s classes, so its accuracy is not known.")
    section.miss(*found.trouble(*(f"localisation {name}" for name in measured)))
    return section


def _cells(row: Row) -> list[str]:
    cells = []
    for name in ("top1", "top5", "pointing", "centre_pointing", "is_found", "whole_is_found", "top5_found"):
        value, low, high = (row.get(f"{name}{end}") for end in ("", "_low", "_high"))
        ends = "" if low is None or high is None else f" ({plain(100 * low, 0)} to {plain(100 * high, 0)})"
        cells.append("" if value is None else f"{plain(100 * value, 0)}{ends}")
    return cells


def _boxes(found: Results) -> list[Picture]:
    """Some images with boxes, localised and not."""
    rows = {row["image"]: row for row in found.table(f"localisation {found.plan.network.name}") if row.get("image")}
    with_boxes = [image for image in found.plan.pool if image.boxes and image.name in rows]
    right = [image for image in with_boxes if rows[image.name]["is_found"]]
    wrong = [image for image in with_boxes if not rows[image.name]["is_found"]]
    pictures = []
    for image in [*right[:4], *wrong[:4]]:
        row = rows[image.name]
        ends = [row.get(side) for side in ("left", "top", "right", "bottom")]
        guess = [float(end) for end in ends if end is not None]
        caption = f"{'right' if row['is_found'] else 'wrong'}: IoU {plain(row['iou'])}"
        pictures.append(boxed(found.photos[image.pk], found.boxes(image), guess, caption, words=image.name))
    return pictures
