"""The list of observations as files: what a stranger puts into one does no harm."""

import csv

from tests.unit.faunalens.web.page.node import evaluate

ROUND_TRIP = """({ FORMATS, parse }, notes, rows) => {
    const taxon = { name: "fox", scientific_name: "Vulpes vulpes" };
    const rest = { added: "2026-11-01T00:00:00.000Z", answered: "", said: "", date: "", where: "", results: [] };
    const entries = notes.map((note, i) => ({ id: `${i}`, taxon, place: null, count: 1, ...rest, note }));
    const features = rows.map((properties) => ({ type: "Feature", geometry: null, properties }));
    return [
        FORMATS.csv.write(entries),
        parse(FORMATS.csv.write(entries)).map(({ note }) => note),
        parse(FORMATS.geojson.write(entries)).map(({ note }) => note),
        parse(JSON.stringify({ features })),
        ["", "{", "{}", "[1]", '{"features":[null]}'].map(parse),
    ];
}"""


def test_a_file_of_a_stranger_does_no_harm() -> None:
    # GIVEN notes that a spreadsheet would run or that break CSV, and a file with values that are none
    notes = ["=1+1", 'say "hi", twice', "two\r\nlines", "-", "", "'quoted"]
    fox = {"id": "b", "name": "fox", "latitude": 91, "longitude": 0, "count": -4, "said": "x", "date": "soon"}
    rows = [{"id": "", "name": "no id"}, {"id": "a", "name": 5}, {**fox, "added": "x"}]
    text, from_csv, from_geojson, strange, broken = evaluate("observation_files.js", ROUND_TRIP, notes, rows)
    # THEN notes come back as they were, formulas are inert in the file, and what is none is left out
    assert (from_csv, from_geojson) == (notes, notes)
    assert all(not cell.startswith(("=", "-")) for row in csv.reader(text.splitlines()) for cell in row)
    (read,) = strange
    assert (read["place"], read["count"], read["said"], read["date"]) == (None, 1, "", "")
    assert broken == [[]] * 5
