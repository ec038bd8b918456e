"""From labelled photos to a head: which taxa are worth learning, and what is right on cameras it has not seen."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cli.errors import CommandError
from cli.training.evaluation import OTHER, Evaluation, Outcome
from cli.training.features import Seen
from cli.training.fit import STRANGER, Head, Samples, fit
from cli.training.labels import LabelledPhoto
from cli.words import count

LEAST_PHOTOS, LEAST_CAMERAS, LEAST_TAXA = 20, 3, 2
"""What a taxon and a head need: with fewer cameras, none would be left to test what was learnt from two others."""


def taxa_of(photos: Sequence[LabelledPhoto]) -> tuple[list[str], list[str]]:
    """Return the taxa that are worth learning, by name, and what the others lack, as texts.

    Raises `CommandError` if there are too few, or if it is not known which photos are of one camera.
    """
    homeless = [each.photo for each in photos if not each.camera]
    if homeless:
        raise CommandError(
            f"{count(len(homeless), 'photo is')} of no known camera, such as {homeless[0]}; put those of each camera "
            "into a folder of its own, give --deployments, or add the column camera"
        )
    pairs = {(each.taxon, each.photo, each.camera) for each in photos}
    number = Counter(taxon for taxon, _, _ in pairs)
    cameras = Counter(taxon for taxon, _ in {(taxon, camera) for taxon, _, camera in pairs})
    enough = [each for each in sorted(number) if number[each] >= LEAST_PHOTOS and cameras[each] >= LEAST_CAMERAS]
    few = [
        f"{taxon} ({count(number[taxon], 'photo')} of {count(cameras[taxon], 'camera')})"
        for taxon, _ in number.most_common()
        if taxon not in enough
    ]
    if len(enough) < LEAST_TAXA:
        have = f"; {', '.join(enough)} has enough" if enough else ""
        lack = f"; these have fewer photos, or cameras: {', '.join(few)}" if few else ""
        raise CommandError(
            f"there are too few labels to learn from: expected {LEAST_TAXA} taxa with {LEAST_PHOTOS} photos of "
            f"{LEAST_CAMERAS} cameras each{have}{lack}; label more photos, of more cameras"
        )
    return enough, few


def samples_of(seen: Sequence[Seen], taxa: Sequence[str]) -> Samples:
    """Return animals as numbers. A photo is judged by its surest box: one that people drew, if it has one."""
    at = {taxon: number for number, taxon in enumerate(taxa)}
    cameras = {camera: number for number, camera in enumerate(sorted({each.photo.camera for each in seen}))}
    main = {(each.checksum, each.photo.taxon): number for number, each in enumerate(seen)}  # the last is the surest
    is_main = np.zeros(len(seen), bool)
    is_main[list(main.values())] = True
    return Samples(
        np.array([each.features for each in seen], np.float32),
        np.array([at.get(each.photo.taxon, STRANGER) for each in seen], np.intp),
        np.array([cameras[each.photo.camera] for each in seen], np.intp),
        is_main,
    )


def learn(seen: Sequence[Seen], about: Evaluation) -> tuple[Head, Evaluation]:
    """Return a head, and what heads are right about that were trained without the cameras that they are tested on.

    `seen`: as `see` sorts them. `about`: an evaluation without outcomes, with the head's taxa and what is known of it.
    """
    ids = {each.scientific_name: each.taxon_id for each in about.taxa}
    samples = samples_of(seen, list(ids))
    fitted = fit(samples, len(ids), about.precision)
    outcomes = tuple(
        Outcome(each.photo.photo, each.photo.camera, ids.get(each.photo.taxon, OTHER), said, each.box)
        for each, said, is_main in zip(seen, fitted.said.astype(np.float32), samples.is_main, strict=True)
        if is_main
    )
    thresholds = dict(zip(ids.values(), fitted.thresholds, strict=True))
    known = [each.camera for each in outcomes if each.taxon != OTHER]
    return fitted.head, replace(
        about,
        outcomes=outcomes,
        thresholds=thresholds,
        curve=tuple(fitted.curve),
        photos=len(known),
        cameras=len(set(known)),
    )
