"""How a load shows how far it is."""

from io import StringIO
from itertools import count

from database.occurrences.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar_that_goes_away() -> None:
    # GIVEN a terminal, and a clock on which 20 s pass between two looks
    lines: list[str] = []
    terminal, clock = Terminal(), count(0, 20.0)
    progress = Progress("file", lines.append, terminal, lambda: next(clock))
    progress.show(0.25, 1_000_000)
    assert terminal.getvalue() == f"\r\x1b[K[{'█' * 8}{'·' * 22}] 25%, 1,000,000 rows, 50,000 a second, 1:00 min left"
    assert progress.end() == 40
    assert terminal.getvalue().endswith("left\r\x1b[K")
    assert lines == []


def test_elsewhere_there_is_a_line_every_ten_seconds() -> None:
    lines: list[str] = []
    terminal, clock = StringIO(), count(0, 4.0)
    progress = Progress("file", lines.append, terminal, lambda: next(clock))
    for share in (0.1, 0.2, 0.3, None):
        progress.show(share, 1200)
    progress.end()
    assert lines == ["           file: 30%, 1,200 rows, 100 a second, 28 s left"]
    assert terminal.getvalue() == ""
