"""No fault of TLS fails a request, and the app sends nothing to a server that fails verification."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime

import psycopg2
import pytest

from chalicelib.config.settings import ROOT, Settings
from chalicelib.deadline import Deadline
from chalicelib.services import build_warming
from chalicelib.stores.sign_in import Signer
from faunalens.data.database import prepare
from tests.faults.case import Scenario, parametrize
from tests.faults.certificates import NAME, issue
from tests.faults.containers import ContainerLookup
from tests.faults.proxy import Proxy
from tests.faults.rig import CELLS, command, run_case
from tests.faults.tls_cases import POSTGRES_CASES, REDIS_CASES, TlsRedis, TlsRig, tls_postgres
from tests.support.feature_rig import database


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRig]:
    folder = tmp_path_factory.mktemp("tls")
    certificates = issue(folder)
    with ExitStack() as stack:
        redis_server = stack.enter_context(TlsRedis(folder / "redis", certificates))
        postgres_server = stack.enter_context(tls_postgres(certificates))
        url = stack.enter_context(database(postgres_server, ("v1", "v2"), cells=CELLS))
        yield TlsRig(
            redis_url=redis_server.signed_in(redis_server.port),
            database_url=url,
            redis=redis_server,
            redis_proxy=stack.enter_context(Proxy.to(redis_server.tls_port)),
            postgres=postgres_server,
            postgres_proxy=stack.enter_context(Proxy.to(postgres_server.port)),
            certificates=certificates,
        )


@parametrize(REDIS_CASES)
def test_redis(rig: TlsRig, scenario: Scenario[TlsRig]) -> None:
    run_case(scenario, rig)


@parametrize(POSTGRES_CASES)
def test_postgres(rig: TlsRig, scenario: Scenario[TlsRig]) -> None:
    run_case(scenario, rig)


def test_all_of_it_is_encrypted_and_redis_is_a_cluster(rig: TlsRig) -> None:
    with closing(ContainerLookup(rig.settings)) as container:
        rig.connect(container)
        # THEN PostgreSQL reports that the session uses TLS
        sessions = rig.sql(
            "select ssl from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'faunalens'"
        )
        assert sessions == [(True,)]
    # AND Redis is a cluster of one, with all slots
    assert b"cluster_slots_ok:16384" in command(rig.redis, "CLUSTER", "INFO")


@pytest.fixture
def _signing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set credentials and stop the clock of signatures, so that equal requests get equal tokens."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    now = datetime.now(UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: now)


def assert_signs_in(rig: TlsRig, signed: dict[str, str], refused: str) -> None:
    """Check that a container signs in, and that the token for another region is refused."""
    settings = {**rig.settings, **signed}
    with closing(ContainerLookup(settings)) as container:
        rig.connect(container)
        assert container.at(rig.cell()).faults == ()
    with closing(ContainerLookup({**settings, "AWS_REGION": "eu-west-1"})) as other:
        assert other.at(rig.cell()).faults == (refused,)


@pytest.mark.usefixtures("_signing")
def test_a_user_of_redis_whose_password_is_a_token(rig: TlsRig) -> None:
    # GIVEN a user whose password is a token, with the rights that the template grants
    token = Signer("us-east-1").cache_login("faunalens", "rediss://signed@localhost")()[1]
    (rights,) = re.findall(r'AccessString: "(.+)"', (ROOT / "infra" / "faunalens.yaml").read_text(encoding="utf-8"))
    command(rig.redis, "ACL", "SETUSER", "signed", "reset", f">{token}", *rights.split())
    signed = {"REDIS_URL": f"rediss://signed@{NAME}:{rig.redis_proxy.port}", "REDIS_IAM_CACHE": "faunalens"}
    # WHEN a container signs in with it THEN it works
    assert_signs_in(rig, signed, "redis_auth")
    # AND warming may do everything it does
    warming = build_warming(Settings.from_environment({**rig.settings, **signed, "WARM_HOTTEST": "5"}))
    assert warming.run(Deadline.after(10)).faults == []


@pytest.mark.usefixtures("_signing")
def test_a_user_of_postgres_whose_password_is_a_token(rig: TlsRig) -> None:
    # GIVEN a reader whose password is a token
    proxy = f"{NAME}:{rig.postgres_proxy.port}"
    token = Signer("us-east-1").database_password(f"postgresql://signed@{proxy}/")()
    name = rig.database_url.rpartition("/")[2]
    with closing(psycopg2.connect(rig.postgres.admin_url, dbname=name)) as admin:
        prepare(admin, "signed")
        with admin, admin.cursor() as cursor:
            cursor.execute("alter role signed password %s", (token,))
    signed = {"DATABASE_URL": f"postgresql://signed@{proxy}/{name}", "DATABASE_IAM": "true"}
    # WHEN a container signs in with it THEN it works
    assert_signs_in(rig, signed, "postgres_auth")
