"""No request fails with these faults of Redis, which need several servers or another kind of server."""

from collections.abc import Iterator

import pytest

from local.stack.postgres import PostgresServer
from tests.faults.case import Scenario, parametrize
from tests.faults.cluster_cases import (
    CLUSTER_CASES,
    LOADING_CASES,
    PAIR_CASES,
    SLOW_TO_LOAD,
    ClusterRig,
    LoadingRig,
    PairRig,
)
from tests.faults.rig import CELLS, StandaloneValkey, run_case, running_pair, running_server
from tests.faults.valkey_cluster import cluster
from tests.support.feature_rig import database


@pytest.fixture(scope="module")
def cluster_rig(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterRig]:
    with (
        cluster(tmp_path_factory.mktemp("cluster")) as nodes,
        database(postgres_server, ("v1", "v2"), cells=CELLS) as url,
    ):
        yield ClusterRig(redis_url=nodes[0].url, database_url=url, nodes=nodes)


@pytest.fixture(scope="module")
def pair_rig(postgres_server: PostgresServer) -> Iterator[PairRig]:
    with running_pair(StandaloneValkey) as (first, second), database(postgres_server, ("v1", "v2"), cells=CELLS) as url:
        yield PairRig(redis_url=first.signed_in(first.port), database_url=url, first=first, second=second)


@pytest.fixture(scope="module")
def loading_rig(postgres_server: PostgresServer) -> Iterator[LoadingRig]:
    with (
        running_server(StandaloneValkey, *SLOW_TO_LOAD) as server,
        database(postgres_server, ("v1", "v2"), cells=CELLS) as url,
    ):
        yield LoadingRig(redis_url=server.signed_in(server.port), database_url=url, server=server)


@parametrize(CLUSTER_CASES)
def test_cluster(cluster_rig: ClusterRig, scenario: Scenario[ClusterRig]) -> None:
    run_case(scenario, cluster_rig, cluster_rig.direct_settings)


@parametrize(PAIR_CASES)
def test_pair(pair_rig: PairRig, scenario: Scenario[PairRig]) -> None:
    run_case(scenario, pair_rig, pair_rig.direct_settings)


@parametrize(LOADING_CASES)
def test_loading(loading_rig: LoadingRig, scenario: Scenario[LoadingRig]) -> None:
    run_case(scenario, loading_rig, loading_rig.direct_settings)
