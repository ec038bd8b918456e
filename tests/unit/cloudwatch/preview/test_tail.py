from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudwatch.preview.tail import Tail


def test_new_lines_come_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.log"
    tail = Tail(path)
    # GIVEN a file that does not exist yet
    assert list(tail.read_lines()) == []
    with path.open("ab", buffering=0) as file:
        # WHEN lines are written, the last one in two parts
        file.write(b"one\ntwo\nthr")
        assert list(tail.read_lines()) == [b"one", b"two"]
        assert list(tail.read_lines()) == []
        file.write(b"ee\n")
    # THEN the unfinished line comes once it is complete
    assert list(tail.read_lines()) == [b"three"]
    tail.close()


def test_a_truncated_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "metrics.log"
    path.write_bytes(b"one\ntwo\nunfin")
    tail = Tail(path)
    assert list(tail.read_lines()) == [b"one", b"two"]
    path.write_bytes(b"new\n")
    assert list(tail.read_lines()) == [b"new"]
    tail.close()


def test_a_file_that_is_replaced_is_read_to_its_end_first(tmp_path: Path) -> None:
    path = tmp_path / "metrics.log"
    path.write_bytes(b"one\n")
    tail = Tail(path)
    assert list(tail.read_lines()) == [b"one"]
    # WHEN it is rotated with an unread line
    with path.open("ab") as file:
        file.write(b"two\nlost half")
    path.rename(tmp_path / "metrics.log.1")
    assert list(tail.read_lines()) == [b"two"]
    path.write_bytes(b"three\n")
    # THEN only the incomplete line is lost
    assert list(tail.read_lines()) == [b"three"]
    tail.close()


@given(st.binary(max_size=80), st.lists(st.integers(1, 30), max_size=8), st.integers(1, 9))
def test_however_it_grows_the_lines_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, cuts: list[int], chunk: int
) -> None:
    path = tmp_path_factory.mktemp("tail") / "metrics.log"
    tail, got, rest = Tail(path, chunk), list[bytes](), content
    with path.open("ab", buffering=0) as file:
        for cut in [*cuts, len(content)]:
            file.write(rest[:cut])
            rest = rest[cut:]
            got += tail.read_lines()
    tail.close()
    assert got == content.split(b"\n")[:-1]
