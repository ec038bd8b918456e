from dataclasses import dataclass

from chalicelib.features.memory import Memory


@dataclass
class Entry:
    hard: float


def test_the_entry_written_longest_ago_makes_room() -> None:
    # GIVEN a memory of three that is full
    memory = Memory[Entry](3)
    for cell in (1, 2, 3):
        memory.put(cell, Entry(10))
    # WHEN the first is written anew and a fourth comes
    memory.put(1, Entry(20))
    memory.put(4, Entry(10))
    # THEN the second, now the oldest, is gone
    assert [memory.get(cell) is not None for cell in (1, 2, 3, 4)] == [True, False, True, True]
    assert len(memory) == 3


def test_past_its_hard_expiry_an_entry_is_forgotten() -> None:
    memory = Memory[Entry](3)
    memory.put(1, Entry(hard=10))
    assert memory.usable(1, now=9.9) is not None
    assert memory.usable(1, now=10) is None
    assert len(memory) == 0


def test_without_room_nothing_is_kept() -> None:
    memory = Memory[Entry](0)
    memory.put(1, Entry(10))
    assert memory.get(1) is None
