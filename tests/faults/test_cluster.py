"""No fault of a Redis of several servers fails a request."""

from collections.abc import Iterator

import pytest

from local.postgres import PostgresServer
from tests.faults.case import Answer, Case, State, parameters, play
from tests.faults.cluster_cases import CLUSTER_CASES, PAIR_CASES, ClusterRig, PairRig
from tests.faults.rig import CELLS
from tests.faults.servers import Single, two
from tests.nodes import cluster
from tests.stage import database


@pytest.fixture(scope="module")
def cluster_rig(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterRig]:
    with (
        cluster(tmp_path_factory.mktemp("cluster")) as nodes,
        database(postgres_server, ("v1", "v2"), cells=CELLS) as url,
    ):
        yield ClusterRig(redis_url=nodes[0].url, database_url=url, nodes=nodes)


@pytest.fixture(scope="module")
def pair_rig(postgres_server: PostgresServer) -> Iterator[PairRig]:
    with two(Single) as (first, second), database(postgres_server, ("v1", "v2"), cells=CELLS) as url:
        yield PairRig(redis_url=first.signed_in(first.port), database_url=url, first=first, second=second)


@parameters(CLUSTER_CASES)
def test_cluster(cluster_rig: ClusterRig, case: Case[ClusterRig], state: State, answer: Answer) -> None:
    play(case, state, answer, cluster_rig, cluster_rig.straight)


@parameters(PAIR_CASES)
def test_pair(pair_rig: PairRig, case: Case[PairRig], state: State, answer: Answer) -> None:
    play(case, state, answer, pair_rig, pair_rig.straight)
