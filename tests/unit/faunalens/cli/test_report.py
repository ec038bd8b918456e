"""The report: what it counts, and that it holds everything it shows. tests/golden/study/report.txt is a whole one."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.cli.report import PAGES, chart_data, page
from faunalens.engines.place import Place
from faunalens.exports.darwin_core import write_dwca
from faunalens.exports.description import read_description
from faunalens.tables.summary import SHOWN, Group, Station, Summary, summary_of, sun_hour
from tests.support.pictures import jpeg
from tests.support.studies import IMPALA, LION, MAMMAL, PHOTOS, STATIONS, animal, answer, box, boxes, made_up
from tests.unit.faunalens.web.page.test_world import numbers


def summary(folder: Path, *study_of: Any) -> Summary:
    folder.mkdir(exist_ok=True)
    with made_up(folder, *study_of) as study:
        return summary_of(study)


def test_the_time_of_a_file_is_no_time_of_an_animal(tmp_path: Path) -> None:
    # GIVEN a lion without a time of the camera, whose file was written in the morning, alone and after an impala
    lion = ("N/2.jpg", None, answer(LION))
    alone, found = (
        summary(tmp_path / name, photos)
        for name, photos in (("a", [lion]), ("b", [("N/1.jpg", "2026-05-02 20:00:00", answer(IMPALA)), lion]))
    )
    # THEN it is counted, but neither in an hour nor on a day
    assert (found.events, found.untimed, sum(found.groups["Panthera leo"].hours)) == (2, 1, 0)
    assert (found.accumulation(), alone.accumulation()) == ([(0.0, 0), (1.5, 1), (30.0, 1)], [(0.0, 0), (30.0, 0)])
    assert "1 photo has no time" in page(found, "", tmp_path)


def test_a_deployment_without_any_time_is_reported(tmp_path: Path) -> None:
    with made_up(tmp_path, PHOTOS[-1:], STATIONS[1:]) as study:
        found = summary_of(study)
        write_dwca(study, tmp_path / "dwca.zip", read_description(None, ""))
    assert (found.stations["south"].events, found.untimed, found.accumulation()) == (1, 1, [(0.0, 0), (0.0, 0)])


def test_taxa_accumulate_by_trap_days_and_a_wider_taxon_until_a_species_of_it_is_seen(tmp_path: Path) -> None:
    # GIVEN a family, then two of its species, then a blank, then another family
    photos = [
        ("N/1.jpg", "2026-05-02 06:00:00", answer(("cat", "Felidae", "family"))),
        ("N/2.jpg", "2026-05-03 06:00:00", answer(("lion", "Panthera leo", "species"))),
        ("N/3.jpg", "2026-05-03 08:00:00", answer(("cheetah", "Acinonyx jubatus", "species"))),
        ("N/4.jpg", "2026-05-04 06:00:00", answer(None)),
        ("N/5.jpg", "2026-05-05 06:00:00", answer(("antelope", "Bovidae", "family"))),
    ]
    found = summary(tmp_path, photos)
    # THEN the curve has the days of the deployment, which began at noon of the day before, and its end
    assert found.accumulation() == [(0.0, 0), (1.5, 1), (2.5, 2), (4.5, 3), (30.0, 3)]
    assert "; 3 taxa;" in page(found, "", tmp_path)


def test_what_is_doubtful_comes_first_and_a_page_of_nothing_has_no_section_for_it(tmp_path: Path) -> None:
    # GIVEN photos of a clock that was reset
    photos = [(f"N/{number}.jpg", "2000-01-01 06:00:00", answer(IMPALA)) for number in (1, 2)]
    first, _, _ = page(summary(tmp_path, photos), "", tmp_path).partition("<h2>Taxa by events")
    assert "<li>2 photos have the time of a clock that was reset" in first
    empty = page(Summary(), "", tmp_path)
    assert not [each for each in ("Check this first", "Agreement of reviewers", "without an answer") if each in empty]


def test_the_charts_show_a_point_for_each_place_and_a_bar_for_the_most_frequent_taxa() -> None:
    # GIVEN stations at one place, and more taxa than bars
    stations = {
        f"{name}{year}": Station(name, 1.0, 2.0, events=3, taxa={"Felidae"}) for name in "ab" for year in (1, 2)
    }
    groups = [Group(f"{number}", "A b", "species", "animal", events=100 - number) for number in range(50)]
    charts = chart_data(Summary(stations=stations), groups)
    assert [(each["name"], each["value"]) for each in charts["stations"]] == [("a, b", [2.0, 1.0, 12, 1])]
    assert [each["name"] for each in charts["taxa"]] == [f"{number}" for number in range(30)]


def test_no_line_of_the_map_goes_around_the_world() -> None:
    # GIVEN coasts that cross the antimeridian, such as those of Fiji and Chukotka
    coasts = json.loads((PAGES / "coasts.json").read_text(encoding="utf-8"))
    # THEN they end there, and none goes on at the other side of the map
    steps = [
        abs(after - before) for each in numbers(coasts["coasts"]) for before, after in pairwise(accumulate(each[::2]))
    ]
    assert len(steps) > 10_000
    assert max(steps) < 90 * coasts["units_per_degree"]


def test_a_photo_counts_for_each_of_the_things_in_its_boxes(tmp_path: Path) -> None:
    # GIVEN a photo of an impala, a lion and a person
    shown = answer(IMPALA, animals=[animal(0.1, IMPALA), animal(0.5, LION)], people=boxes(box(0.7)))
    found = summary(tmp_path, [("N/1.jpg", "2026-05-02 06:00:00", shown)])
    # THEN it is a photo of each, as it is an event of each
    counted = {name: (each.events, each.photos, each.stations) for name, each in found.groups.items()}
    assert counted == dict.fromkeys((IMPALA[1], LION[1], "human"), (1, 1, {"north"}))
    assert "The photos are left out" not in page(found, "", tmp_path)


def test_the_surest_and_the_least_sure_photos_are_shown(tmp_path: Path) -> None:
    photos = [(f"N/{hour:02}.jpg", f"2026-05-02 {hour:02}:00:00", answer(IMPALA, hour / 100)) for hour in range(20)]
    impala = summary(tmp_path, photos).groups["Aepyceros melampus"]
    names = [name for name, *_ in photos]
    assert [path for _, path, _ in impala.surest] == names[: -SHOWN - 1 : -1]
    assert [path for _, path, _ in impala.least] == names[:SHOWN]


def test_the_page_needs_no_network_and_no_name_can_break_it(tmp_path: Path) -> None:
    # GIVEN a study with one photo that is there, and a name that would end the element with the charts
    (tmp_path / "N").mkdir()
    (tmp_path / "N" / "1.jpg").write_bytes(jpeg())
    found = summary(tmp_path, [("N/1.jpg", "2026-05-02 06:00:00", answer(("</script>", "A b", "species")))])
    text = page(found, "Lions & <impalas>", tmp_path)
    # THEN nothing is loaded from elsewhere, and the page forbids the browser to load anything
    markup = re.sub(r"(?s)<script>.*?</script>", "", text)
    assert not re.findall(r'<[^>]+ (?:src|href)="(?!data:|#)', markup)
    assert "default-src 'none'" in text
    assert text.count('<img src="data:image/jpeg;base64,') == 1
    assert "<impalas>" not in text
    assert charts(text)["taxa"][0]["name"] == "</script>"


def charts(text: str) -> Any:
    return json.loads(text.partition('id="charts">')[2].partition("</script>")[0])


def test_pictures_of_people_can_be_left_out(tmp_path: Path) -> None:
    # GIVEN a photo of a person, and one of an animal with a person on it
    photos = [
        ("N/me.jpg", "2026-05-02 06:00:00", answer(None, subject="person")),
        ("N/us.jpg", "2026-05-02 07:00:00", answer(IMPALA, subject="animal", people=boxes(box(0.1)))),
        ("N/it.jpg", "2026-05-02 08:00:00", answer(IMPALA)),
    ]
    with made_up(tmp_path, photos) as study:
        shown, hidden = (page(summary_of(study, hide_people=hide), "", tmp_path) for hide in (False, True))
    # THEN both are hidden, but counted
    assert [name in shown for name in ("me.jpg", "us.jpg", "it.jpg")] == [True, True, True]
    assert [name in hidden for name in ("me.jpg", "us.jpg", "it.jpg")] == [False, False, True]
    assert "The photos are left out" in hidden


def test_taxa_wider_than_a_family_are_one_bar_at_the_end(tmp_path: Path) -> None:
    # GIVEN more photos of "a mammal" and "a bird" than of lions
    photos = [
        *((f"N/m{hour}.jpg", f"2026-05-02 {hour}:00:00", answer(MAMMAL)) for hour in (10, 11, 12)),
        ("N/b.jpg", "2026-05-02 13:00:00", answer(("bird", "Aves", "class"))),
        ("N/l.jpg", "2026-05-02 14:00:00", answer(LION)),
    ]
    text = page(summary(tmp_path, photos), "", tmp_path)
    bars = [(bar["name"], bar["events"], sum(bar["hours"])) for bar in charts(text)["taxa"]]
    assert bars == [("lion", 1, 1), ("not named to a family", 4, 4)]
    # THEN the table begins with the lion too
    assert text.index('href="#lion') < text.index('href="#mammal')


def test_without_place_or_zone_hours_are_those_of_the_clock(tmp_path: Path) -> None:
    # GIVEN a camera without a deployment, alone and beside one that has both
    photos = [("a/1.jpg", "2026-05-02 23:30:00", answer(LION)), ("N/1.jpg", "2026-05-02 23:30:00", answer(LION))]
    alone, both = summary(tmp_path / "a", photos[:1]), summary(tmp_path / "b", photos)
    without_zone = summary(tmp_path / "c", photos[:1], (), Place("given", 1.0, 2.0))
    assert (without_zone.by_sun, without_zone.by_clock) == (0, 1)
    assert (alone.by_sun, alone.by_clock, alone.groups[LION[1]].hours[23]) == (0, 1, 1)
    assert "Events by the cameras' clocks" in page(alone, "", tmp_path)
    assert "1 event without a place or a time zone" in page(both, "", tmp_path)


SYDNEY, NEW_YORK, LONDON, TROMSO = (-33.87, 151.21), (40.71, -74.01), (51.51, -0.13), (69.65, 18.96)


@pytest.mark.parametrize(
    ("time", "place", "hour"),
    [
        ("2026-06-21T07:00+10:00", SYDNEY, 6),
        ("2026-06-21T16:54+10:00", SYDNEY, 18),
        ("2026-12-21T07:17-05:00", NEW_YORK, 6),
        ("2026-12-21T16:32-05:00", NEW_YORK, 18),
        ("2026-06-21T04:43+01:00", LONDON, 6),
        ("2026-06-21T21:21+01:00", LONDON, 18),
        ("2026-06-21T13:02+01:00", LONDON, 12),
        # where the sun does not set, noon alone counts
        *((f"2026-06-21T{hour}:46+02:00", TROMSO, int(hour)) for hour in ("06", "12", "18")),
    ],
)
def test_it_rises_at_six_and_sets_at_eighteen(time: str, place: tuple[float, float], hour: float) -> None:
    # GIVEN times of sunrise and sunset of almanacs, to the minute
    assert sun_hour(datetime.fromisoformat(time), *place) == pytest.approx(hour, abs=0.03)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001, the strategy's form
    st.floats(-90, 90),
    st.floats(-180, 180),
)
def test_it_is_an_hour_that_passes_once_a_day(time: datetime, latitude: float, longitude: float) -> None:
    hour, later = (sun_hour(time + timedelta(minutes=each), latitude, longitude) for each in (0, 2))
    assert 0 <= hour < 24
    assert 0 < (later - hour) % 24 < 12 or abs(latitude) > 60  # the day's length changes fast near polar days
