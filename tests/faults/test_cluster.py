"""No request fails with these faults of Redis, which need several servers or another kind of server."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local.stack.postgres import PostgresServer
from tests.faults.case import Scenario, parametrize
from tests.faults.cluster_cases import CLUSTER_CASES, PAIR_CASES, ClusterRig, StandaloneRig
from tests.faults.rig import CELLS, StandaloneValkey, run_case, running_server
from tests.faults.valkey_cluster import cluster
from tests.support.feature_rig import database


@pytest.fixture(scope="module")
def pair_rig(postgres_server: PostgresServer) -> Iterator[StandaloneRig]:
    with ExitStack() as stack:
        servers = [stack.enter_context(running_server(StandaloneValkey)) for _ in range(2)]
        url = stack.enter_context(database(postgres_server, ("v1", "v2"), cells=CELLS))
        yield StandaloneRig(redis_url=servers[0].signed_in(servers[0].port), database_url=url, servers=servers)


@pytest.fixture(scope="module")
def cluster_rig(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterRig]:
    folder = tmp_path_factory.mktemp("cluster")
    with cluster(folder) as nodes, database(postgres_server, ("v1", "v2"), cells=CELLS) as url:
        yield ClusterRig(redis_url=nodes[0].url, database_url=url, nodes=nodes)


@parametrize(CLUSTER_CASES)
def test_cluster(cluster_rig: ClusterRig, scenario: Scenario[ClusterRig]) -> None:
    run_case(scenario, cluster_rig)


@parametrize(PAIR_CASES)
def test_pair(pair_rig: StandaloneRig, scenario: Scenario[StandaloneRig]) -> None:
    run_case(scenario, pair_rig)
