"""Process memory: the first level of a lookup. test_cell_features.py has the lookups."""

from chalicelib.features.features import NO_LOCATION
from chalicelib.features.lookup import Memory, MemoryEntry


def entry(hard: float = 10) -> MemoryEntry:
    return MemoryEntry(NO_LOCATION, fresh=0, soft=0, hard=hard)


def test_the_entry_written_longest_ago_makes_room() -> None:
    # GIVEN a memory of three that is full
    memory = Memory(3)
    for cell in (1, 2, 3):
        memory.put(cell, entry())
    # WHEN the first is written anew and a fourth comes
    memory.put(1, entry(20))
    memory.put(4, entry())
    # THEN the second, now the oldest, is gone
    assert [memory.get(cell) is not None for cell in (1, 2, 3, 4)] == [True, False, True, True]
    assert len(memory) == 3


def test_past_its_hard_expiry_an_entry_is_forgotten() -> None:
    memory = Memory(3)
    memory.put(1, entry())
    assert memory.usable(1, now=9.9) is not None
    assert memory.usable(1, now=10) is None
    assert len(memory) == 0


def test_without_room_nothing_is_kept() -> None:
    memory = Memory(0)
    memory.put(1, entry())
    assert memory.get(1) is None
