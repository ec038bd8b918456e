"""camtrapR's sample study: the times of its 68 photos by station and species, and its table of camera traps.

The times are those in the names of the files of the R package camtrapR (inst/pictures/sample_images; names in MD5 of
version 1.2.3 on CRAN), the table of camera traps and all results that tests expect are those printed by its vignette
"Data Extraction from Images and videos" (version 2.1.0). `data/recordTableSample.rda` itself is binary and is not read.
"""

from datetime import datetime
from typing import Any

from faunalens.study.study import Deployment
from faunalens.tables.independence import Sighting, Species

PHOTOS = """
A PBE 04-21 00:40,04-22 20:19,04-22 20:21,04-23 00:07,04-23 00:09,05-07 17:11
A VTA 04-10 05:07,05-06 19:06
B MNE 04-15 07:21,04-15 07:23,04-28 17:47,04-28 17:47,04-28 17:48,04-28 17:48,04-28 17:48,04-28 17:49,04-28 17:49,04-28 17:49
B UNID 05-07 18:45
B PBE 04-05 00:11,04-05 23:13,04-07 00:23,04-10 04:07,04-10 04:08,04-14 06:13,04-24 22:54,04-25 04:33,04-25 04:33,05-14 02:11
B VTA 04-15 19:12,04-27 05:07
C EGY 04-06 03:49,04-12 20:26,04-12 20:26,04-23 02:25,04-23 02:27,04-25 03:09,04-27 00:17,05-02 03:35,05-02 03:36
C PBE 04-06 03:00,04-06 03:00,04-14 23:30,04-14 23:30,04-18 22:57,04-23 03:33,04-23 03:34,05-05 18:24,05-05 18:25,05-07 18:47
C TRA 04-11 21:44,04-11 21:46,04-11 21:46,04-13 22:38,04-13 22:38,04-14 00:18,04-14 00:18,04-24 19:26,04-24 19:27,04-27 00:19,04-27 00:20,05-01 20:10,05-01 20:12,05-02 00:10,05-02 00:11,05-12 02:32,05-12 02:34
C VTA 04-24 02:57
"""  # noqa: E501, a line for each folder


def sightings() -> list[Sighting]:
    """The 68 photos."""
    found = []
    for line in PHOTOS.strip().splitlines():
        station, species, times = line.split(" ", 2)
        for number, text in enumerate(times.split(",")):
            path = f"Station{station}/{species}/{number}.JPG"
            taken = datetime.fromisoformat(f"2009-{text}")
            found.append(Sighting(f"Station{station}", Species(species, species), taken, path, None))
    return found


def deployment(station: str, start: str, end: str, **fields: str) -> Deployment:
    """A deployment between two dates or times, as they are read from a table, with further columns of it."""
    end += "T23:59:59" if len(end) == len("2009-05-14") else ""
    given: dict[str, Any] = {"deploymentStart": start, "deploymentEnd": end, **fields}
    times = datetime.fromisoformat(start), datetime.fromisoformat(end)
    return Deployment(station, None, None, *times, (), has_time_issues=False, fields=given)


def camera_traps(*, problems: bool = False) -> list[Deployment]:
    """The table `camtraps`: dates without times."""
    broken = {"Problem1_from": "2009-05-12", "Problem1_to": "2009-05-17"} if problems else {}
    first = [deployment("StationA", "2009-04-02", "2009-05-14"), deployment("StationB", "2009-04-03", "2009-05-16")]
    return [*first, deployment("StationC", "2009-04-04", "2009-05-17", **broken)]
