"""The app's backends while it is measured: real PostgreSQL with the project's data, and real Valkey."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from database.dataset import Dataset, read_dataset
from database.load import activate, load
from local.stack import postgres, valkey


def load_active(url: str, dataset: Dataset) -> None:
    """Load a dataset into a database and activate it."""
    with closing(psycopg2.connect(url)) as connection:
        activate(connection, load(connection, dataset, report=lambda _: None).version)


@contextmanager
def backends() -> Iterator[dict[str, str]]:
    """Run both on free ports until the end of the block; yield the app's environment."""
    with valkey.prepared() as cache, postgres.serve() as database:
        cache.launch()
        load_active(database.url, read_dataset())
        cache.wait_until_ready()
        yield {"DATABASE_URL": database.url, "REDIS_URL": cache.url, "METRICS_FILE": os.devnull}
