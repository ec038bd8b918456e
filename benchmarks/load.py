"""The time and memory of counting occurrences by name and cell, compared with a bare `count(*) … group by` in DuckDB.

The records are generated, in the columns of GBIF's Parquet snapshot: 30,000 species around 20,000 towns. Each case runs
in a process of its own, so that its peak memory is its own. The ratio is that of processor time, which other work on
the machine changes less than the time that passes.
"""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import duckdb

from benchmarks.measure import in_new_process, megabytes, options, table, verdict
from faunalens.data.maintain.occurrences.filters import Filters
from faunalens.data.maintain.occurrences.tables import tables_in
from faunalens.data.maintain.occurrences.workspace import Workspace

LEAST_ROWS_A_SECOND = 500_000
MOST_RATIO = 2.5
MOST_MEMORY = 1.5e9
BARE_MEMORY = "4GB"
"""Memory of the bare statement. With the 1 GB of a load, which counts in parts, it fails for 100 million rows."""

GENERATE = """
    copy (
        select
            row as gbifid,
            'Animalia' as kingdom, 'Chordata' as phylum, 'Aves' as class,
            'Order' || key % 40 as "order", 'Family' || key % 200 as family, 'Genus' || key % 3000 as genus,
            'Genus' || key % 3000 || ' species' || key as species,
            'Genus' || key % 3000 || ' species' || key || ' (Author, 1758)' as scientificname,
            key::varchar as taxonkey, key::varchar as specieskey,
            greatest(-90, least(90, town_lat + scatter)) as decimallatitude,
            (town_lon + scatter * 1.7 + 540) % 360 - 180 as decimallongitude,
            [null, 10.0, 100.0, 1000.0, 30000.0][1 + row % 5] as coordinateuncertaintyinmeters,
            1970 + row % 56 as year,
            if(row % 50 = 0, 'PRESERVED_SPECIMEN', 'HUMAN_OBSERVATION') as basisofrecord,
            if(row % 200 = 0, 'ABSENT', 'PRESENT') as occurrencestatus,
            ['CC0_1_0', 'CC_BY_4_0', 'CC_BY_NC_4_0'][1 + row % 3] as license,
            if(row % 3 = 0, ['COORDINATE_ROUNDED'], []) as issue
        from (
            select row, 1000000 + (30000 * pow(random(), 3))::integer as key, random() - 0.5 as scatter,
                degrees(asin(2 * (hash(town) % 1000003) / 1000003 - 1)) as town_lat,
                360 * (hash(town + 100000) % 1000003) / 1000003 - 180 as town_lon
            from (select range as row, (20000 * pow(random(), 2))::integer as town from range({rows}))
        )
    ) to '{path}' (format parquet, row_group_size 1000000)"""

BARE = """
    create table counted as
    select taxonkey, floor(decimallatitude) as lat, floor(decimallongitude) as lon, count(*) as records
    from '{path}' group by all"""


def run(case: str, path: Path, threads: int) -> tuple[float, float, float, int]:
    """Run one case. Return its duration and processor time (s), its peak memory (bytes), and its number of groups."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        if case == "bare":
            connection = stack.enter_context(duckdb.connect(f"{folder}/bare.duckdb"))
            connection.execute(f"set memory_limit = '{BARE_MEMORY}'")
            count: Callable[[], object] = partial(connection.execute, BARE.format(path=path))
        else:
            workspace = stack.enter_context(Workspace(Path(folder), Filters()))
            connection = workspace.connection
            count = partial(workspace.read, tables_in(path), lambda _line: None)
        connection.execute(f"set threads = {threads}")
        started, busy = perf_counter(), process_time()
        count()
        seconds, busy = perf_counter() - started, process_time() - busy
        groups = connection.execute("select count(*) from counted").fetchone() or (0,)
        return seconds, busy, megabytes("VmHWM") * 1e6, groups[0]


def counting_table(numbers: Sequence[int], rounds: int, threads: int) -> str:
    """Return a table of the time and memory that counting takes, for each of some numbers of rows."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in numbers:
            path = Path(folder) / "occurrences.parquet"
            duckdb.execute(GENERATE.format(rows=rows, path=path))
            found: dict[str, list[tuple[float, float, float, int]]] = {"bare": [], "load": []}
            for _ in range(rounds):
                for case, its in found.items():
                    its.append(in_new_process(run, case, path, threads))
            base = median(busy for _, busy, *_ in found["bare"])
            for case, its in found.items():
                seconds, busy = median(each[0] for each in its), median(each[1] for each in its)
                peak = max(each[2] for each in its)
                met = rows / seconds >= LEAST_ROWS_A_SECOND and busy / base <= MOST_RATIO and peak <= MOST_MEMORY
                line = [f"{rows:,}", case, f"{seconds:.2f} s", f"{rows / seconds:,.0f}", f"{busy:.2f} s"]
                line += [f"{busy / base:.2f}", f"{peak / 1e6:,.0f} MB"]
                lines.append([*line, f"{its[0][3]:,}", "" if case == "bare" else verdict(met)])
    head = ["rows", "case", "median", "rows a second", "processor", "ratio", "most memory", "groups"]
    goal = f"≥ {LEAST_ROWS_A_SECOND:,} a second, ≤ {MOST_RATIO} × bare, ≤ {MOST_MEMORY / 1e9} GB"
    return table(lines, [*head, goal])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of the time and memory that counting occurrences takes."""
    chosen = options(
        __doc__,
        arguments,
        rows=([1_000_000, 10_000_000], "numbers of rows"),
        rounds=(3, "number of rounds"),
        threads=(2, "threads of DuckDB"),
    )
    print(counting_table(chosen.rows, chosen.rounds, chosen.threads))


if __name__ == "__main__":
    main()
