"""The table of prices: read completely, or refused with the wrong line."""

from pathlib import Path

import pytest

from cloudwatch.errors import FileError
from cloudwatch.prices import read_prices

HEAD = "name,value,unit,what,region,date,source\n"


def test_a_price_has_a_value_and_a_placeholder(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(f'{HEAD}gb_second,0.0000166667,USD,"time × memory, x86",us-east-1,2026-11-25,https://x\n', "utf-8")
    (price,) = read_prices(path).values()
    assert (price.value, price.text, price.placeholder) == (1.66667e-05, "0.0000166667", "PRICE_GB_SECOND")
    assert price.what == "time × memory, x86"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,value\n", "line 1: the columns must be name,value,unit,what,region,date,source"),
        (f"{HEAD}a,1,USD\n", "line 2: expected 7 columns"),
        (f"{HEAD}a,1,USD,b,c,d,e,f\n", "line 2: expected 7 columns"),
        (f"{HEAD}A,1,USD,b,c,d,e\n", 'line 2: name "A" is invalid; use lower-case letters, digits and _'),
        (f"{HEAD}a,1e-3,USD,b,c,d,e\n", 'line 2: value "1e-3" is invalid; write a plain decimal number'),
        (f"{HEAD}a,,USD,b,c,d,e\n", 'line 2: value "" is invalid; write a plain decimal number'),
        (f"{HEAD}a,1,USD,b,c,d,e\na,2,USD,b,c,d,e\n", "line 3: a appears twice"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileError) as error:
        read_prices(path)
    assert str(error.value).startswith(f"{tmp_path.name}/prices.csv: {message}")


def test_a_folder_without_a_table_has_no_prices(tmp_path: Path) -> None:
    assert read_prices(tmp_path / "prices.csv") == {}
