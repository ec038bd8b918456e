"""Which tests of parallel workers of pytest-xdist run at the same time: by their marks, in groups."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from pathlib import Path
from typing import Literal, get_args

Group = Literal["any", "timed", "alone"]
"""The group of a test, in the order in which they run. `timed`: its limits are seconds, and it waits more than it
computes, so it runs beside others of this group only. `alone`: it needs the whole machine."""
GROUPS: tuple[Group, ...] = get_args(Group)


@contextmanager
def turn(folder: Path, group: Group) -> Iterator[None]:
    """Wait for a turn, and keep it until the end of the block. `folder`: the same for all workers of a run.

    A test that waits for those of another group stays at the head of the queue, so that no other test starts meanwhile.
    """
    with ExitStack() as stack:
        queue, *files = (stack.enter_context((folder / f"{name}.lock").open("w")) for name in ("queue", *GROUPS))
        running = dict(zip(GROUPS, files, strict=True))
        flock(queue, LOCK_EX)
        for other in set(GROUPS) - {group}:
            flock(running[other], LOCK_EX)
            flock(running[other], LOCK_UN)
        flock(running[group], LOCK_EX if group == "alone" else LOCK_SH)
        flock(queue, LOCK_UN)
        try:
            yield
        finally:
            flock(running[group], LOCK_UN)  # closing is not enough: a forked process may have inherited the file
