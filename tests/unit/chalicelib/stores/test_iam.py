"""IAM tokens: equal to those of boto3, and signed without network access."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError
from botocore.session import Session

from chalicelib.stores.iam import TOKEN_SECONDS, Signer

MOMENT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fixed_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: MOMENT.replace(tzinfo=None))


@pytest.fixture
def session() -> Session:
    session = Session()
    session.set_credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "a-session-token/+=")
    return session


def test_a_database_token_equals_that_of_boto3(session: Session) -> None:
    client = boto3.Session(botocore_session=session, region_name="eu-west-1").client("rds")
    expected = client.generate_db_auth_token("db.example.com", 5432, "app")
    assert Signer("eu-west-1", session).database_token("db.example.com", 5432, "app") == expected


def test_a_cache_token_has_user_cache_and_lifetime(session: Session) -> None:
    token = Signer("eu-west-1", session).cache_token("faunalens", "app")
    parts = urlsplit(f"https://{token}")
    query = parse_qs(parts.query)
    assert (parts.netloc, parts.path) == ("faunalens", "/")
    assert (query["Action"], query["User"], query["ResourceType"]) == (["connect"], ["app"], ["ServerlessCache"])
    assert query["X-Amz-Expires"] == [str(TOKEN_SECONDS)]
    assert query["X-Amz-Credential"][0].endswith("/20261125/eu-west-1/elasticache/aws4_request")
    assert query["X-Amz-Security-Token"] == ["a-session-token/+="]


def test_users_come_from_the_urls(session: Session) -> None:
    signer = Signer("eu-west-1", session)
    login = signer.cache_login("faunalens", "rediss://app@cache.example.com:6379")()
    assert login == ("app", signer.cache_token("faunalens", "app"))
    password = signer.database_password("postgresql://web%2Dapp@db.example.com/f")
    assert password() == signer.database_token("db.example.com", 5432, "web-app")


def test_missing_credentials_are_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session()
    monkeypatch.setattr(session, "get_credentials", lambda: None)
    with pytest.raises(PermissionError, match="give the function a role"):
        Signer("eu-west-1", session).cache_token("faunalens", "app")


def test_a_failed_refresh_of_credentials_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN expired credentials, which botocore refreshes when it signs
    def refuse() -> dict[str, str]:
        raise CredentialRetrievalError(provider="sso", error_msg="the session has expired")

    expired = RefreshableCredentials("AKIDEXAMPLE", "secret", "token", datetime(2020, 1, 1, tzinfo=UTC), refuse, "sso")
    session = Session()
    monkeypatch.setattr(session, "get_credentials", lambda: expired)
    with pytest.raises(PermissionError, match="the session has expired"):
        Signer("eu-west-1", session).cache_token("faunalens", "app")
