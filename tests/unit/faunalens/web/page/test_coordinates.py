"""Coordinates, plus codes and map links that people paste."""

import pytest

from tests.unit.faunalens.web.page.node import run

TOWER = (48.8584, 2.2945)
OPERA = (-33.8568, 151.2153)
WEST = (48.8584, -2.2945)
FORMS: dict[str, tuple[float, float]] = {
    "48.8584, 2.2945": TOWER,
    "48.8584 2.2945": TOWER,
    "48.8584/2.2945": TOWER,
    "(48.8584; 2.2945)": TOWER,
    "48,8584 2,2945": TOWER,
    "48,8584, 2,2945": TOWER,
    "48,8584,2,2945": TOWER,
    "48,8584 / 2,2945": TOWER,
    "48.8584, 2.2945, 35 m": TOWER,
    "48.8584,2.2945,17z": TOWER,
    "48.8584N, 2.2945E": TOWER,
    "2.2945 E 48.8584 N": TOWER,
    "48°51′N 2°17′E": (48.85, 2.2833),
    "48°51'30.2\"N 2°17'40.2\"E": TOWER,
    "48º51'30.2''N, 2º17'40.2''E": TOWER,
    "48 51 30.2 2 17 40.2": TOWER,
    "N 48° 51.504 E 002° 17.67": TOWER,
    "151.2153 E 33.8568 S": OPERA,
    "33.8568S151.2153E": OPERA,
    "Lat: −33.8568 Lon: 151.2153": OPERA,
    "lon=151.2153&lat=-33.8568": OPERA,
    "151.2153, -33.8568": OPERA,  # no latitude is above 90
    "+48.8584-002.2945/": WEST,
    "Nord 48,8584 Ost 2,2945": TOWER,
    "48.8584° north, 2.2945° west": WEST,
    "48.8584° Norte, 2.2945° Oeste": WEST,
    "48.8584 nord, 2.2945 ouest": WEST,
    "北纬48.8584 东经2.2945": TOWER,
    "北緯48度51分30.2秒 東経2度17分40.2秒": TOWER,
    "48.8584，2.2945": TOWER,
    "8FW4V75V+8Q": (48.85831, 2.29444),
    "8fw4v75v+": (48.85875, 2.29375),
    "geo:48.8584,2.2945?z=17": TOWER,
    "geo:0,0?q=48.8584,2.2945(Tower)": TOWER,
    "https://www.google.com/maps/place/Eiffel+Tower/@48.85,2.28,17z/data=!8m2!3d48.8584!4d2.2945": TOWER,
    "https://www.google.com/maps/@48.8584,2.2945,12z": TOWER,
    "https://www.google.com/maps/search/?api=1&query=48.8584%2C2.2945": TOWER,
    "https://www.openstreetmap.org/#map=17/48.8584/2.2945": TOWER,
    "openstreetmap.org/#map=17/48.8584/2.2945": TOWER,
    "https://www.openstreetmap.org/?mlat=48.8584&mlon=2.2945#map=12/48.0/2.0": TOWER,
    "https://maps.apple.com/?ll=48.8584,2.2945&q=Tower": TOWER,
    "https://maps.apple.com/place?coordinate=48.8584,2.2945&name=Tower": TOWER,
    "https://www.bing.com/maps?cp=48.8584~2.2945&lvl=16": TOWER,
    "https://www.bing.com/maps?sp=point.48.8584_2.2945_Tower": TOWER,
    "https://wego.here.com/?map=48.8584,2.2945,15,normal": TOWER,
    "https://yandex.com/maps/?ll=2.2945%2C48.8584&z=16": TOWER,
    "https://uri.amap.com/marker?position=2.2945,48.8584": TOWER,
    "https://mapy.cz/zakladni?x=2.2945&y=48.8584&z=15": TOWER,
}
NO_PLACE = [
    *["", "Paris", "12", "1 2 3", "48 61 N 2 17 E", "48.85 N 2.29 N", "91, 181", "100%", "10115 Berlin"],
    *["V75V+8Q Paris", "Saint-Denis 93", "https://example.org/a/page", "https://what3words.com/a.b.c"],
]


def test_coordinates_are_read_in_the_usual_forms_and_nothing_else_is_taken_for_them() -> None:
    *found, german, french = run(
        *(("coordinates.js", "readCoordinates", text, "en") for text in (*FORMS, *NO_PLACE)),
        *(("coordinates.js", "readCoordinates", "48,8584° N, 2,2945° O", language) for language in ("de", "fr")),
    )
    places = [place and (place["latitude"], place["longitude"]) for place in found]
    assert dict(zip(FORMS, places[: len(FORMS)], strict=True)) == {
        text: pytest.approx(place, abs=1e-4) for text, place in FORMS.items()
    }
    assert dict(zip(NO_PLACE, places[len(FORMS) :], strict=True)) == dict.fromkeys(NO_PLACE)
    # AND the letter O is east in German and west in French
    assert (german["longitude"], french["longitude"]) == (2.2945, -2.2945)
