"""A study: its photos in order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.study.finding import Finding, Kind, fused
from cli.study.study import StudyPhoto, events_of
from cli.study.taxa import ScoredTaxon
from testing.studies import STATIONS, answer, made_up


def test_a_photo_without_a_clock_is_in_its_place_by_the_time_of_its_file(tmp_path: Path) -> None:
    # GIVEN a camera ten hours ahead of UTC, and a photo without a clock whose file is of 13:06:40 there
    photos = [
        ("S/card/morning.JPG", "2026-04-24 05:00:00", answer(None)),
        ("S/card/noon.JPG", "2026-04-24 12:00:00", answer(None)),
        ("S/card/none.JPG", None, answer(None)),
        ("S/card/evening.JPG", "2026-04-24 20:00:00", answer(None)),
    ]
    with made_up(tmp_path, photos, STATIONS) as study:
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


def test_photos_that_agree_make_an_event_surer_than_its_least_sure_photo() -> None:
    # GIVEN two photos of a impala, each with another second candidate
    whole = fused([finding(impala=0.7, lion=0.2), finding(impala=0.8, goat=0.1)])
    # THEN the geometric mean of the impala dominates, and the candidates share what those of a photo do
    assert whole.named is not None
    assert (whole.named.name, whole.kind) == ("impala", "animal")
    assert whole.named.score > 0.8
    assert sum(each.score for each in whole.candidates) == pytest.approx(0.9, abs=0.02)


def test_photos_that_disagree_keep_the_surest_name() -> None:
    # GIVEN a photo that is sure of a family, and one that guesses another animal
    wide = finding(named=FAMILY, impala=0.5, horse=0.3)
    whole = fused([wide, finding(lion=0.72)])
    # THEN no single animal is sure enough, and the family is named
    assert whole.named == FAMILY


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


def test_what_people_said_overrides_the_models() -> None:
    said = Finding("animal", IMPALA, (), 1.0, "A. Person", "2026-06-01T00:00:00+00:00", is_human=True)
    whole = fused([finding(lion=0.99), said, finding(lion=0.98)])
    assert (whole.named, whole.by, whole.is_human) == (IMPALA, "A. Person", True)
