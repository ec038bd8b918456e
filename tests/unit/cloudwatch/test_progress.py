"""The progress line."""

import io

from cloudwatch.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_share() -> None:
    terminal = Terminal()
    with Progress("counting", terminal) as progress:
        progress.update(0.5)
        progress.update(0.51)  # too soon to be shown
    assert terminal.getvalue().startswith("\rcounting …  50%\rcounting: 0.0 s\n")


def test_a_log_gets_one_line_a_task() -> None:
    log = io.StringIO()
    with Progress("counting", log) as progress:
        progress.update(0.5)
        progress.end()
        progress.begin("sorting")
    assert log.getvalue() == "counting: 0.0 s\nsorting: 0.0 s\n"
