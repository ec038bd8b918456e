"""A study: its photos in order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.study.event import found_in
from cli.study.finding import Box, Finding
from cli.study.opinions import Kind
from cli.study.study import StudyPhoto, events_of
from cli.study.taxa import ScoredTaxon
from tests.support.studies import STATIONS, answer, made_up


def test_photos_without_a_time_are_no_common_event(tmp_path: Path) -> None:
    # GIVEN photos of which a messenger took the time away, copied at once, and one with a time
    times = {"a": None, "b": None, "c": None, "d": "2026-04-24 05:00:00"}
    photos = [(f"S/card/{name}.JPG", time, answer(None)) for name, time in times.items()]
    with made_up(tmp_path, photos, STATIONS) as study:
        events = list(study.events())
        assert study.untimed == 3
    # THEN each is an event of its own, and nothing says when
    shown = [[(photo.path.removeprefix("S/card/"), photo.time is None) for photo in event] for event in events]
    assert shown == [[("d.JPG", False)], [("a.JPG", True)], [("b.JPG", True)], [("c.JPG", True)]]


@pytest.mark.parametrize(
    ("deployment", "expected"), [("N", "2026-05-02T06:00:00+03:00"), ("elsewhere", "2026-05-02T06:00:00-07:00")]
)
def test_the_offset_in_exif_is_the_zone_unless_the_deployment_has_one(
    tmp_path: Path, deployment: str, expected: str
) -> None:
    # GIVEN a clock with an offset, and one without
    photos = [
        (f"{deployment}/1.jpg", "2026-05-02 06:00:00-07:00", answer(None)),
        (f"{deployment}/2.jpg", "2026-05-02 06:00:30", answer(None)),
    ]
    with made_up(tmp_path, photos) as study:
        # THEN they are one event by what the clock showed
        ((first, second),) = study.events()
        assert first.time == datetime.fromisoformat(expected)
        assert second.time is not None
        assert (second.time.tzinfo is None) == (deployment == "elsewhere")
        assert len(study.deployments[first.deployment].taken) == 2


def test_a_photo_without_a_clock_has_the_time_of_its_file_if_that_is_wanted(tmp_path: Path) -> None:
    # GIVEN a camera ten hours ahead of UTC, and a photo without a clock whose file is of 13:06:40 there
    photos = [
        ("S/card/morning.JPG", "2026-04-24 05:00:00", answer(None)),
        ("S/card/noon.JPG", "2026-04-24 12:00:00", answer(None)),
        ("S/card/none.JPG", None, answer(None)),
        ("S/card/evening.JPG", "2026-04-24 20:00:00", answer(None)),
    ]
    with made_up(tmp_path, photos, STATIONS, file_times=True) as study:
        events = list(study.events())
    # THEN it comes after the one of noon, and is no part of another event
    assert [[photo.path.removeprefix("S/card/") for photo in event] for event in events] == [
        *(["morning.JPG"], ["noon.JPG"], ["none.JPG"], ["evening.JPG"])
    ]


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


def fused(photos: Sequence[Finding]) -> Finding:
    """What an event shows, if that is one thing."""
    (found,) = found_in(photos)
    return found


def names(photos: Sequence[Finding]) -> list[str]:
    return [each.named.name if each.named else each.kind for each in found_in(photos)]


def test_photos_that_agree_make_an_event_surer_than_its_least_sure_photo() -> None:
    # GIVEN two photos of a impala, each with another second candidate
    whole = fused([finding(impala=0.7, lion=0.2), finding(impala=0.8, goat=0.1)])
    # THEN the geometric mean of the impala dominates, and the candidates share what those of a photo do
    assert whole.named is not None
    assert (whole.named.name, whole.kind) == ("impala", "animal")
    assert whole.named.score > 0.8
    assert sum(each.score for each in whole.candidates) == pytest.approx(0.9, abs=0.02)


def test_a_slip_of_one_photo_is_no_second_animal() -> None:
    # GIVEN a photo that is sure of an impala, and one that takes it for a lion, but knows what it may be instead
    assert names([finding(impala=0.9), finding(lion=0.72, impala=0.2)]) == ["impala"]


def test_two_species_in_an_event_are_two() -> None:
    # GIVEN a photo that is sure of a family, and one that is sure of an animal outside of it
    wide = finding(named=FAMILY, impala=0.5, horse=0.3)
    assert names([wide, finding(lion=0.72)]) == ["antelope, ox or sheep", "lion"]
    # THEN two that are not sure are one, of what they have in common
    fox = ScoredTaxon("red fox", "Vulpes vulpes", "species", 0.5)
    cat = ScoredTaxon("lion", "Panthera leo", "species", 0.6)
    common = fused([finding(named=fox), finding(named=cat)]).named
    assert common is not None
    assert (common.scientific_name, common.rank, common.score) == ("Carnivora", "order", 0.6)


def boxed(*parts: Finding) -> Finding:
    inside = tuple(replace(each, box=Box(0, 0, 1, 1), count=1) for each in parts)
    return replace(parts[0], parts=inside)


def test_animals_people_and_vehicles_in_an_event_are_counted_each() -> None:
    # GIVEN two impalas beside a lion of which nothing is sure, then three impalas, then a person
    impala, lion, person = finding(impala=0.9), finding(lion=0.4), finding("human")
    found = found_in([boxed(impala, impala, lion), boxed(impala, impala, impala), boxed(person), finding("blank")])
    # THEN each is an observation of the event, with the largest number in one photo
    assert [(each.named and each.named.name, each.kind, each.count) for each in found] == [
        *(("impala", "animal", 3), ("lion", "animal", 1), (None, "human", 1))
    ]
    assert {each.box for each in found} == {None}
    # THEN without boxes their number is not known
    assert fused([impala, impala]).count is None


def test_an_event_is_not_wider_than_most_of_its_photos() -> None:
    # GIVEN photos of a family or a species of it, and one that is certain of no more than a phylum
    chordate = ScoredTaxon("chordate", "Chordata", "phylum", 0.99)
    guess = replace(FAMILY, score=0.5)
    photos = [finding(named=guess), finding(named=replace(IMPALA, score=0.4)), finding(named=chordate)]
    assert names(photos) == ["antelope, ox or sheep"]


def test_breeds_of_a_species_do_not_compete() -> None:
    # GIVEN photos of a dog of which each is another breed, and that may be a wolf
    breeds = [ScoredTaxon(name, "Canis familiaris", "breed", 0.4) for name in ("basenji", "beagle")]
    wolf = ScoredTaxon("grey wolf", "Canis lupus", "species", 0.45)
    photos = [replace(finding(named=breed), candidates=(wolf, *breeds)) for breed in breeds]
    whole = fused(photos)
    # THEN the breeds together outdo the wolf, and the event is of a dog
    assert whole.named is not None
    assert (whole.named.name, whole.named.rank) == ("dog", "species")
    assert whole.named.score > 0.7
    assert names([photos[0], photos[0]]) == ["basenji"]


def test_a_wide_photo_does_not_hide_what_another_one_names() -> None:
    # GIVEN a mammal, almost certain, and in the next photo an impala that is likely, or a guess
    mammal = finding(named=ScoredTaxon("mammal", "Mammalia", "class", 0.97))
    likely, guess = (finding(named=replace(IMPALA, score=score)) for score in (0.85, 0.5))
    # THEN the likely one names the event
    assert fused([mammal, likely]).named == likely.named
    assert fused([mammal, guess]).named == mammal.named


def test_an_event_names_no_candidate_that_no_photo_names() -> None:
    # GIVEN two photos of an impala, or of one of the relatives that no model knows
    wide = finding(named=FAMILY, impala=0.9)
    assert fused([wide, wide]).named == FAMILY


def test_an_event_shows_an_animal_if_one_of_its_photos_does() -> None:
    assert fused([finding("blank"), finding(impala=0.9), finding("blank")]).kind == "animal"
    assert fused([finding("blank"), finding("human")]).kind == "human"
    assert fused([finding("blank"), finding("blank")]).kind == "blank"


def test_what_a_person_says_of_a_photo_replaces_its_answer_alone() -> None:
    # GIVEN a lion in each of three photos, and a person who says of one that it is an impala, or blank
    lion = finding(lion=0.99)
    impala = replace(finding(named=IMPALA), by="A. Person", is_human=True)
    blank = replace(finding("blank"), by="A. Person", is_human=True)
    # THEN what the models say of the others stays
    found = found_in([lion, impala, lion])
    assert [(each.named and each.named.name, each.is_human) for each in found] == [("lion", False), ("impala", True)]
    assert (names([lion, blank, lion]), names([blank, blank])) == (["lion"], ["blank"])
    # THEN an unclear photo is one still
    assert names([blank, finding("unknown")]) == ["unknown"]
    # THEN the name of a person is that of all photos of the animal
    said = replace(impala, named=ScoredTaxon("lion", "Lion", "species", 1.0))
    whole = fused([lion, said])
    assert (whole.by, whole.is_human) == ("A. Person", True)
