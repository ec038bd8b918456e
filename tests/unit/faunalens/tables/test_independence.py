"""Independent records: camtrapR's on its sample study."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from faunalens.tables.independence import Sighting, Species, records_of
from tests.unit.faunalens.study.camtrapr import sightings

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
