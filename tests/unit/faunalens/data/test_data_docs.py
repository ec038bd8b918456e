"""docs/how-to/data.md: its numbers are those of the files it describes."""

import re
from collections import Counter

from chalicelib.config.settings import ROOT
from faunalens.data.dataset_files import read_rows

PAGE = (ROOT / "docs" / "how-to" / "data.md").read_text(encoding="utf-8")


def rows(name: str) -> list[dict[str, str]]:
    return read_rows(ROOT / name)


def table(first_header: str) -> dict[str, str]:
    """Return the first two columns of the table whose first column is `first_header`."""
    lines = PAGE[PAGE.index(f"| {first_header} |") :].split("\n\n")[0].splitlines()[2:]
    cells = [re.findall(r"[^|`]+", line.replace("`", "")) for line in lines]
    return {row[0].strip(): row[1].strip() for row in cells}


def test_rows_of_each_file() -> None:
    documented = {name: int(count.replace(",", "")) for name, count in table("file").items()}
    assert set(documented) >= {"model/labels.csv", "faunalens/data/facts.csv", "faunalens/data/range_maps.csv.gz"}
    assert documented == {name: len(rows(name)) for name in documented}
    kinds = {kind: int(count) for kind, count in table("kind").items()}
    assert kinds == Counter(row["kind"] for row in rows("model/labels.csv"))


def test_an_other_name_is_no_name_of_today_and_leads_to_one_taxon() -> None:
    other = [row["name"].casefold() for row in rows("faunalens/data/other_names.csv")]
    files = ("model/labels.csv", "model/packs/birds.csv", "model/packs/insects.csv")
    today = {row[column].casefold() for file in files for row in rows(file) for column in ("name", "scientific_name")}
    assert len(set(other)) == len(other)
    assert today.isdisjoint(other)


def test_ids_elsewhere_are_counted_well_formed_and_unique() -> None:
    forms = {"inaturalist": r"[1-9]\d*", "wikidata": r"Q[1-9]\d*", "avibase": r"[0-9A-F]{8}", "ebird": r"[a-z0-9]{4,8}"}
    taxa = rows("faunalens/data/taxa.csv")
    counts = re.findall(r"(\w+) \(([\d,]+)", PAGE[PAGE.index("### Ids elsewhere") :].split(".")[1])
    documented = {site.lower(): int(count.replace(",", "")) for site, count in counts}
    for column, form in forms.items():
        ids = [row[column] for row in taxa if row[column]]
        assert len(ids) == len(set(ids)) == documented[column]
        assert all(re.fullmatch(form, each) for each in ids), column
