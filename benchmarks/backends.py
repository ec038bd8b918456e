"""What is behind the app while it is measured: real PostgreSQL with the data, real Valkey, on free ports."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from database.dataset import read_dataset
from database.load import activate, load
from local.stack import postgres, valkey


@contextmanager
def behind() -> Iterator[dict[str, str]]:
    """The environment of an app over both; they stop at the end."""
    with valkey.prepared() as cache, postgres.serve() as database:
        cache.launch()
        with closing(psycopg2.connect(database.url)) as connection:
            activate(connection, load(connection, read_dataset(), report=lambda _: None).version)
        cache.wait_until_ready()
        yield {"DATABASE_URL": database.url, "REDIS_URL": cache.url, "METRICS_FILE": os.devnull}
