"""List the photos that a run is to identify: new ones below the given paths, and ones that it has to do again.

Photos are named by their path relative to the study's folder.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from faunalens.errors import CommandError, UsageError
from faunalens.study.deployments import Where, corrected
from faunalens.study.photos import RAW, is_text, root_of, walk, with_slashes
from faunalens.study.results import BATCH, ListedPhoto, ResultsFile, now
from faunalens.study.video import INSTALL, can_read, is_video
from faunalens.terminal import MOST_FAULTS, warn
from faunalens.words import count


def study_folder(results: ResultsFile, paths: Sequence[Path], given: Path | None) -> Path:
    """Return the study's folder, to which paths of photos are relative, and save it. `given`: the value of --root."""
    known = results.study().get("folder")
    folder = given.absolute() if given else root_of(paths)
    if known and not given:
        is_there = Path(known).is_dir()
        if is_there:
            folder, fits = Path(known), all(path.is_relative_to(known) for path in paths)
        else:  # if the study was moved, one of its first photos is there
            some = [path for (path,) in results.rows("select path from photo order by id limit ?", BATCH)]
            fits = not some or any((folder / path).exists() for path in some)
        if not fits:
            but = "but these are elsewhere" if is_there else f"which is gone, and none of them is below {folder}"
            advice = "choose another results file, or say with --root where the study's folder is now"
            raise UsageError(f"{results.path} has photos below {known}, {but}; {advice}")
    if not is_text(str(folder)):
        raise CommandError(f"the name of the folder {folder} is not UTF-8; rename it")
    outside = next((path for path in paths if not path.is_relative_to(folder)), None)
    if outside:
        raise UsageError(f"{outside} is not below {folder}; choose another --root")
    results.describe(folder=folder.as_posix())
    return folder


def photos_below(paths: Sequence[Path], root: Path, where: Where, closed: list[str]) -> Iterator[ListedPhoto]:
    """Yield the photos at or below all paths; warn of photos left out. `closed`: list to add unreadable folders to."""
    films, strange, gone, start = 0, 0, 0, len(str(root).rstrip(os.sep)) + 1
    homeless, left_out = Counter[str](), Counter[str]()
    for path in paths:
        for entry in walk(path, left_out, closed):
            name = with_slashes(os.fspath(entry)[start:])
            if not is_text(name):
                strange += 1
                continue
            try:
                status = entry.stat()
            except OSError:
                gone += 1
                continue
            photo = where.of(name, status.st_size, status.st_mtime_ns)
            films += is_video(name)
            homeless[name.rpartition("/")[0]] += photo.deployment is None and not where.deployments.at(name)
            yield photo
    if left_out:
        listed = ", ".join(f"{number:,} {suffix}" for suffix, number in left_out.most_common())
        advice = "" if can_read() or left_out.keys() <= RAW else f"; {INSTALL}"
        warn(f"videos and raw photos are left out ({listed}){advice}")
    if films:
        said = f"{count(films, 'video has')} a time of their own, taken for the camera's clock"
        warn(f"{said}; some cameras write UTC: compare with photos, and correct it with --shift")
    if strange:
        warn(f"{count(strange, 'photo is')} left out, because the name is not UTF-8; rename it")
    if gone:
        warn(f"{count(gone, 'photo is')} left out: a link to nothing, or gone since")
    if closed:
        some = ", ".join(closed[:MOST_FAULTS])
        warn(f"{count(len(closed), 'folder')} cannot be read, so their photos are missing: {some}")
    warn_of_homeless(homeless, where, root)


def warn_of_homeless(homeless: Counter[str], where: Where, root: Path | None = None) -> None:
    """Warn of photos in no deployment, if there are any deployments. `homeless`: their number by folder.

    `root`: the study's folder; if given, also name folders in the table of deployments that do not exist.
    """
    if not (number := homeless.total()) or not where.deployments.rows:
        return
    folder = homeless.most_common(1)[0][0] or "the study's folder itself"
    said = f"{count(number, 'photo is')} in no deployment's folder, such as in {folder}"
    absent = [each for each in where.deployments.by_folder if root and not (root / each).is_dir()]
    if absent:
        said += f"; {count(len(absent), 'folder')} of the table not in {root}, such as {absent[0]}"
    warn(f"{said}; these photos get their place from --lat and --lon, or from EXIF")


def warn_of_changes(results: ResultsFile) -> None:
    """Warn how many answers this run replaces: by --again or --boxes, or as a photo's place or file has changed."""
    number, reviewed = results.changed()
    if number:
        stays = f"; the reviews of {reviewed:,} of them stay" if reviewed else ""
        warn(f"{count(number, 'answer is')} made again, as the photo's size, place or options changed{stays}")


Again = Literal["all", "outdated"]

_MARK = """
update photo set state = 'new', checksum = null
where answer is not null and state in ('done', 'touched') and path in (select path from temp.listed) and
"""
SINCE, MODELS = "again", "models"
"""Names of facts about a study: when an unfinished run with `--again all` began, and which models gave answers."""


def mark(results: ResultsFile, again: Again | None, versions: Callable[[], dict[str, str]], *, boxes: bool) -> None:
    """Mark as new the photos to identify again, among those that were listed for this run.

    `versions`: returns the version of each model of this run, by name. `boxes`: also mark answers without boxes.
    """
    known = results.study()
    models = versions() if again or MODELS not in known else {}
    since = (known.get(SINCE) or now()) if again == "all" else ""
    has_more = bool(set(models) - set(known.get(MODELS, "").split("\n"))) and MODELS in known

    def is_outdated(text: str, taken: str | None, shift: float) -> str | None:
        """Return "yes" if an answer has other versions of models or data, or another month than the photo's; else None.

        `text`: the answer, JSON. `taken`: time on the camera's clock. `shift`: seconds to add to it.
        """
        answer = json.loads(text)
        model, features = answer["model"], answer["features"]
        used = {each["name"]: each["version"] for each in (model, *model.get("packs", ()))}
        used |= {"data": features["version"]} if "data" in models and features.get("version") else {}
        month = features.get("month")
        is_other = month and taken and corrected(taken, shift).month != month
        return "yes" if has_more or is_other or any(models.get(name) != used[name] for name in used) else None

    results.define("is_outdated", is_outdated)
    results.describe(**{SINCE: since})
    with results.transaction() as connection:
        if again == "all":
            connection.execute(f"{_MARK} identified <= ?", (since,))
        if again == "outdated":
            connection.execute(f"{_MARK} is_outdated(answer, taken, shift) is not null")
        if boxes:
            connection.execute(f"{_MARK} answer ->> '$.animals' is null")
    others = "select 1 from photo where answer is not null and path not in (select path from temp.listed) limit 1"
    if models and (MODELS not in known or next(results.rows(others), None) is None):
        results.describe(**{MODELS: "\n".join(models)})
