"""Process memory: the first level of a lookup. test_cell_features.py has the lookups."""

from chalicelib.features.features import NO_LOCATION
from chalicelib.features.lookup import Memory, MemoryEntry


def test_the_entry_written_longest_ago_makes_room() -> None:
    # GIVEN a memory of three that is full
    memory, entry = Memory(3), MemoryEntry(NO_LOCATION, fresh=0, soft=0, hard=10)
    for cell in (1, 2, 3):
        memory.put(cell, entry)
    # WHEN the first is written anew and a fourth comes
    memory.put(1, entry)
    memory.put(4, entry)
    # THEN the second, now the oldest, is gone
    assert [memory.get(cell) is not None for cell in (1, 2, 3, 4)] == [True, False, True, True]
    assert len(memory) == 3
