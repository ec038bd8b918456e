"""Which server a key lives on, the connections to it, and one retry where the first try failed.

Nothing is asked at start. Every command goes to the configured endpoint until a server answers `MOVED`; then the
map of slots is read once (`CLUSTER SLOTS`) and followed. So the same code serves a single server, ElastiCache
Serverless (whose one endpoint is every slot's owner) and a cluster of nodes, and a cold start pays for one connection.
"""

from array import array
from binascii import crc_hqx
from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from chalicelib.deadline import Deadline
from chalicelib.resp import Address, Connection, Login, Refusal, Reply, encode
from chalicelib.settings import Budget

if TYPE_CHECKING:
    from ssl import SSLContext

SLOTS = 16384
_REDIRECTIONS = 3
_ASKING = encode("ASKING")
_SLOTS_COMMAND = encode("CLUSTER", "SLOTS")


def slot_of(key: bytes) -> int:
    """The hash slot of a key: CRC-16 (XMODEM) of it, or of what its first braces hold (Redis Cluster Specification)."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) % SLOTS


class PoolExhausted(OSError):
    """Every connection that this process may open is in use."""


class Pool:
    """Connections to one server, the one used last first.

    One that lay idle for more than `idle` seconds, or is older than `max_age`, is replaced before use: a frozen
    Lambda's sockets die unnoticed, and IAM sign-ins end after 12 h.
    """

    _CHECK_AFTER = 0.5
    """Idle seconds after which a connection is looked at before use; sooner, a retry is cheaper than the look."""

    def __init__(
        self, address: Address, tls: "SSLContext | None", login: Login, *, size: int, idle: float, max_age: float
    ) -> None:
        self.address = address
        self._tls, self._login = tls, login
        self._idle_limit, self._max_age = idle, max_age
        self._free: deque[Connection] = deque()
        self._places: SimpleQueue[None] = (
            SimpleQueue()
        )  # one item a connection that may be in use; faster than a semaphore
        for _ in range(size):
            self._places.put(None)

    def exchange(self, commands: bytes, replies: int, budget: Budget, deadline: Deadline) -> list[Reply]:
        """Send and receive on a connection of this pool. Raises `OSError`; tries once more where that is safe.

        Every command that is sent here may run twice without harm: reads, whole values, a lease with its token.
        """
        try:
            return self._exchange(commands, replies, budget, deadline)
        except PoolExhausted:
            raise
        except OSError:
            self.clear()  # what broke one connection broke the others that lay beside it
            if deadline.left() < min(0.05, budget.command):
                raise
            return self._exchange(commands, replies, budget, deadline)

    def _exchange(self, commands: bytes, replies: int, budget: Budget, deadline: Deadline) -> list[Reply]:
        try:
            self._places.get(timeout=max(deadline.left(), 0.0))
        except Empty:
            raise PoolExhausted(f"all connections to {self.address.host} are in use") from None
        try:
            connection = self._take() or Connection(
                self.address, self._tls, self._login, deadline.within(budget.connect)
            )
            try:
                answers = connection.exchange(commands, replies, deadline.within(budget.command))
            except BaseException:
                connection.close()
                raise
            self._free.append(connection)
            return answers
        finally:
            self._places.put(None)

    def _take(self) -> Connection | None:
        while True:
            try:
                connection = self._free.pop()
            except IndexError:
                return None
            now = monotonic()
            idle = now - connection.used
            if idle < self._CHECK_AFTER:
                if now - connection.born < self._max_age:
                    return connection
            elif idle < self._idle_limit and now - connection.born < self._max_age and not connection.looks_dead():
                return connection
            connection.close()

    def clear(self) -> None:
        """Close every idle connection."""
        while True:
            try:
                self._free.pop().close()
            except IndexError:
                return


class Cluster:
    """Runs commands on whichever server owns their keys. Safe for threads.

    `home`: the configured endpoint. `size`: connections to one server at most. `idle`, `max_age`: see `Pool`.
    """

    def __init__(
        self,
        home: Address,
        budget: Budget,
        *,
        tls: "SSLContext | None" = None,
        login: Login = lambda: None,
        size: int = 16,
        idle: float = 240.0,
        max_age: float = 11 * 3600.0,
    ) -> None:
        self._budget, self._tls, self._login = budget, tls, login
        self._size, self._idle, self._max_age = size, idle, max_age
        self._home = Pool(home, tls, login, size=size, idle=idle, max_age=max_age)
        self._pools = [self._home]
        self._owners: array[int] | None = None  # index into _pools of each slot's owner, once one has MOVED
        self._mapped_at = -1.0
        self._lock = Lock()

    def run_one(self, key: bytes, command: bytes, deadline: Deadline) -> Reply:
        """As `run`, for one command: the path of nearly every request."""
        if self._owners is None:
            deadline = deadline.within(self._budget.total)
            answers = self._home.exchange(command, 1, self._budget, deadline)
            if type(answers[0]) is Refusal:
                self._follow([(key, command)], answers, deadline)
            return answers[0]
        return self.run([(key, command)], deadline)[0]

    def run(self, requests: Sequence[tuple[bytes, bytes]], deadline: Deadline) -> list[Reply]:
        """Send commands, each with the key that it is about, in one message a server.

        Returns one reply a command, in order; what a server refuses is a `Refusal` among them. Raises `OSError`
        if a server could not be reached or did not answer within the budget.
        """
        deadline = deadline.within(self._budget.total)
        commands = [command for _, command in requests]
        if self._owners is None:
            answers = self._send(self._home, commands, deadline)
        else:
            try:
                answers = self._scatter(requests, deadline)
            except PoolExhausted:
                raise
            except OSError:  # a node went away: the endpoint knows who took over
                self._forget()
                if deadline.left() < min(0.05, self._budget.command):
                    raise
                answers = self._send(self._home, commands, deadline)
        if any(type(answer) is Refusal for answer in answers):
            self._follow(requests, answers, deadline)
        return answers

    def close(self) -> None:
        """Close every idle connection."""
        for pool in self._pools:
            pool.clear()

    def _send(self, pool: Pool, commands: Sequence[bytes], deadline: Deadline) -> list[Reply]:
        message = commands[0] if len(commands) == 1 else b"".join(commands)
        return pool.exchange(message, len(commands), self._budget, deadline)

    def _scatter(self, requests: Sequence[tuple[bytes, bytes]], deadline: Deadline) -> list[Reply]:
        owners = self._owners
        groups: dict[int, list[int]] = {}
        for index, (key, _) in enumerate(requests):
            groups.setdefault(owners[slot_of(key)] if owners else 0, []).append(index)
        answers: list[Reply] = [None] * len(requests)
        for owner, indexes in groups.items():
            for index, answer in zip(
                indexes, self._send(self._pools[owner], [requests[i][1] for i in indexes], deadline), strict=True
            ):
                answers[index] = answer
        return answers

    def _follow(self, requests: Sequence[tuple[bytes, bytes]], answers: list[Reply], deadline: Deadline) -> None:
        """Repeat what was refused because another server owns the slot, or because a primary became a replica."""
        for index, (key, command) in enumerate(requests):
            for _ in range(_REDIRECTIONS):
                answer = answers[index]
                if not isinstance(answer, Refusal):
                    break
                if answer.word == "MOVED":
                    self._learn(slot_of(key), answer.text, deadline)
                    (answers[index],) = self._scatter([(key, command)], deadline)
                elif answer.word == "ASK":
                    pool = self._pools[self._place(answer.text)]
                    answers[index] = self._send(pool, [_ASKING, command], deadline)[1]
                elif answer.word == "READONLY" and deadline.left() > 0:
                    self._forget()
                    self.close()
                    (answers[index],) = self._send(self._home, [command], deadline)
                    break
                else:
                    break

    def _learn(self, slot: int, moved: str, deadline: Deadline) -> None:
        owner = self._place(moved)
        with self._lock:
            if self._owners is None:
                self._owners = array("H", bytes(2 * SLOTS))
            stale = monotonic() - self._mapped_at > 1.0
            self._mapped_at = monotonic() if stale else self._mapped_at
            self._owners[slot] = owner
        if stale:
            (answer,) = self._send(self._pools[owner], [_SLOTS_COMMAND], deadline)
            self._map(answer, self._pools[owner].address)

    def _map(self, answer: Reply, asked: Address) -> None:
        """Take over `CLUSTER SLOTS`: lists of first slot, last slot, primary (host, port, …), replicas."""
        if not isinstance(answer, list):
            return
        for entry in answer:
            match entry:
                case [int(first), int(last), [bytes() | None as host, int(port), *_], *_] if 0 <= first <= last < SLOTS:
                    name = host.decode("utf-8", "replace") if host and host != b"?" else asked.host
                    owner = self._index(Address(name, port))
                    with self._lock:
                        if self._owners is not None:
                            self._owners[first : last + 1] = array("H", [owner]) * (last + 1 - first)
                case _:
                    continue

    def _place(self, redirection: str) -> int:
        """The server that a redirection names: `MOVED 3999 10.0.0.2:6379`; no host means the one that was asked."""
        host, _, port = redirection.rpartition(" ")[2].rpartition(":")
        if not port.isdigit():
            raise ConnectionError(f"a redirection to nowhere: {redirection[:80]}")
        return self._index(Address(host or self._home.address.host, int(port)))

    def _index(self, address: Address) -> int:
        with self._lock:
            for index, pool in enumerate(self._pools):
                if pool.address == address:
                    return index
            pool = Pool(address, self._tls, self._login, size=self._size, idle=self._idle, max_age=self._max_age)
            self._pools.append(pool)
            return len(self._pools) - 1

    def _forget(self) -> None:
        """Drop the map of slots: begin again at the endpoint, as at start."""
        with self._lock:
            self._owners = None
            self._mapped_at = -1.0
