"""Sign-in tokens for ElastiCache and RDS, signed locally from the role's credentials: no network, no stored secret.

botocore comes with the Lambda runtime and is imported by the first token (about 90 ms); one signature takes 0.2 ms.
A token is good for opening connections for 15 minutes, so each connection gets a new one; ElastiCache ends a
connection 12 hours after its sign-in, which is why `redis_client` replaces connections before that.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

Login = Callable[[], tuple[str, str]]
"""Gives user and password when a connection opens. Raises `PermissionError` where there are no credentials."""

TOKEN_SECONDS = 900
"""Life of a token; the longest that both services take."""


class Signer:
    """Signs tokens for one region with the credentials that botocore finds (in Lambda: the role's).

    `session`: a botocore session to take credentials from; made at the first token if there is none.
    Methods raise `PermissionError` where there are no credentials.
    """

    def __init__(self, region: str, session: Any = None) -> None:
        self._region = region
        self._session = session

    def database_token(self, host: str, port: int, user: str) -> str:
        """Password for a PostgreSQL user that has the role `rds_iam`."""
        return self._presigned("rds-db", f"{host}:{port}/", {"Action": "connect", "DBUser": user})

    def cache_token(self, cache: str, user: str) -> str:
        """Password for a user of an ElastiCache Serverless cache; `cache` is its name, in lower case."""
        query = {"Action": "connect", "User": user, "ResourceType": "ServerlessCache"}
        return self._presigned("elasticache", f"{cache}/", query)

    def database_password(self, url: str) -> Callable[[], str]:
        """What gives a new password for each connection to the database in `url`."""
        parts = urlsplit(url)
        host, port, user = parts.hostname or "localhost", parts.port or 5432, unquote(parts.username or "")
        return lambda: self.database_token(host, port, user)

    def cache_login(self, cache: str, url: str) -> Login:
        """What signs in each connection to the cache in `url`."""
        user = unquote(urlsplit(url).username or "default")
        return lambda: (user, self.cache_token(cache, user))

    def _presigned(self, service: str, place: str, query: dict[str, str]) -> str:
        """A request presigned with Signature Version 4, without its scheme: that is what both services take."""
        from botocore.auth import SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.session import Session

        try:
            self._session = self._session or Session()
            credentials = self._session.get_credentials()
            if credentials is None:
                raise PermissionError("no AWS credentials to sign with; give the function a role, or set AWS_PROFILE")
            request = AWSRequest(method="GET", url=f"https://{place}", params=query)
            # Signing may have to renew them first.
            SigV4QueryAuth(credentials, service, self._region, expires=TOKEN_SECONDS).add_auth(request)
        except (BotoCoreError, ClientError) as error:
            raise PermissionError(f"AWS credentials could not be had: {error}") from error
        return str(request.url).removeprefix("https://")
