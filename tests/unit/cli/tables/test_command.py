"""`faunalens tables`: its options."""

from datetime import timedelta
from pathlib import Path

import pytest

from cli.__main__ import run
from cli.errors import Exit
from cli.tables.command import parse_days, parse_duration


def test_durations() -> None:
    assert [parse_duration(text) for text in ("30min", "0m", "1h")] == [timedelta(minutes=each) for each in (30, 0, 60)]
    assert [parse_days(text) for text in ("7d", "14", "48h")] == [7, 14, 2]
    for text in ("", "30", "-1h", "half an hour"):
        with pytest.raises(ValueError, match="is no duration; expected one such as 30min"):
            parse_duration(text)
    for text in ("0d", "36h"):
        with pytest.raises(ValueError, match="is no number of days; expected one such as 7d"):
            parse_days(text)


def test_the_options_are_in_the_readme(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--independence", "1h", "--compared-to", "lastRecord", "--occasion", "5d"]
    assert run(["tables", str(study), str(study.parent / "new" / "tables"), *options]) == Exit.DONE
    text = Path(capsys.readouterr().out.strip()).read_text()
    assert 'after 60 minutes, with `deltaTimeComparedTo = "lastRecord"`' in text
    assert "Occasions have 5 days" in text
