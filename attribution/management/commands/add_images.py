"""Add the images of a folder, all of them or none, with what is known of them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from attribution import files, images


class Command(BaseCommand):
    help = (
        "Add the images of a folder (or a zip archive): decoded, made upright and plain, and stored anew. If anything "
        "is wrong with any of them, every problem is listed and nothing is added. Images that are there already are "
        "not added again; what is said of them now is noted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder, searched with all below it, or a .zip")
        parser.add_argument("--labels", type=Path, help="CSV: file,label_index,label; further columns are facts")
        parser.add_argument("--boxes", type=Path, help="CSV: file,object,left,top,right,bottom in pixels")
        parser.add_argument(
            "--masks", type=Path, help="folder of masks, each named like its image; black is background"
        )
        parser.add_argument("--source", default="", help="where the images come from")
        parser.add_argument("--licence", default="", help="under which licence they are")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            given = gather(options["folder"], options["labels"], options["boxes"], options["masks"])
            with tqdm(total=len(given.images), unit="image", disable=options["verbosity"] == 0) as bar:

                def progress(fraction: float) -> None:
                    bar.update(round(fraction * len(given.images)) - bar.n)

                added = images.add(
                    given.images,
                    labels=given.tables.get("labels.csv"),
                    boxes=given.tables.get("boxes.csv"),
                    masks=given.masks,
                    source=options["source"],
                    licence=options["licence"],
                    progress=progress,
                )
        except files.FileError as error:
            problems = "\n".join(f"  - {problem}" for problem in error.problems)
            raise CommandError(f"Nothing was added.\n{problems}") from error
        self.stdout.write(f"Added {added.new} images.")
        if already := len(added.images) - added.new:
            self.stdout.write(f"{already} were there already; what is known of {added.changed} of them changed.")
        if given.left_out:
            self.stdout.write(f"Left out, being no images: {', '.join(given.left_out)}.")


def gather(folder: Path, labels: Path | None, boxes: Path | None, masks: Path | None) -> files.Archive:
    """What a folder or zip archive holds, with the tables and masks that were named; raises FileError."""
    named = {name: path for name, path in (("labels.csv", labels), ("boxes.csv", boxes)) if path}
    if missing := [path for path in named.values() if not path.is_file()]:
        raise files.FileError([f"There is no file {path}." for path in missing])
    is_archive = folder.suffix.lower() == ".zip"
    given = files.in_archive(files.on_disk(folder)) if is_archive else files.in_folder(folder, without=masks)
    if not given.images:
        raise files.FileError([f"There are no images in {folder}."])
    used = {path.resolve() for path in named.values()}
    return files.Archive(
        images=given.images,
        masks=files.in_folder(masks).images if masks else given.masks,
        tables={**given.tables, **{name: files.on_disk(path) for name, path in named.items()}},
        left_out=[name for name in given.left_out if (folder / name).resolve() not in used],
    )
