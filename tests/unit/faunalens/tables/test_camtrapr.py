"""Operation, independent records and detection histories: camtrapR's on its sample study, and what its tables lack.

The study has 68 photos, here by station and species. Their times are those in the names of the files of the R package
camtrapR (inst/pictures/sample_images; names in MD5 of version 1.2.3 on CRAN). The table of camera traps and all results
that tests expect are those printed by its vignette "Data Extraction from Images and videos" (version 2.1.0).
`data/recordTableSample.rda` itself is binary and is not read.
"""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.errors import CommandError
from faunalens.study.study import Deployment
from faunalens.tables.camtrapr import Occasions, Sighting, Species, operation, operations, records_of

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


STATIONS = {f"Station{each}": f"Station{each}" for each in "ABC"}


def histories(species: str, *, by_survey: bool = False, length: int = 7) -> tuple[list[object], list[object]]:
    """The detection histories of a species in the sample study, and the effort."""
    days = operations(camera_traps(), STATIONS)
    occasions = Occasions(days, length, by_survey=by_survey)
    seen = [each.first for each in records_of(sightings(), timedelta(hours=1)) if each.first.of.species == species]
    found = {station: [each.time.date() for each in seen if each.station == station] for station in days}
    return [occasions.history(station, found[station]) for station in days], [*map(occasions.effort, days)]


def test_a_date_means_noon_and_a_problem_whole_days() -> None:
    days = operations(camera_traps(problems=True), STATIONS)
    assert [days["StationA"].get(date(2009, 4, day)) for day in (2, 3, 4)] == [0.5, 1, 1]
    assert [days["StationC"].get(date(2009, 4, day)) for day in (3, 4, 5)] == [None, 0.5, 1]
    assert [days["StationB"].get(date(2009, 5, day)) for day in (15, 16, 17)] == [1, 0.5, None]
    assert [days["StationC"].get(date(2009, 5, day)) for day in (11, 12, 16, 17)] == [1, 0, 0, 0]


def test_times_count_by_their_hours() -> None:
    # GIVEN the hours of the vignette
    broken = {"Problem1_from": "2009-05-12T20:00", "Problem1_to": "2009-05-17T12:00"}
    days = operation(deployment("C", "2009-04-04T18:00", "2009-05-17T12:00", **broken))
    assert [days[date(2009, month, day)] for month, day in ((4, 4), (5, 12), (5, 13), (5, 17))] == [0.25, 0.8333, 0, 0]


def test_detection_histories_and_effort_are_those_of_the_vignette() -> None:
    found, effort = histories("VTA")
    assert found == [[0, 1, 0, 0, 1, 0, 0], [0, 1, 0, 1, 0, 0, 0], [0, 0, 1, 0, 0, 0, 0]]
    assert effort == [[6.5, 7, 7, 7, 7, 7, 0.5], [6.5, 7, 7, 7, 7, 7, 1.5], [6.5, 7, 7, 7, 7, 7, 1.5]]


@pytest.mark.parametrize(("by_survey", "number"), [(False, 44), (True, 46)])
def test_the_width_is_that_of_camtrapr(by_survey: bool, number: int) -> None:
    # GIVEN occasions of one day; camtrapR's own tests have these widths
    found, _ = histories("VTA", by_survey=by_survey, length=1)
    assert {len(each) for each in found} == {number}  # type: ignore[arg-type]  # lists
    # THEN by survey, the last station is not in operation on the first two days
    assert found[2][:3] == ([None, None, 0] if by_survey else [0, 0, 0])  # type: ignore[index]


def test_an_occasion_of_problems_has_no_effort_and_no_detection() -> None:
    days = operations(camera_traps(problems=True), STATIONS)
    occasions = Occasions(days, 7, by_survey=False)
    assert occasions.effort("StationC") == [6.5, 7, 7, 7, 7, 3, None]
    assert occasions.history("StationC", [date(2009, 5, 16)])[-1] is None
    # THEN a day before or after the operation is in no occasion
    assert (occasions.of("StationC", date(2009, 4, 3)), occasions.of("StationC", date(2009, 5, 18))) == (None, None)


def test_a_deployment_of_one_date_is_a_day_and_photos_alone_count_by_their_times() -> None:
    assert operation(deployment("A", "2009-04-02", "2009-04-02")) == {date(2009, 4, 2): 1}
    # GIVEN a camera whose first photo is of midnight, without a table
    alone = replace(deployment("A", "2009-04-02", "2009-04-03T06:00"), fields={})
    assert list(operation(alone).values()) == [1, 0.25]


def test_a_station_works_while_any_camera_does_and_no_time_is_no_effort() -> None:
    traps = [*camera_traps()[:2], Deployment("x", None, None, None, None, (), has_time_issues=False, fields={})]
    days = operations(traps, {"StationA": "hill", "StationB": "hill", "x": "x"})
    assert [days["hill"][date(2009, 4, each)] for each in (2, 3)] == [0.5, 1]
    assert days["x"] == {}
    assert Occasions({"x": {}}, 7, by_survey=True).history("x", []) == []


def test_problems_that_overlap_count_once_and_one_that_is_no_time_is_said() -> None:
    hours = {"Problem1_from": "06", "Problem1_to": "12", "Problem2_from": "00", "Problem2_to": "18"}
    problems = {column: f"2009-04-03T{hour}:00" for column, hour in hours.items()}
    assert operation(deployment("A", "2009-04-02", "2009-04-04", **problems))[date(2009, 4, 3)] == 0.25
    broken = deployment("A", "2009-04-02", "2009-04-04", Problem1_from="12/05/2009", Problem1_to="")
    with pytest.raises(CommandError, match="A has Problem1_from '12/05/2009' and Problem1_to ''; expected two dates"):
        operation(broken)


HOUR = timedelta(hours=1)


def test_without_a_gap_each_second_is_a_record() -> None:
    records = list(records_of(sightings(), timedelta(0)))
    # THEN the twelve photos of the same minute as another one are left out
    assert (len(sightings()), len(records)) == (68, 56)
    first = [each for each in records if each.first.station == "StationA"][:6]
    assert [each.seconds for each in first] == [0, 157140, 120, 13560, 120, 1270920]
    assert {each.images for each in records} == {1}


def test_an_hour_leaves_the_forty_records_of_the_vignette() -> None:
    for to_last_photo in (True, False):
        records = list(records_of(sightings(), HOUR, to_last_photo=to_last_photo))
        counts = Counter(each.first.of.species for each in records)
        assert counts == {"EGY": 6, "MNE": 2, "PBE": 18, "TRA": 8, "UNID": 1, "VTA": 5}
    # THEN a record has all photos until the next one, those of one second once
    macaques = [each for each in records if each.first.of.species == "MNE"]
    assert [(each.first.time.day, each.images) for each in macaques] == [(15, 2), (28, 3)]


def test_a_visitor_that_stays_is_one_record_or_several() -> None:
    # GIVEN an animal that is photographed every 20 minutes for two hours
    lion, start = Species("Panthera leo", "lion"), datetime.fromisoformat("2026-05-02T06:00")
    stay = [Sighting("a", lion, start + number * HOUR / 3, "x", number) for number in range(7)]
    # THEN compared to the last photo it never leaves, and compared to the last record it comes each hour
    (record,) = records_of(stay, HOUR, to_last_photo=True)
    assert (record.images, record.most) == (7, 6)
    assert [(each.first.time.hour, each.seconds) for each in records_of(stay, HOUR)] == [(6, 0), (7, 3600), (8, 3600)]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 500))), st.integers(0, 100), st.booleans())
def test_records_have_all_photos_and_are_apart(photos: list[tuple[str, int]], gap: int, to_last_photo: bool) -> None:
    start, fox = datetime.fromisoformat("2026-05-02"), Species("Vulpes vulpes", "fox")
    seen = [Sighting(station, fox, start + timedelta(minutes=minute), "x", None) for station, minute in photos]
    records = list(records_of(seen, timedelta(minutes=gap), to_last_photo=to_last_photo))
    assert sum(each.images for each in records) == len(set(photos))
    assert all(each.seconds >= gap * 60 for each in records if each.seconds)
    assert sum(not each.seconds for each in records) == len({station for station, _ in photos})
