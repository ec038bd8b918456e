"""No fault of Redis fails a request that takes several servers, or one of another kind."""

from collections.abc import Iterator

import pytest

from local.stack.postgres import PostgresServer
from testing.faults.case import Answer, Case, State, parameters, play
from testing.faults.cluster_cases import (
    CLUSTER_CASES,
    LOADING_CASES,
    PAIR_CASES,
    SLOW_TO_LOAD,
    ClusterRig,
    LoadingRig,
    PairRig,
)
from testing.faults.rig import CELLS
from testing.faults.servers import Single, one, two
from testing.feature_rig import database
from testing.valkey_cluster import cluster


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


@pytest.fixture(scope="module")
def loading_rig(postgres_server: PostgresServer) -> Iterator[LoadingRig]:
    with one(Single, *SLOW_TO_LOAD) as server, database(postgres_server, ("v1", "v2"), cells=CELLS) as url:
        yield LoadingRig(redis_url=server.signed_in(server.port), database_url=url, server=server)


@parameters(CLUSTER_CASES)
def test_cluster(cluster_rig: ClusterRig, case: Case[ClusterRig], state: State, answer: Answer) -> None:
    play(case, state, answer, cluster_rig, cluster_rig.straight)


@parameters(PAIR_CASES)
def test_pair(pair_rig: PairRig, case: Case[PairRig], state: State, answer: Answer) -> None:
    play(case, state, answer, pair_rig, pair_rig.straight)


@parameters(LOADING_CASES)
def test_loading(loading_rig: LoadingRig, case: Case[LoadingRig], state: State, answer: Answer) -> None:
    play(case, state, answer, loading_rig, loading_rig.straight)
