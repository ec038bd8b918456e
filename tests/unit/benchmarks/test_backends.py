"""Clients of a server, against one that answers at once."""

import asyncio
from contextlib import closing

import pytest

from benchmarks import backends
from local.stack.ports import HOST, free_port
from tests.support.servers import run


async def _load(status: str, monkeypatch: pytest.MonkeyPatch) -> tuple[backends.Load, list[bytes]]:
    """Run four clients for a moment against a server that always answers the same; return figures and bodies."""
    monkeypatch.setattr(backends, "WARM_UP_SECONDS", 0.05)
    bodies: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"POST /identify HTTP/1.1\r\n")
                bodies.append(await reader.readexactly(3))
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        except asyncio.IncompleteReadError:
            writer.close()

    async with await asyncio.start_server(answer, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        return await backends.run(port, "/identify", [b"one", b"two"], 4, 0.2), bodies


def test_clients_send_all_photos_and_time_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    found, bodies = run(_load("200 OK", monkeypatch))
    assert set(bodies) == {b"one", b"two"}
    assert found.failed == 0
    assert found.answered == len(bodies)
    # THEN the requests of the warm-up do not count
    assert 0 < len(found.seconds) < len(bodies)


def test_refusals_and_connections_that_end_are_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    found, bodies = run(_load("503 Service Unavailable", monkeypatch))
    assert (found.failed, found.answered, found.rate) == (len(bodies), len(bodies), 0)
    replies: list[backends.Reply] = []
    run(backends.send(free_port(), iter([b"GET / HTTP/1.1\r\n\r\n"]), replies))
    assert [reply.status for reply in replies] == [0]


def test_a_client_with_nothing_to_send_counts_nothing_and_an_answer_without_a_length_is_a_failure() -> None:
    # GIVEN a server whose answers have no length
    async def served(requests: list[bytes]) -> list[int]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with closing(writer):
                if await reader.read(1000):
                    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")

        replies: list[backends.Reply] = []
        async with await asyncio.start_server(answer, HOST, 0) as server:
            await backends.send(server.sockets[0].getsockname()[1], iter(requests), replies)
        return [reply.status for reply in replies]

    assert (run(served([])), run(served([b"GET / HTTP/1.1\r\n\r\n"]))) == ([], [0])
