"""Which records count: the filters that users of GBIF's data apply, as SQL, each with a name for the report. No I/O."""

from dataclasses import dataclass
from typing import Final

from faunalens.data.maintain.occurrences.records import literal

ISSUES: Final = ("COORDINATE_INVALID", "COORDINATE_OUT_OF_RANGE", "COUNTRY_COORDINATE_MISMATCH", "ZERO_COORDINATE")
"""The issues for which GBIF sets `hasGeospatialIssues`."""

_CENTROIDS: Final = (301, 3036, 999, 9999)
"""Uncertainties in metres that gazetteers give to the middle of a country or state
(https://data-blog.gbif.org/post/country-centroids/)."""
_CAPTIVE: Final = ("managed", "captive", "cultivated")
_SPECIMENS: Final = ("fossil_specimen", "fossilspecimen", "living_specimen", "livingspecimen")
"""Kinds of records that are no living wild animals, in the spellings of GBIF, and of Darwin Core and its publishers."""
_NON_COMMERCIAL: Final = "regexp_extract(licence, '(^|[^a-z])nc([^a-z]|$)') <> ''"
_CENTROID_METRES: Final = 2000
"""Minimum distance in metres of a record from the middle of a country, as the page about `_CENTROIDS` advises."""
NO_END: Final = 9999
"""Last year of filters without one."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which records count.

    A record without a filter's column passes the filter, unless the column is its name or place. `max_uncertainty`: of
    coordinates, in metres; a cell is 110 km across. `since`, `until`: first and last year. `commercial`: whether to
    leave out records whose licence forbids commercial use.
    """

    max_uncertainty: float = 25_000
    since: int = 1980
    until: int = NO_END
    commercial: bool = False

    @property
    def reasons(self) -> dict[str, str]:
        """Return the SQL condition under which each filter drops a record, by the reason in words.

        The first one counts. The conditions use the columns of `normal_query` (records.py).
        """
        issues = " or ".join(f"contains(issues, {literal(each)})" for each in ISSUES)  # list_has_any is slower
        years = f"from before {self.since}" + (f" or after {self.until}" if self.until < NO_END else "")
        uncertain = f"with coordinates uncertain by more than {self.max_uncertainty:,.0f} m"
        return {
            "latitude or longitude is not a number": "is_bad_number",
            "number of records is not a number": "records is null or records < 0",
            "without a place": "cell is null and country is null and (lat is null or lon is null)",
            "outside the Earth": "not (abs(lat) <= 90 and abs(lon) <= 180)",
            "at 0° N 0° E": "abs(lat) < 1e-4 and abs(lon) < 1e-4",
            "without a name": "not is_named",
            "of an animal that was absent": "presence = 'absent' or records = 0",
            "fossil, or a living specimen in a zoo or garden": f"basis in {_SPECIMENS}",
            "captive or cultivated": f"captive in ('true', 't', '1') or establishment in {_CAPTIVE}",
            "casual, or not approved by a reviewer": "quality = 'casual' or approved = '0'",
            "with an issue of its coordinates": issues,
            "placed in the middle of a country": f"uncertainty in {_CENTROIDS} or centroid < {_CENTROID_METRES}",
            uncertain: f"uncertainty > {self.max_uncertainty!r}",
            years: f"year not between {self.since} and {self.until}",
            "under a licence without commercial use": f"{self.commercial} and {_NON_COMMERCIAL}",
        }


def reason_query(filters: Filters) -> str:
    """Return SQL for the number of the first filter that leaves out a record, or null if the record counts."""
    return f"case {' '.join(f'when {sql} then {number}' for number, sql in enumerate(filters.reasons.values()))} end"
