"""Work in parallel, with few tasks in memory; and a warning about the table of deployments."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faunalens.study.deployments import Deployments, Where
from faunalens.study.identify import AHEAD, in_parallel
from faunalens.study.listing import warn_of_homeless
from faunalens.study.results import ResultsFile


def test_every_task_is_done_once_with_few_in_memory() -> None:
    # GIVEN a thousand tasks that count how many were taken
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    # WHEN the results are consumed THEN never more tasks were taken than fit in memory
    done = []
    for result in in_parallel(lambda number: number * 2, tasks(), 3):
        done.append(result)
        assert taken - len(done) < 3 * AHEAD
    assert sorted(done) == [number * 2 for number in range(1000)]
    # THEN an error ends the run, and a consumer may stop
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(lambda number: 1 / number, [1, 0, 2], 2))
    with closing(in_parallel(str, range(10**9), 2)) as results:
        assert next(results)


def test_folders_that_the_table_calls_otherwise_are_named(
    results: ResultsFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a table that has the study's folder in its names too, and photos in the folder below it
    rows = [{"deploymentID": "one", "folder": f"{tmp_path.name}/R13"}]
    warn_of_homeless(Counter({"R13": 3}), Where(results, Deployments(rows), None, None), tmp_path)
    said = capsys.readouterr().err
    assert "3 photos are in no deployment's folder, such as in R13; " in said
    assert f"1 folder of the table not in {tmp_path}, such as {tmp_path.name}/R13" in said
