"""An identification in a month: the time of the request or of the photo weighs down what is not seen then."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from chalicelib.config.settings import ModelSettings, Settings, Thresholds
from chalicelib.config.stores import RedisSettings
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.codec import CellAnimals, Seasons
from chalicelib.features.deadline import Deadline
from chalicelib.identification import Identification, IdentifyRequest
from chalicelib.identify import identify
from chalicelib.location import Location
from chalicelib.services import Services
from chalicelib.telemetry.record import Record
from testing import tiny_model
from testing.in_memory import InMemoryCache, InMemoryStore
from testing.pictures import encoded

FROG, HERE = 20, Location(52.5, 13.4, "request")


class StoreWithSeasons(InMemoryStore):
    """A store in which a fox and a frog live everywhere, and the frog is not seen before June or after August."""

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        arrays = np.array([10, FROG], np.int32), np.ones(2, np.float32), np.ones(2, np.uint8)
        months = np.array([[0] * 5 + [255] * 3 + [0] * 4], np.uint8)
        found = super().features_of(cells, deadline, version)
        seasons = Seasons(np.array([FROG], np.int32), months)
        return [CellAnimals(each.cell, each.version, each.areas, *arrays, seasons=seasons) for each in found]


def identified(
    folder: Path, floor: float, taken: str = "", month: int | None = None, shift: float = 0.0
) -> Identification:
    """Identify a photo that is a little greener than red. `taken`: in its EXIF."""
    path = tiny_model.write(folder, tiny_model.tiny_model())
    settings = Settings(
        model=ModelSettings(path=path, second_look=False),
        redis=RedisSettings(url="redis://127.0.0.1:9"),
        thresholds=Thresholds(season_floor=floor),
    )
    services = Services.build(settings, CellFeatures(InMemoryCache(), StoreWithSeasons(), settings.features))
    exif = Image.Exif()
    if taken:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    photo = encoded(Image.new("RGB", (64, 64), (100, 110, 0)), "PNG", exif=exif)
    request = IdentifyRequest(HERE, month=month, shift=shift)
    return identify([photo], request, services, Record("r-1", "/identify"))


@pytest.mark.parametrize(
    ("floor", "taken", "month", "first", "used"),
    [
        (0.2, "2026:07:14 09:30:00", None, "Hyla arborea", 7),
        (0.2, "2026:01:14 09:30:00", None, "Vulpes vulpes", 1),
        (0.2, "2026:01:14 09:30:00", 7, "Hyla arborea", 7),
        (0.2, "", 1, "Vulpes vulpes", 1),
        (0.2, "", None, "Hyla arborea", None),
        (0.2, "yesterday", None, "Hyla arborea", None),
        (1.0, "2026:01:14 09:30:00", 1, "Hyla arborea", None),
    ],
)
def test_the_month_decides_between_two_animals(
    tmp_path: Path, floor: float, taken: str, month: int | None, first: str, used: int | None
) -> None:
    # GIVEN a photo that rather shows a frog WHEN it was taken in a month without frogs, and the setting lets it count
    found = identified(tmp_path, floor, taken, month)
    # THEN the fox is first, the frog still lives here, and the result says which month counted
    animals = found.recognised.together.scores.likeliest(3)
    assert animals[0].scientific_name == first
    here = {each.scientific_name: found.recognised.prior.here(each) for each in animals}
    assert (here["Hyla arborea"], found.features.month) == ("native", used)


@pytest.mark.parametrize(
    ("taken", "month", "shift", "used"),
    [
        ("2000:01:01 00:10:00", None, 195 * 86_400.0, 7),
        ("2026:07:31 23:30:00", None, 3600.0, 8),
        ("2026:01:14 09:30:00", 7, 3600.0, 7),
        ("0001:01:01 00:00:00", None, -3600.0, None),
    ],
)
def test_a_wrong_clock_is_corrected_first(
    tmp_path: Path, taken: str, month: int | None, shift: float, used: int | None
) -> None:
    assert identified(tmp_path, 0.2, taken, month, shift).features.month == used
