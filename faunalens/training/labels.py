"""Read labels, by people or programs, which say what photos show: files that `faunalens import` reads, or a table."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import batched, chain
from pathlib import Path
from typing import NamedTuple

from chalicelib.corrections import RESULT, picture_of, unquoted
from chalicelib.location import cell_of, parse_cell
from chalicelib.model.detector import Box
from faunalens.errors import CommandError
from faunalens.importing.labels import (
    COLUMNS,
    PHOTO_COLUMNS,
    Label,
    called,
    cell_at,
    faults_of,
    first_of,
    folder_labels,
    labels_in,
    package_folder,
    plain,
    rows_in,
)
from faunalens.importing.predictions import Predictions
from faunalens.study.deployments import Deployments, deployment_at, place_of
from faunalens.study.finding import Observation, machine_of, opinions_of
from faunalens.study.results import BATCH, ResultsFile
from faunalens.study.study import Study
from faunalens.study.video import is_video
from faunalens.taxa.names import kind_called, taxon_called, taxon_of_label
from faunalens.taxa.taxa import ANIMALS

TABLE = PHOTO_COLUMNS | {"name": COLUMNS["name"]}
"""The names that a table's columns may have, by meaning."""
SQLITE = b"SQLite format 3\0"
_REVIEWED = "select distinct photo from review order by photo"
CARD = re.compile(r"dcim|\d{3}[a-z_]\w{2,4}", re.IGNORECASE)
"""Folders that a camera makes on its card, such as DCIM/100EK113: they do not tell cameras apart."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


class LabelledPhoto(NamedTuple):
    """A photo and what it shows. `taxon`: scientific name. `camera`: name of the photo's deployment, or its folder.

    `cell`: H3 cell of its place, or None. `boxes`: around its animals of this taxon; empty if the labels have no boxes.
    """

    photo: Path
    taxon: str
    camera: str
    cell: int | None = None
    boxes: tuple[Box, ...] = ()


@dataclass(slots=True)
class Labels:
    """The labelled photos to learn from. `left_out`: by path, why other labelled photos are not used."""

    photos: list[LabelledPhoto] = field(default_factory=list)
    left_out: dict[Path, str] = field(default_factory=dict)

    def add(self, source: Path, root: Path | None, deployments: Deployments) -> None:
        """Read the labels in a file or folder, and add its photos. `root`: folder of the photos, if they are elsewhere.

        `deployments`: cameras and places of photos whose labels do not say them. Raises `CommandError`.
        """
        folder, found = _read(source.absolute())
        base, by_photo = (root or folder).absolute(), defaultdict[Path, list[Label]](list)
        for label in found:
            if label.said:
                by_photo[base / (label.file or label.photo)].append(label)
        for photo, lines in by_photo.items():
            self._add(photo, lines, base, deployments)

    def _add(self, photo: Path, lines: Sequence[Label], base: Path, deployments: Deployments) -> None:
        animals = [(said, each) for said in lines for each in said.said if each.kind == "animal"]
        taxa = {each.scientific_name or "" for _, each in animals if each.scientific_name != ANIMALS}
        if is_video(photo.name):
            self.left_out[photo] = "it is a video"
        elif not taxa:
            self.left_out[photo] = "no animal is named"
        elif "" in taxa:
            name = next(each.name for _, each in animals if not each.scientific_name)
            self.left_out[photo] = f"'{name}' is not a taxon that Faunalens knows"
        elif len(taxa) > 1 and not all(said.boxes for said, _ in animals):
            self.left_out[photo] = "several taxa are named"
        elif not photo.is_file():
            self.left_out[photo] = "there is no such file"
        else:
            camera, cell = _where(photo, lines, base, deployments)
            for taxon in sorted(taxa):
                boxes = {box: None for said, each in animals if each.scientific_name == taxon for box in said.boxes}
                self.photos.append(LabelledPhoto(photo, taxon, camera, cell, tuple(boxes)))


def _where(photo: Path, lines: Sequence[Label], base: Path, deployments: Deployments) -> tuple[str, int | None]:
    """Return camera and cell of a photo: from its labels, or else from the table of deployments.

    If neither names a camera, it is the photo's folder.
    """
    camera, cell = next(((each.camera, each.cell) for each in lines if each.camera), ("", lines[0].cell))
    below = photo.relative_to(base).as_posix() if photo.is_relative_to(base) else photo.name
    row = deployments.named(camera) if camera else deployment_at(deployments.at(below), None)
    if row:
        place = place_of(row)
        camera = camera or row["deploymentID"]
        cell = cell_of(place.latitude or 0.0, place.longitude or 0.0) if cell is None else cell
    folders = below.split("/")[:-1]
    folders = [each for each in folders if not (CARD.fullmatch(each) or kind_called(each) or taxon_called(each))]
    return camera or "/".join(folders), cell


def _read(source: Path) -> tuple[Path, Iterator[Label]]:
    """Return the labels in a file or folder, and before them the folder to which their photos' paths are relative."""
    folder = package_folder(source) or (source if source.is_dir() else source.parent)
    with suppress(OSError), source.open("rb") as file:  # a folder has no header
        if file.read(len(SQLITE)) == SQLITE:
            return folder, _of_results(source)
    if Predictions.is_form_of(source):
        return folder, _of_predictions(source)
    return folder, labels_in(source) or (folder_labels(source) if source.is_dir() else _of_table(source))


def _of_results(source: Path) -> Iterator[Label]:
    """Yield a label for each reviewed photo of a results file: its newest review, with the boxes of its answer."""
    with ResultsFile(source, write=False) as results:
        study = Study(results, 0)
        folder, ids = Path(study.folder), [identity for (identity,) in results.rows(_REVIEWED)]
        for row in chain.from_iterable(study.rows(some) for some in batched(ids, BATCH, strict=False)):
            photo, said = study.photo(row), opinions_of(row)[-1].observations
            boxes = tuple(
                Box(box.x, box.y, box.width, box.height, each.probability, "animal")
                for each in machine_of(row).each
                if each.kind == "animal" and (box := each.box)
            )
            several = len({each.scientific_name for each in said}) > 1  # a person did not say which box is which
            cell = cell_at(photo.latitude, photo.longitude)
            path, camera = str(folder / photo.path), photo.deployment
            yield Label(path, said, camera=camera, cell=cell, boxes=() if several else boxes)


def _of_predictions(source: Path) -> Iterator[Label]:
    """Yield a label for each animal's box in a file of predictions, with the best class of the box or the photo."""
    for said in Predictions(source):
        found = said.frames.get(-1)
        if found is None or said.failure or said.pixels:
            continue
        for box, classes in found.boxes:
            best = (classes or found.whole)[:1]
            if box.kind == "animal" and best:
                yield Label(said.path, (_observation(best[0][0]),), boxes=(box,))


def _observation(label: str) -> Observation:
    found = taxon_of_label(label)
    latin = found.scientific_name if found.is_known else None
    return Observation(found.kind, found.name, latin, found.rank) if found.kind == "animal" else Observation(found.kind)


def _of_table(source: Path) -> Iterator[Label]:
    """Yield a label for each row of a table; a row has a photo and an animal."""
    with faults_of(source):
        for row in rows_in(source):
            fields = {plain(name): value for name, value in row.items()}
            found = {what: first_of(fields, names) for what, names in TABLE.items()}
            if not any(name in fields for name in TABLE["photo"]) or not any(name in fields for name in TABLE["name"]):
                raise CommandError(
                    f"{source} has the columns {', '.join(row)}; expected one with the photo's path, such as file, and "
                    "one with the animal, such as scientific_name; further ones may be camera, latitude, longitude, box"
                )
            if (result := fields.get("result", "")).startswith(RESULT):  # a correction: its picture is named by its id
                found["photo"] = picture_of(result)
                found["camera"] = fields.get("cell") or result  # a cell counts as one camera
                found["name"] = unquoted(found["name"])
            if found["name"] and found["photo"] and fields.get("method") != "machine":  # as in our own CSV
                text = fields.get("cell", "")
                cell = parse_cell(text) if text else cell_at(found["latitude"], found["longitude"])
                said = (called(found["name"]),)
                yield Label(found["photo"], said, camera=found["camera"], cell=cell, boxes=_boxes(fields))


def _boxes(fields: Mapping[str, str]) -> tuple[Box, ...]:
    """Return the box in a row, if any: left, top, width and height, in pixels if the row also has the photo's size.

    Raises `CommandError` for a malformed box; otherwise a detector's would silently take its place.
    """
    text = fields.get("box", "")
    sides = [float(each) for each in _NUMBER.findall(text)]
    if not text.strip():
        return ()
    width, height = (float(fields.get(name) or 1) for name in ("width", "height"))
    if len(sides) != 4 or max(sides[0], sides[2]) > 2 * width or max(sides[1], sides[3]) > 2 * height:
        raise CommandError(
            f"the box '{text}' is not left;top;width;height as shares of the photo, or in pixels beside columns width "
            "and height with the photo's size; correct the table, or leave boxes out to have them found"
        )
    left, top = max(sides[0] / width, 0.0), max(sides[1] / height, 0.0)
    across, down = min(sides[2] / width, 1 - left), min(sides[3] / height, 1 - top)
    return (Box(left, top, across, down, 1.0, "animal"),) if across > 0 < down else ()
