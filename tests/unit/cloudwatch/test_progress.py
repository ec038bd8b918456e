"""The progress of a task on standard error."""

import io

from cloudwatch.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_says_how_far_it_is() -> None:
    terminal = Terminal()
    with Progress("counting", terminal) as progress:
        progress.update(0.5)
        progress.update(0.51)  # too soon to be shown
    assert terminal.getvalue().startswith("counting …\rcounting …  50%\rcounting: 0.0 s\n")


def test_in_a_log_each_task_has_a_line_at_its_start_and_at_its_end() -> None:
    log = io.StringIO()
    with Progress("counting", log) as progress:
        progress.update(0.5)
        progress.end()
        progress.begin("sorting")
    assert log.getvalue() == "counting …\ncounting: 0.0 s\nsorting …\nsorting: 0.0 s\n"
