"""Memory and time of every command on a study of 100,000 photos in one results file.

Targets: 400 MB in a process, two seconds of the processor for `faunalens status`, and a minute by the clock for the
import of predictions, which uses two processors.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

from benchmarks.long_run import link_photos
from benchmarks.measure import options, table, verdict
from chalicelib.config.settings import ROOT
from chalicelib.model.taxonomy import RANKS
from cli.place import EXIF
from cli.results import FileFacts, ListedPhoto, Outcome, ResultsFile
from cli.study.taxa import lineages
from tests.support.pictures import exif, jpeg
from tests.support.studies import STATIONS, answer

LARGEST = 400.0
"""Megabytes that a command may take."""
LONGEST = {"status": 2.0}
"""Seconds of the processor that commands may take."""
BY_CLOCK = {"import --root": 60.0}
"""Seconds by the clock that commands may take which use several processors."""
STATION_COUNT, BURST, SPECIES, MOST_LINKS = 20, 3, 300, 50_000
START = datetime(2026, 5, 2)  # noqa: DTZ001, cameras have no zone
LABELS, TABLE = "labels.csv", "deployments.csv"
CAMERA = "2026:05:02 06:07:08"
BLANK = "1;;;;;;blank"
BOX = {"x": 0.2, "y": 0.3, "width": 0.4, "height": 0.4, "score": 0.9}
REVIEW = """
insert into review (photo, reviewer, number, kind, name, scientific_name, rank, machine, is_right, drawn, reviewed)
select id, 'A', 1, 'animal', 'impala', 'Aepyceros melampus', 'species', 'Panthera leo', 0, 1, '2026-05-01T00:00:00Z'
from photo where id % 10 = 0
"""


def main() -> None:
    """Make a large study, run each command of `faunalens` on it, and print a table of their time and memory."""
    chosen = options(__doc__, photos=(100_000, "number of photos"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_study(folder, chosen.photos)
        rows = []
        for command in commands(folder):
            rows.append(measured(folder, *map(str, command)))
            print(*rows[-1], file=sys.stderr, flush=True)
    print(table(rows, ["command", "processor time", "memory", "result"]))


def commands(folder: Path) -> list[list[object]]:
    """Return the commands to run. Those that change the study come last."""
    results, photos = folder / "study.db", folder / "card"
    return [
        ["status", results],
        *(["export", results, f"--{each}", folder / each] for each in ("csv", "camtrap-dp", "megadetector", "coco")),
        *(["export", results, f"--{each}", folder / each] for each in ("dwca", "xmp")),
        ["report", results],
        ["tables", results, folder / "tables"],
        ["copy", results, folder / "sorted"],
        ["review", results, "--no-browser"],
        ["import", results, folder / LABELS, "--reviewer", "B"],
        ["merge", results, "--into", folder / "merged.db"],
        ["identify", photos, "--results", results, "--no-location"],
        ["prune", results, "--yes"],
        ["import", "--root", photos, folder / "new.db", folder / "predictions.json", "--deployments", folder / TABLE],
    ]


def make_study(folder: Path, number: int) -> None:
    """Write a study of `number` photos, hard links to a few files. Every tenth result has a review."""
    stations = [f"s{each:02}" for each in range(STATION_COUNT)]
    paths = [f"{stations[each % STATION_COUNT]}/IMG_{each // STATION_COUNT:05}.JPG" for each in range(number)]
    sources = [folder / f"{each}.jpg" for each in range(1 + number // MOST_LINKS)]
    for source in sources:
        source.write_bytes(jpeg(exif=exif(taken=CAMERA)))
    link_photos(folder / "card", {path: sources[each // MOST_LINKS] for each, path in enumerate(paths)})
    size = sources[0].stat().st_size
    labels = (f"{path[:3]},{path[4:]},impala\n" for path in paths)
    (folder / LABELS).write_text("".join(["RelativePath,File,Species\n", *labels]), encoding="utf-8")
    rows = (f"{each},{each},{number - 10},{10 * number - 100}\n" for number, each in enumerate(stations))
    (folder / TABLE).write_text("".join(["deploymentID,folder,latitude,longitude\n", *rows]), encoding="utf-8")
    write_predictions(folder, paths)
    with ResultsFile(folder / "study.db", write=True) as results:
        results.describe(folder=str(folder / "card"))
        results.replace_deployments(STATIONS[0] | {"deploymentID": each, "folder": each} for each in stations)
        results.find(
            ListedPhoto(path, size, (folder / "card" / path).stat().st_mtime_ns, path[:3], EXIF, 0.0) for path in paths
        )
        tasks, texts = list(results.tasks()), answers()
        with results.transaction() as connection:
            for each, task in enumerate(tasks):
                taken = START + timedelta(minutes=10 * (each // STATION_COUNT // BURST), seconds=each % BURST)
                facts = FileFacts(800, 600, f"{taken:%Y-%m-%d %H:%M:%S}", -1.2345, 36.789)
                modified = (folder / "card" / task.path).stat().st_mtime_ns
                text = texts[each // STATION_COUNT // BURST * 7 % len(texts)]
                results.save(Outcome(task, "done", size, modified, each, facts, text))
            connection.execute(REVIEW)


def write_predictions(folder: Path, paths: Sequence[str]) -> None:
    """Write predictions as of SpeciesNet: every third photo is blank, others have a box and five likely species."""
    chance, predictions = random.Random(7), []
    labels = [
        ";".join(("0", *(lineages()[latin].ranks[rank].lower() for rank in RANKS[1:5]), latin.split()[-1], name))
        for name, latin, _ in species()
    ]
    for number, path in enumerate(paths):
        best = number // STATION_COUNT // BURST * 7
        classes = [labels[(best + each * each) % len(labels)] if number % 3 else BLANK for each in range(5)]
        scores = sorted((chance.random() ** 3 / (each + 1) for each in range(5)), reverse=True)
        box = {"category": "1", "conf": chance.uniform(0.2, 1), "bbox": [0.2, 0.3, 0.4, 0.4]}
        said = {"classifications": {"classes": classes, "scores": scores}, "detections": [box] if number % 3 else []}
        predictions.append({"filepath": path, "prediction": classes[0], "country": "KEN"} | said)
    (folder / "predictions.json").write_text(json.dumps({"predictions": predictions}), encoding="utf-8")


def species() -> list[tuple[str, str, str]]:
    """Return common name, scientific name and rank of many species."""
    latin_names = [latin for latin, each in lineages().items() if each.ranks.get("species") == latin and each.name]
    return [(lineages()[latin].name, latin, "species") for latin in latin_names[:: len(latin_names) // SPECIES]]


def answers() -> list[str]:
    """Return answers of many species, as long as real ones: with a box, a list and its members."""
    taxa = species()
    found = [answer(None)]
    for first, second, third in zip(taxa, taxa[1:], taxa[2:], strict=False):
        listed = [
            dict(zip(("name", "scientific_name", "rank"), each, strict=True)) | {"score": 0.3, "members": [first] * 4}
            for each in (first, second, third)
        ]
        animal = {"box": BOX, "prediction": listed[0], "candidates": listed}
        found.append(answer(first, 0.8, [(first, 0.8), (second, 0.1)], perhaps=listed[1:], animals=[animal]))
    return found


def measured(folder: Path, *command: str) -> list[str]:
    """Run a command, or `review` until its queue is loaded. Return a table row with its time and memory."""
    began = time.monotonic()
    with (folder / "output.txt").open("w+") as output:
        process = subprocess.Popen([sys.executable, "-m", "cli", *command], cwd=ROOT, stdout=output, stderr=output)
        if command[0] == "review":
            while not (address := re.search(r"http://\S+", (folder / "output.txt").read_text())):
                time.sleep(0.05)
            with urlopen(f"{address[0]}queue") as answered:  # noqa: S310, it is this machine
                answered.read()
            process.send_signal(signal.SIGTERM)
        _, status, used = os.wait4(process.pid, 0)
    if (code := os.waitstatus_to_exitcode(status)) != 0:
        sys.exit(f"{' '.join(command)} ended with {code}: {(folder / 'output.txt').read_text()[-2000:]}")
    memory, processor, seconds = used.ru_maxrss * 1024 / 1e6, used.ru_utime + used.ru_stime, time.monotonic() - began
    name = " ".join(each for each in command[:3] if not each.startswith("/"))
    is_met = memory <= LARGEST and processor <= LONGEST.get(name, processor) and seconds <= BY_CLOCK.get(name, seconds)
    by_clock = f"; {seconds:.0f} s by the clock" if name in BY_CLOCK else ""
    return [name, f"{processor:.1f} s{by_clock}", f"{memory:.0f} MB", verdict(is_met)]


if __name__ == "__main__":
    main()
