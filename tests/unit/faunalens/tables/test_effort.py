"""Operation and detection histories: camtrapR's on its sample study, and what its tables do not have."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from faunalens.errors import CommandError
from faunalens.study.study import Deployment
from faunalens.tables.effort import Occasions, operation, operations
from faunalens.tables.independence import records_of
from tests.unit.faunalens.study.camtrapr import camera_traps, deployment, sightings

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
