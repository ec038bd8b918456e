"""IAM sign-in tokens for ElastiCache and RDS. Signing a token needs neither a network call nor a stored secret.

The first token imports botocore from the Lambda runtime (about 90 ms); a signature takes 0.2 ms. A token expires after
15 minutes, so each connection gets a new token. ElastiCache closes a connection 12 hours after its sign-in;
`redis_connection` replaces connections before that.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

Login = Callable[[], tuple[str, str]]
"""A function that returns user and password of a new connection. Raises `PermissionError` without AWS credentials."""

TOKEN_SECONDS = 900
"""Lifetime of a token in seconds, the longest that both services allow."""


class Signer:
    """A signer of tokens for one region, with the credentials that botocore finds (on Lambda, those of the role).

    `session`: botocore session with the credentials; by default the first token creates one.
    Signing a token raises `PermissionError` if there are no credentials.
    """

    def __init__(self, region: str, session: Any = None) -> None:
        self._region = region
        self._session = session

    def database_token(self, host: str, port: int, user: str) -> str:
        """Return a token that is the password of a PostgreSQL user with the role `rds_iam`."""
        return self._presigned("rds-db", f"{host}:{port}/", {"Action": "connect", "DBUser": user})

    def cache_token(self, cache: str, user: str) -> str:
        """Return a token that is the password of an ElastiCache user. `cache`: name of the cache in lower case."""
        query = {"Action": "connect", "User": user, "ResourceType": "ServerlessCache"}
        return self._presigned("elasticache", f"{cache}/", query)

    def database_password(self, url: str) -> Callable[[], str]:
        """Return a function that creates a new password for each connection to the database at `url`."""
        parts = urlsplit(url)
        host, port, user = parts.hostname or "localhost", parts.port or 5432, unquote(parts.username or "")
        return lambda: self.database_token(host, port, user)

    def cache_login(self, cache: str, url: str) -> Login:
        """Return a function that returns the user in `url` and a new password for each connection to the cache."""
        user = unquote(urlsplit(url).username or "default")
        return lambda: (user, self.cache_token(cache, user))

    def _presigned(self, service: str, resource: str, query: dict[str, str]) -> str:
        """Return a URL presigned with Signature Version 4, without its scheme, as both services expect."""
        from botocore.auth import SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.session import Session

        try:
            self._session = self._session or Session()
            credentials = self._session.get_credentials()
            if credentials is None:
                raise PermissionError("there are no AWS credentials; give the function a role, or set AWS_PROFILE")
            request = AWSRequest(method="GET", url=f"https://{resource}", params=query)
            # Signing may refresh the credentials, which can fail.
            SigV4QueryAuth(credentials, service, self._region, expires=TOKEN_SECONDS).add_auth(request)
        except (BotoCoreError, ClientError) as error:
            raise PermissionError(f"AWS credentials are unavailable: {error}") from error
        return str(request.url).removeprefix("https://")
