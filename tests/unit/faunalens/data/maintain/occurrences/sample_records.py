"""Files of the same records in each format, written by the tests as the standards say."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

HEAD = ("gbifID", "class", "genus", "species", "scientificName", "taxonKey", "decimalLatitude", "decimalLongitude",
        "occurrenceStatus", "basisOfRecord", "year", "issue")  # fmt: skip


class Record(NamedTuple):
    """A record. `issues`: separated by semicolons in text, a list in Parquet."""

    species: str
    key: int
    latitude: float
    longitude: float
    status: str = "PRESENT"
    basis: str = "HUMAN_OBSERVATION"
    year: int = 2020
    issues: tuple[str, ...] = ()

    def row(self, number: int) -> list[str]:
        """Return its values in the order of `HEAD`."""
        genus = self.species.partition(" ")[0]
        names = [str(number), "Mammalia", genus, self.species, f"{self.species} (Linnaeus, 1758)", str(self.key)]
        place = [repr(self.latitude), repr(self.longitude)]
        return [*names, *place, self.status, self.basis, str(self.year), ";".join(self.issues)]


def simple_csv(path: Path, records: Sequence[Record]) -> Path:
    """Write GBIF's simple CSV: tab-separated in a zip, without quoting."""
    lines = ["\t".join(HEAD), *("\t".join(each.row(number)) for number, each in enumerate(records))]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0009886-250127130748423.csv", "".join(f"{line}\n" for line in lines))
    return path


TERMS, DISTRIBUTION = "http://rs.tdwg.org/dwc/terms/", "http://rs.gbif.org/terms/1.0/Distribution"


def meta(*tables: tuple[str, str, Iterable[tuple[int, str]]], attributes: str = "", more: str = "") -> str:
    """Return a meta.xml. Of each table, the core first: type, file, and terms by column; `more`: of the first."""
    texts = [
        f'<{{tag}} {attributes} rowType="{kind}"><files><location>{file}</location></files><{{id}} index="0"/>'
        + "".join(f'<field index="{number}" term="{TERMS}{name}"/>' for number, name in terms)
        for kind, file, terms in tables
    ]
    core, *extensions = texts
    parts = [core.format(tag="core", id="id") + more + "</core>"]
    parts += [each.format(tag="extension", id="coreid") + "</extension>" for each in extensions]
    return f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{"".join(parts)}</archive>'


def archive(path: Path, records: Sequence[Record]) -> Path:
    """Write a Darwin Core Archive with quoted, comma-separated values and an extension."""
    text = io.StringIO()
    rows = (each.row(number) for number, each in enumerate(records))
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    attributes = 'fieldsTerminatedBy="," linesTerminatedBy="\\r\\n" fieldsEnclosedBy=\'"\''
    described = meta((f"{TERMS}Occurrence", "occurrence.txt", enumerate(HEAD)), attributes=attributes)
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("meta.xml", described)
        written.writestr("occurrence.txt", text.getvalue())
        written.writestr("multimedia.txt", "other\n")
    return path


def snapshot(path: Path, records: Sequence[Record], camel: bool = False) -> Path:
    """Write Parquet with keys as numbers (and names in camel case), or as texts in lower case, as in the snapshot."""
    names = HEAD if camel else tuple(name.lower() for name in HEAD)
    types = dict.fromkeys(HEAD, "varchar") | dict.fromkeys(("decimalLatitude", "decimalLongitude"), "double")
    types |= {"year": "integer", "issue": "varchar[]"} | ({"taxonKey": "integer"} if camel else {})
    with duckdb.connect() as connection:
        columns = ", ".join(f'"{name}" {types[of]}' for name, of in zip(names, HEAD, strict=True))
        connection.execute(f"create table written ({columns})")
        rows = [[*each.row(number)[:-1], list(each.issues)] for number, each in enumerate(records)]
        if rows:
            connection.executemany(f"insert into written values ({', '.join('?' * len(HEAD))})", rows)
        connection.execute(f"copy written to '{path}' (format parquet)")
    return path


def events(path: Path, records: Sequence[Record]) -> Path:
    """Write a Darwin Core Archive with events as its core, which have the places, and occurrences as an extension."""
    of_event = ("decimalLatitude", "decimalLongitude", "year")
    own = [name for name in HEAD if name not in of_event]
    rows = [dict(zip(HEAD, each.row(number), strict=True)) for number, each in enumerate(records)]
    attributes = 'fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1"'
    core = (f"{TERMS}Event", "event.txt", enumerate(of_event, 1))
    extension = (f"{TERMS}Occurrence", "occ.txt", enumerate(own, 1))
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("meta.xml", meta(core, extension, attributes=attributes))
        for file, names in (("event.txt", of_event), ("occ.txt", own)):
            lines = ["\t".join([f"e{number}", *(row[name] for name in names)]) for number, row in enumerate(rows)]
            written.writestr(file, "".join(f"{line}\n" for line in ["head", *lines]))
    return path


FORMATS: dict[str, Callable[[Path, Sequence[Record]], Path]] = {
    "simple CSV": simple_csv,
    "Darwin Core Archive": archive,
    "Darwin Core Archive of events": events,
    "Parquet, lower case": snapshot,
    "Parquet, camel case": lambda path, records: snapshot(path, records, camel=True),
}
