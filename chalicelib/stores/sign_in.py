"""A sign-in: opening a connection, from TCP to the server's consent. It may outlast the request that began it.

A paused Aurora takes 15 s and more to resume, and IAM sign-in is slow at times. A request cannot wait for that, and a
sign-in that is dropped and begun anew would never succeed. So a sign-in is kept, and each request takes the steps that
have become possible. Its first requests wait for the server, together no longer than one connect timeout. Later ones
only look, until the server has sent something. Lambda may freeze the process in between.

The steps are a generator that yields whenever it must wait for the socket, so both stores have the same state machine.
A thread in the background would gain nothing: Lambda freezes it between requests too.

IAM tokens for ElastiCache and RDS stand in for passwords. Signing one needs neither a network call nor a stored secret.
The first token imports botocore from the Lambda runtime (about 90 ms); a signature takes 0.2 ms. A token expires after
15 minutes, so each connection gets a new token. ElastiCache closes a connection 12 hours after its sign-in;
redis_connection.py replaces connections before that.
"""

import select
from collections.abc import Callable, Generator
from time import monotonic, time
from typing import Any
from urllib.parse import unquote, urlsplit

from chalicelib.deadline import Deadline
from chalicelib.lazy import Lazy

Login = Callable[[], tuple[str, str]]
"""A function that returns user and password of a new connection. Raises `PermissionError` without AWS credentials."""

TOKEN_SECONDS = 900
"""Lifetime of a token in seconds, the longest that RDS and ElastiCache allow."""

type Steps[C] = Generator[tuple[int, int], None, C]
"""The steps of a sign-in. Yields a file descriptor and the event of `select.poll` to wait for; returns the connection.

Closes its socket if it raises, or if it is closed before its end."""


class SignIn[C]:
    """A sign-in under way. Only one thread may use it at a time.

    `patience`: seconds that requests wait for the next sign of life from the server, all requests together.
    `first`: the same for the first sign of life, if it differs. `limit`: seconds after which the sign-in has failed.
    """

    def __init__(self, steps: Steps[C], patience: float, limit: float, *, first: float | None = None) -> None:
        self._steps, self._patience, self._limit = steps, patience, limit
        self._left = patience if first is None else first
        self._awaited: tuple[int, int] | None = None
        self._began = time()  # a monotonic clock may stand still while Lambda freezes the container

    @property
    def seconds(self) -> float:
        """Return the time since the beginning, in seconds."""
        return max(time() - self._began, 0.0)

    @property
    def is_overdue(self) -> bool:
        """Return whether the sign-in has taken longer than its limit."""
        return self.seconds > self._limit

    @property
    def is_stalled(self) -> bool:
        """Return whether requests have used up their `patience`. From then on they only check the sign-in."""
        return self._left <= 0.0

    def proceed(self, deadline: Deadline) -> C | None:
        """Take the steps that are possible by the deadline. Return the connection, or None if steps remain.

        Raises the errors of the steps, and `TimeoutError` after the limit. Either ends the sign-in.
        """
        try:
            while self._is_ready(deadline):
                self._awaited = next(self._steps)
                if deadline.left() <= 0:
                    break
        except StopIteration as end:
            connection: C = end.value
            return connection
        if self.is_overdue:  # checked last, because the server may have replied long ago, during a freeze
            self.close()
            raise TimeoutError(f"the sign-in was not complete after {self._limit:g} s")
        return None

    def close(self) -> None:
        """Give up the sign-in, and close its socket."""
        self._steps.close()

    def _is_ready(self, deadline: Deadline) -> bool:
        """Wait until the next step is possible. Return False if it is not by the deadline."""
        if self._awaited is None:
            return True
        poll = select.poll()
        poll.register(*self._awaited)
        started = monotonic()
        is_ready = bool(poll.poll(max(min(deadline.left(), self._left), 0.0) * 1e3))
        if is_ready and self._awaited[1] == select.POLLIN:  # a hung server's kernel still accepts connections and data
            self._left = self._patience
        else:
            self._left -= monotonic() - started
        return is_ready


class Signer:
    """A signer of tokens for one region. Signing raises `PermissionError` if there are no credentials.

    `session`: botocore's session with the credentials; by default a new one, which on Lambda has those of the role.
    """

    def __init__(self, region: str, session: Any = None) -> None:
        def find_session() -> Any:
            from botocore.session import Session

            return session or Session()

        self._region, self._session = region, Lazy(find_session)

    def database_password(self, url: str) -> Callable[[], str]:
        """Return a function that makes a password for each connection. The user in `url` needs the role `rds_iam`."""
        parts = urlsplit(url)
        resource = f"{parts.hostname or 'localhost'}:{parts.port or 5432}/"
        query = {"Action": "connect", "DBUser": unquote(parts.username or "")}
        return lambda: self._presigned("rds-db", resource, query)

    def cache_login(self, cache: str, url: str) -> Login:
        """Return a function that returns the user in `url` and a new password for each connection to the cache.

        `cache`: name of the cache in lower case.
        """
        user = unquote(urlsplit(url).username or "default")
        query = {"Action": "connect", "User": user, "ResourceType": "ServerlessCache"}
        return lambda: (user, self._presigned("elasticache", f"{cache}/", query))

    def _presigned(self, service: str, resource: str, query: dict[str, str]) -> str:
        """Return a URL presigned with Signature Version 4, without its scheme, as RDS and ElastiCache expect."""
        from botocore.auth import SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            credentials = self._session.get().get_credentials()
            if credentials is None:
                raise PermissionError("there are no AWS credentials; give the function a role, or set AWS_PROFILE")
            request = AWSRequest(method="GET", url=f"https://{resource}", params=query)
            # Signing may refresh the credentials, which can fail.
            SigV4QueryAuth(credentials, service, self._region, expires=TOKEN_SECONDS).add_auth(request)
        except (BotoCoreError, ClientError) as error:
            raise PermissionError(f"AWS credentials are unavailable: {error}") from error
        return str(request.url).removeprefix("https://")
