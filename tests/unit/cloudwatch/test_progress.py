"""The line about what takes a moment."""

import io

from cloudwatch.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_says_how_far_it_is() -> None:
    terminal = Terminal()
    with Progress("counting", terminal) as progress:
        progress.update(0.5)
        progress.update(0.51)  # too soon to be told
    assert terminal.getvalue().startswith("\rcounting …  50%\rcounting: 0.0 s\n")


def test_in_a_log_there_is_one_line_a_thing() -> None:
    log = io.StringIO()
    with Progress("counting", log) as progress:
        progress.update(0.5)
        progress.end()
        progress.begin("sorting")
    assert log.getvalue() == "counting: 0.0 s\nsorting: 0.0 s\n"
