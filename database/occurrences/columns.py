"""Columns of files of occurrences, by whatever name: Darwin Core's terms in any case, eBird's, iNaturalist's, ours."""

from collections.abc import Iterable
from typing import Final

_GRIDS: Final = ("eea", "eearg", "eurostat", "mgrs", "mgrsg", "eqdgc", "eqdgg", "eqdg", "qdgc", "dms", "dmsg", "isea3h")
_CODES: Final = (
    *(f"{grid}{what}" for grid in _GRIDS for what in ("cellcode", "gridcellcode", "gridcode", "code")),
    *("cellcode", "gridcellcode", "gridcode", "gridcell"),
)
"""Columns with the code of a cell: an SQL download names them as its query does, such as `eeaCellCode`."""

NAMES: Final = {
    "lat": ("decimallatitude", "latitude", "lat"),
    "lon": ("decimallongitude", "longitude", "lon", "long", "lng"),
    "cell": ("cell", "h3cell"),
    "code": (*_CODES, "cell"),
    "country": ("countrycode",),
    "location": ("locationid",),
    "taxon_key": ("taxonkey", "specieskey"),
    "accepted_key": ("acceptedtaxonkey",),
    "species_key": ("specieskey",),
    "genus_key": ("genuskey",),
    "family_key": ("familykey",),
    "order_key": ("orderkey",),
    "class_key": ("classkey",),
    "scientific_name": ("scientificname", "species", "taxon"),
    "species": ("species", "taxonspeciesname"),
    "genus": ("genus", "taxongenusname"),
    "family": ("family", "taxonfamilyname"),
    "order": ("order", "taxonordername"),
    "class": ("class", "taxonclassname", "iconictaxonname"),
    "phylum": ("phylum", "taxonphylumname"),
    "basis": ("basisofrecord",),
    "presence": ("occurrencestatus",),
    "uncertainty": ("coordinateuncertaintyinmeters", "publicpositionalaccuracy", "positionalaccuracy", "gridmetres"),
    "centroid": ("distancefromcentroidinmeters",),
    "year": ("year", "yearmonth", "eventdate", "observationdate", "observedon", "date"),
    "month": ("month", "yearmonth", "eventdate", "observationdate", "observedon", "date"),
    "date": ("eventdate", "observationdate", "observedon", "date"),
    "issue": ("issue", "issues"),
    "licence": ("license", "licence"),
    "establishment": ("establishmentmeans",),
    "captive": ("captivecultivated",),
    "quality": ("qualitygrade",),
    "approved": ("approved",),
    "records": ("occurrences", "records"),
}
"""Names of each column that is read, in lower case, letters and digits only: GBIF's `acceptedTaxonKey` and `speciesKey`
are here `acceptedtaxonkey` and `specieskey`. The first that a file has counts."""


def column_names(columns: Iterable[str]) -> dict[str, str]:
    """Return the name in the file of each of our columns that it has.

    >>> column_names(["SCIENTIFIC NAME", "LATITUDE", "decimal_longitude", "colour"])
    {'lat': 'LATITUDE', 'lon': 'decimal_longitude', 'scientific_name': 'SCIENTIFIC NAME'}
    """
    there = {"".join(filter(str.isalnum, name.lower())): name for name in reversed(list(columns))}
    return {ours: there[name] for ours, names in NAMES.items() for name in [_first(names, there)] if name}


def counts_by_country(columns: Iterable[str]) -> bool:
    """Return whether a table counts records by country, without places within it: a cube, or a checklist."""
    found = column_names(columns).keys()
    return (
        "records" in found
        and bool(found & {"country", "location"})
        and found.isdisjoint({"lat", "lon", "cell", "code"})
    )


def missing_columns(columns: Iterable[str]) -> str:
    """Return what no column of a file says, such as `the place`, or an empty text if it says all that is needed."""
    every = list(columns)
    found = column_names(every).keys()
    is_placed = {"lat", "lon"} <= found or not found.isdisjoint({"cell", "code"}) or counts_by_country(every)
    is_named = not found.isdisjoint({"scientific_name", "species"})
    return " and ".join(text for text, is_said in (("the name", is_named), ("the place", is_placed)) if not is_said)


def _first(names: Iterable[str], there: Iterable[str]) -> str:
    return next((name for name in names if name in there), "")
