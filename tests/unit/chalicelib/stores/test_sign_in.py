"""A sign-in that proceeds in several calls, on a pair of sockets."""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError
from botocore.session import Session

from chalicelib.deadline import Deadline
from chalicelib.stores import sign_in
from chalicelib.stores.sign_in import TOKEN_SECONDS, Signer, SignIn, Steps

PATIENCE = 0.1


class Server:
    """The other end of the socket. `closed`: whether the steps closed theirs."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self._ours, self._theirs = ours, theirs
        self.closed = False

    def send(self, count: int) -> None:
        self._ours.sendall(b"x" * count)

    def steps(self) -> Steps[str]:
        """Receive three bytes, one in each step."""
        try:
            for _ in range(3):
                yield self._theirs.fileno(), select.POLLIN
                if self._theirs.recv(1) == b"":
                    raise ConnectionResetError("closed")
        except BaseException:
            self.closed = True
            raise
        return "connection"


@pytest.fixture
def server() -> Iterator[Server]:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield Server(ours, theirs)


def proceed(sign_in: SignIn[str], seconds: float = 5.0) -> str | None:
    return sign_in.proceed(Deadline.after(seconds))


@pytest.mark.parametrize(("patience", "first"), [(PATIENCE, None), (40.0, PATIENCE)])
def test_all_calls_together_wait_no_longer_than_the_patience(
    server: Server, patience: float, first: float | None
) -> None:
    under_way, started = SignIn(server.steps(), patience, 40.0, first=first), time.monotonic()
    assert [proceed(under_way) for _ in range(3)] == [None] * 3
    assert time.monotonic() - started < 4  # less than the deadline of one


def test_a_sign_of_life_renews_the_patience(server: Server) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    stalled = [under_way.is_stalled]
    proceed(under_way)
    stalled.append(under_way.is_stalled)
    server.send(1)
    assert proceed(under_way, 0.01) is None
    assert [*stalled, under_way.is_stalled] == [False, True, False]
    server.send(2)
    assert proceed(under_way) == "connection"


def test_a_call_without_time_takes_one_step(server: Server) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    server.send(3)
    assert [proceed(under_way, 0.0) for _ in range(4)] == [None, None, None, "connection"]


@pytest.mark.parametrize("is_through", [False, True])
def test_after_a_freeze_beyond_its_limit_it_is_closed_unless_it_got_through(
    server: Server, monkeypatch: pytest.MonkeyPatch, is_through: bool
) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    assert proceed(under_way) is None
    # WHEN the wall clock says that the container was frozen for a minute; one that is set back does no harm
    monkeypatch.setattr(sign_in, "time", lambda: 0.0)
    assert under_way.seconds == 0.0
    later = time.time() + 60
    monkeypatch.setattr(sign_in, "time", lambda: later)
    assert under_way.is_overdue
    # THEN it counts whether the server had replied
    if is_through:
        server.send(3)
        assert proceed(under_way) == "connection"
    else:
        with pytest.raises(TimeoutError, match="the sign-in was not complete after 40 s"):
            proceed(under_way)
        assert server.closed


@pytest.mark.parametrize("gives_up", [True, False])
def test_an_error_of_a_step_is_raised_and_giving_up_closes_the_socket(server: Server, gives_up: bool) -> None:
    under_way = SignIn(server.steps(), PATIENCE, 40.0)
    proceed(under_way)
    if gives_up:
        under_way.close()
    else:
        server._ours.close()
        with pytest.raises(ConnectionResetError):
            proceed(under_way)
    assert server.closed


MOMENT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: MOMENT.replace(tzinfo=None))


@pytest.fixture
def session() -> Session:
    session = Session()
    session.set_credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "a-session-token/+=")
    return session


def test_a_password_of_the_database_is_the_token_of_boto3(session: Session) -> None:
    client = boto3.Session(botocore_session=session, region_name="eu-west-1").client("rds")
    password = Signer("eu-west-1", session).database_password("postgresql://web%2Dapp@db.example.com/f")
    assert password() == client.generate_db_auth_token("db.example.com", 5432, "web-app")


def test_a_login_of_the_cache_has_user_cache_and_lifetime(session: Session) -> None:
    user, token = Signer("eu-west-1", session).cache_login("faunalens", "rediss://web%2Dapp@cache.example.com:6379")()
    parts = urlsplit(f"https://{token}")
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (user, parts.netloc, parts.path) == ("web-app", "faunalens", "/")
    assert (query["Action"], query["User"], query["ResourceType"]) == ("connect", "web-app", "ServerlessCache")
    assert query["X-Amz-Expires"] == str(TOKEN_SECONDS)
    assert query["X-Amz-Credential"].endswith("/20261125/eu-west-1/elasticache/aws4_request")
    assert query["X-Amz-Security-Token"] == "a-session-token/+="


def refuse() -> dict[str, str]:
    raise CredentialRetrievalError(provider="sso", error_msg="the session has expired")


EXPIRED = RefreshableCredentials("AKIDEXAMPLE", "secret", "token", datetime(2020, 1, 1, tzinfo=UTC), refuse, "sso")


@pytest.mark.parametrize(
    ("credentials", "message"), [(None, "give the function a role"), (EXPIRED, "the session has expired")]
)
def test_credentials_that_are_missing_or_cannot_be_refreshed_are_an_error(
    monkeypatch: pytest.MonkeyPatch, credentials: RefreshableCredentials | None, message: str
) -> None:
    session = Session()
    monkeypatch.setattr(session, "get_credentials", lambda: credentials)
    with pytest.raises(PermissionError, match=message):
        Signer("eu-west-1", session).cache_login("faunalens", "rediss://localhost")()
