"""A study: its photos in order."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from faunalens.study.event import found_in
from faunalens.study.finding import Box, Finding
from faunalens.study.results import ResultsFile
from faunalens.study.study import Study, StudyPhoto, events_of
from faunalens.taxa.taxa import Kind, ScoredTaxon
from tests.support.studies import STATIONS, answer, made_up, write_study


def test_photos_without_a_time_are_no_common_event_unless_they_have_that_of_their_files(tmp_path: Path) -> None:
    # GIVEN photos of which a messenger took the time away, copied at once, at 13:06:40 by the camera's clock
    hours = {"dawn": "05", "noon": "12", "a": None, "b": None, "dusk": "20"}
    clock = {name: hour and f"2026-04-24 {hour}:00:00" for name, hour in hours.items()}
    photos = [(f"S/card/{name}", time, answer(None)) for name, time in clock.items()]

    def events(**options: bool) -> list[str]:
        with made_up(tmp_path, photos, STATIONS, **options) as study:
            assert study.untimed == (0 if options else 2)
            return [" ".join(photo.path.removeprefix("S/card/") for photo in event) for event in study.events()]

    # THEN each is an event of its own, at the end, or they come after the one of noon
    assert events() == ["dawn", "noon", "dusk", "a", "b"]
    assert events(file_times=True) == ["dawn", "noon", "a b", "dusk"]


@pytest.mark.parametrize(
    ("deployment", "expected"), [("N", "2026-05-02T06:00:00+03:00"), ("elsewhere", "2026-05-02T06:00:00-07:00")]
)
def test_a_deployments_zone_comes_before_exifs(tmp_path: Path, deployment: str, expected: str) -> None:
    # GIVEN a clock with an offset, and one without
    times = ("2026-05-02 06:00:00-07:00", "2026-05-02 06:00:30")
    with made_up(tmp_path, [(f"{deployment}/{time}.jpg", time, answer(None)) for time in times]) as study:
        # THEN they are one event by what the clock showed
        ((first, second),) = study.events()
        assert first.time == datetime.fromisoformat(expected)
        assert second.time is not None
        assert (second.time.tzinfo is None) == (deployment == "elsewhere")
        assert len(study.deployments[first.deployment].taken) == 2


def test_photos_whose_places_are_the_same_after_rounding_are_one_deployment_by_time(tmp_path: Path) -> None:
    # GIVEN photos in one folder, taken from south to north
    times = ("2026-05-02 06:00:00", "2026-05-02 06:00:30")
    write_study(tmp_path / "study.db", [(f"walk/{time}.jpg", time, answer(None)) for time in times])
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        with results.transaction() as connection:
            connection.execute("update photo set latitude = -33.95 - 0.01 * (taken = ?), longitude = 151.2", times[:1])
        # THEN they are one event, by time, where coordinates are rounded; else two, as each place is a deployment
        (event,) = Study(results, 60, precision=0.1).events()
        assert [each.path for each in event] == [f"walk/{time}.jpg" for time in times]
        assert {each.deployment for each in event} == {"walk @ -34.000,151.200"}
        assert len(list(Study(results, 60).events())) == 2


IMPALA = ScoredTaxon("impala", "Aepyceros melampus", "species", 0.6)
FAMILY = ScoredTaxon("antelope, ox or sheep", "Bovidae", "family", 0.8)


def finding(kind: Kind = "animal", named: ScoredTaxon | None = None, **scores: float) -> Finding:
    candidates = tuple(ScoredTaxon(name, name.title(), "species", score) for name, score in scores.items())
    named = named or (candidates[0] if candidates else None)
    return Finding(kind, named if kind == "animal" else None, candidates, 0.9, "tiny 1", "2026-05-02T00:00:00+00:00")


def photo(second: int, deployment: str = "north") -> StudyPhoto:
    time = datetime(2026, 5, 2, tzinfo=UTC) + timedelta(seconds=second)
    return StudyPhoto(f"{second}.jpg", deployment, time, True, None, None, 1, 1, finding("blank"))


def test_photos_that_follow_each_other_are_one_event() -> None:
    photos = [photo(0), photo(60), photo(119), photo(180), photo(181, "south")]
    assert [len(event) for event in events_of(photos, 60)] == [3, 1, 1]
    assert [len(event) for event in events_of(photos, 0)] == [1] * 5
    assert list(events_of([], 60)) == []


MAMMALS = ScoredTaxon("mammal", "Mammalia", "class", 0.97)
CHORDATES = ScoredTaxon("chordate", "Chordata", "phylum", 0.99)
BLANK, LIKELY, GUESS = finding("blank"), replace(IMPALA, score=0.85), replace(IMPALA, score=0.4)
BASENJI, BEAGLE = (ScoredTaxon(name, "Canis familiaris", "breed", 0.4) for name in ("basenji", "beagle"))
SAID_BLANK = replace(BLANK, by="A. Person", is_human=True)
EVENTS: Mapping[str, tuple[list[Finding], list[str]]] = {
    "a slip of a photo that knows what it may be": ([finding(impala=0.9), finding(lion=0.72, impala=0.2)], ["impala"]),
    "two species": (
        [finding(named=FAMILY, impala=0.5, horse=0.3), finding(lion=0.72)],
        ["antelope, ox or sheep", "lion"],
    ),
    "no wider than most of its photos": (
        [finding(named=replace(FAMILY, score=0.5)), finding(named=GUESS), finding(named=CHORDATES)],
        ["antelope, ox or sheep"],
    ),
    "a wide photo does not hide a likely name": ([finding(named=MAMMALS), finding(named=LIKELY)], ["impala"]),
    "a guess does not narrow a wide photo": ([finding(named=MAMMALS), finding(named=GUESS)], ["mammal"]),
    "no candidate that no photo names": ([finding(named=FAMILY, impala=0.9)] * 2, ["antelope, ox or sheep"]),
    "photos of one breed": ([finding(named=BASENJI)] * 2, ["basenji"]),
    "an animal in one of its photos": ([BLANK, finding(impala=0.9), BLANK], ["impala"]),
    "a person in one of its photos": ([BLANK, finding("human")], ["human"]),
    "nothing": ([BLANK, BLANK], ["blank"]),
    "what a person says of a photo replaces its answer alone": ([finding(lion=0.99), SAID_BLANK], ["lion"]),
    "nothing, as a person says": ([SAID_BLANK, SAID_BLANK], ["blank"]),
    "an unclear photo beside it is one still": ([SAID_BLANK, finding("unknown")], ["unknown"]),
}


@pytest.mark.parametrize(("photos", "expected"), EVENTS.values(), ids=EVENTS)
def test_what_an_event_shows(photos: list[Finding], expected: list[str]) -> None:
    assert [each.named.name if each.named else each.kind for each in found_in(photos)] == expected


def test_photos_that_agree_make_an_event_surer_than_its_least_sure_photo() -> None:
    # GIVEN two photos of a impala, each with another second candidate
    (whole,) = found_in([finding(impala=0.7, lion=0.2), finding(impala=0.8, goat=0.1)])
    # THEN the geometric mean of the impala dominates, and the candidates share what those of a photo do
    assert whole.named is not None
    assert (whole.named.name, whole.named.score > 0.8) == ("impala", True)
    assert sum(each.score for each in whole.candidates) == pytest.approx(0.9, abs=0.02)


def test_two_names_of_which_nothing_is_sure_are_what_they_have_in_common() -> None:
    fox = ScoredTaxon("red fox", "Vulpes vulpes", "species", 0.5)
    cat = ScoredTaxon("lion", "Panthera leo", "species", 0.6)
    (common,) = found_in([finding(named=fox), finding(named=cat)])
    assert common.named == ScoredTaxon("cat, dog, bear or relative", "Carnivora", "order", 0.6)
    # GIVEN photos of a dog of which each is another breed, and that may be a wolf
    wolf = ScoredTaxon("grey wolf", "Canis lupus", "species", 0.45)
    dogs = [replace(finding(named=each), candidates=(wolf, BASENJI, BEAGLE)) for each in (BASENJI, BEAGLE)]
    # THEN the breeds together outdo the wolf, and the event is of a dog
    (whole,) = found_in(dogs)
    assert whole.named is not None
    assert (whole.named.name, whole.named.rank, whole.named.score > 0.7) == ("dog", "species", True)


def test_animals_people_and_vehicles_in_an_event_are_counted_each() -> None:
    def boxed(*parts: Finding) -> Finding:
        return replace(parts[0], parts=tuple(replace(each, box=Box(0, 0, 1, 1), count=1) for each in parts))

    # GIVEN two impalas beside a lion of which nothing is sure, then three impalas, then a person
    impala, lion, person = finding(impala=0.9), finding(lion=0.4), finding("human")
    found = found_in([boxed(impala, impala, lion), boxed(impala, impala, impala), boxed(person), BLANK])
    # THEN each is an observation of the event, with the largest number in one photo
    assert [(each.named and each.named.name, each.kind, each.count) for each in found] == [
        *(("impala", "animal", 3), ("lion", "animal", 1), (None, "human", 1))
    ]
    assert {each.box for each in found} == {None}
    # THEN without boxes their number is not known
    assert [each.count for each in found_in([impala, impala])] == [None]


def test_the_name_that_a_person_gives_is_that_of_all_photos_of_the_animal() -> None:
    # GIVEN a lion in each of three photos, and a person who says of one that it is an impala
    lion, impala = finding(lion=0.99), replace(finding(named=IMPALA), by="A. Person", is_human=True)
    found = found_in([lion, impala, lion])
    # THEN what the models say of the others stays
    assert [(each.named and each.named.name, each.is_human) for each in found] == [("lion", False), ("impala", True)]
    # THEN if it is the same animal, the event is the person's
    (whole,) = found_in([lion, replace(impala, named=ScoredTaxon("lion", "Lion", "species", 1.0))])
    assert (whole.by, whole.is_human) == ("A. Person", True)
