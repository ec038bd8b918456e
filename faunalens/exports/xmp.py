"""XMP: keywords, captions and regions of photos, as digiKam, darktable and Lightroom read them.

The sidecar of `IMG_1.JPG` is `IMG_1.JPG.xmp`, where digiKam and darktable look for it. Lightroom reads sidecars of raw
photos only (`IMG_1.xmp`), so keywords for it have to be in the JPEG itself, where digiKam reads them too.
"""

from pathlib import Path

from chalicelib.config import VERSION
from faunalens.errors import CommandError
from faunalens.exports.files import stamp, whole
from faunalens.study.finding import KINDS, Finding
from faunalens.study.study import Study, StudyPhoto
from faunalens.taxa.taxa import lineage_of
from faunalens.terminal import shown, warn
from faunalens.words import count, filled

EMPTY = "empty"
WORDS = KINDS | {"blank": EMPTY}
"""Keywords, and names of folders, for photos of other things than animals."""
LEVELS = ("class", "order", "family", "genus", "species")
"""Ranks of the hierarchy of keywords."""
PACKET = Path(__file__).with_suffix(".xml")
TOOLKIT = 'x:xmptk="Faunalens '
"""Marks a sidecar that we wrote; another program that changes the sidecar replaces this by its own name."""
JPEG_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
"""What a JPEG's segment of XMP begins with (XMP specification, part 3)."""


def caption(finding: Finding) -> str:
    """Return the everyday and the scientific name of what a finding shows."""
    if finding.named is None:
        return WORDS.get(finding.kind, finding.kind)
    return finding.named.name if finding.is_typed else str(finding.named)


def packet(photo: StudyPhoto) -> str:
    """Return the XMP of a photo: keywords, flat and as a hierarchy, a caption, and the box of each animal.

    The boxes are regions as the Metadata Working Group defines them; its word for an animal is `Pet`. The x and y of a
    region are its middle, as shares of the photo's width and height.
    """
    parts = photo.finding.each
    return filled(
        PACKET,
        version=VERSION,
        photo=photo,
        description=_description(photo),
        words=dict.fromkeys(word for part in parts for word in _words(part)),
        lineages=list(dict.fromkeys(filter(None, map(_lineage, parts)))),
        animals=[(caption(each), each.box) for each in parts if each.box and each.kind == "animal" and not each.clip],
    )


def inside(jpeg: bytes, xmp: str) -> bytes:
    """Return a JPEG with its XMP replaced by `xmp`. The picture and EXIF stay unchanged."""
    kept, position = [jpeg[:2]], 2
    while jpeg[position : position + 2] in (b"\xff\xe0", b"\xff\xe1"):  # JFIF and EXIF come first
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4])
        if not jpeg[position + 4 : end].startswith(JPEG_HEAD):
            kept.append(jpeg[position:end])
        position = end
    segment = JPEG_HEAD + xmp.encode()
    return b"".join((*kept, b"\xff\xe1", (len(segment) + 2).to_bytes(2), segment, jpeg[position:]))


def write_sidecars(study: Study, folder: Path) -> None:
    """Write each photo's sidecar at its path below a folder. Keep one that another program wrote or changed."""
    others = 0
    for photo in study.photos():
        target = folder / f"{photo.path}.xmp"
        if not target.resolve().is_relative_to(folder.resolve()):  # another person's results file may name one
            raise CommandError(f"{shown(photo.path)} lies outside of {folder}; take it out of the results first")
        if target.exists() and TOOLKIT.encode() not in target.read_bytes():
            others += 1
            continue
        with whole(target) as partial:
            partial.write_text(packet(photo), encoding="utf-8")
    if others:
        warn(f"{count(others, 'sidecar was')} made or changed by other programs, and left alone")


def _lineage(finding: Finding) -> tuple[str, ...]:
    """Return the scientific names from the class down to the animal; empty for a wider taxon or without an animal."""
    ranks = lineage_of(finding.named.scientific_name).ranks if finding.named else {}
    return tuple(ranks[level] for level in LEVELS if level in ranks)


def _words(finding: Finding) -> tuple[str, ...]:
    if finding.named is None or finding.is_typed:
        return (caption(finding),)
    return (finding.named.name, finding.named.scientific_name, *reversed(_lineage(finding)))


def _description(photo: StudyPhoto) -> str:
    """Return the caption of a photo: what it shows, where and when it was taken, and who or what said so."""
    found = []
    for part in photo.finding.each:
        said, number = part.said, f"{part.count} × " if part.count and part.count > 1 else ""
        words = (number + caption(part), said.sex, said.life_stage, said.behavior, said.note)
        found.append(", ".join(filter(None, words)) + part.remark)
    place = photo.deployment.partition(" @ ")[0]
    return ". ".join(filter(None, ("; ".join(found), place, stamp(photo.time), f"Classified by {photo.finding.by}")))
