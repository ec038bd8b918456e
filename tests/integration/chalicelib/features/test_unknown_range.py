"""An animal whose range no source states, from the files of a dataset to the answer, with real stores."""

from contextlib import closing
from pathlib import Path

import numpy as np
import psycopg2
import redis

from chalicelib.config.settings import Settings
from chalicelib.features.cells import cell_of
from chalicelib.model.models import FusedScores
from chalicelib.model.prior import Prior
from chalicelib.model.taxonomy import Taxonomy
from database.dataset import read_dataset
from database.load import load
from database.switch import activate
from local.stack.valkey import ValkeyServer
from tests.support.feature_rig import LookupStack

RANGES = "taxon,areas,status,certainty,extent,season,source,note\n"
SYDNEY = cell_of(-33.8688, 151.2093)


def test_it_is_unknown_and_never_weighed_down(database_url: str, valkey_server: ValkeyServer, tmp_path: Path) -> None:
    # GIVEN a dataset that says where koalas, tigers and elephants live, and nothing about wombats
    stated = "phascolarctos-cinereus,AU,,,,,mdd,\npanthera-tigris,IN,,,,,mdd,\nelephas-maximus,IN,,,,,mdd,\n"
    (tmp_path / "ranges.csv").write_text(RANGES + stated)
    with closing(psycopg2.connect(database_url)) as connection:
        dataset = read_dataset({"ranges": tmp_path / "ranges.csv"})
        load(connection, dataset, report=lambda _: None)
        activate(connection, dataset.version)
    model = Settings().model.path
    taxonomy = Taxonomy.read(model.with_name("labels.csv"), model.with_name("taxa.csv"))
    output = {animal.name: animal.output_index for animal in taxonomy.animals}
    vision = np.zeros(len(taxonomy.animals), np.float32)
    for name in ("koala", "wombat", "tiger"):
        vision[output[name]] = 0.3
    with closing(redis.Redis.from_url(valkey_server.admin_url)) as admin:
        admin.flushall()
    # WHEN two containers look up a cell in Australia: one in PostgreSQL, then one in Redis
    for level in ("miss", "hit"):
        with closing(LookupStack(valkey_server.url, database_url)) as stack:
            features = stack.features.at(SYDNEY)
        assert (features.mode, features.cache, features.faults) == ("narrowed", level, ())
        # THEN wombats weigh as much as the koalas that live there, and their answer says that this is unknown
        prior = Prior(features, floor=0.02)
        weights = {name: round(float(prior.over(taxonomy)[output[name]]), 2) for name in ("koala", "wombat", "tiger")}
        assert weights == {"koala": 1.0, "wombat": 1.0, "tiger": 0.02}
        likeliest = FusedScores(vision, vision, 1.0, taxonomy).likeliest(3)
        here = {animal.name: prior.here(animal) for animal in likeliest}
        assert here == {"koala": "native", "wombat": "unknown", "tiger": "unexpected"}
