"""docs/how-to/data.md: its numbers are those of the files it describes."""

import csv
import gzip
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "how-to" / "data.md").read_text(encoding="utf-8")


def rows(name: str) -> list[dict[str, str]]:
    data = (ROOT / name).read_bytes()
    text = gzip.decompress(data) if name.endswith(".gz") else data
    return list(csv.DictReader(text.decode().splitlines()))


def table(first_header: str) -> dict[str, int]:
    """Return the first column and the number in the second, of the table whose first column is `first_header`."""
    lines = PAGE[PAGE.index(f"| {first_header} |") :].split("\n\n")[0].splitlines()[2:]
    cells = [re.findall(r"[^|`]+", line.replace("`", "")) for line in lines]
    return {row[0].strip(): int(row[1].replace(",", "")) for row in cells}


def test_rows_of_each_file() -> None:
    documented = table("file")
    assert set(documented) >= {"model/labels.csv", "database/animal_areas.csv", "database/mammal_cells.csv.gz"}
    assert documented == {name: len(rows(name)) for name in documented}


def test_animals_of_each_kind() -> None:
    assert table("kind") == Counter(row["kind"] for row in rows("model/labels.csv"))


def test_rows_of_each_source() -> None:
    assert table("source") == Counter(row["source"] for row in rows("database/animal_areas.csv"))
