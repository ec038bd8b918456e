"""The pins of the peers: complete, with hashes, and with the application's versions."""

import re
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "benchmarks" / "peers"
PIN = re.compile(r"([\w.-]+)==(\S+)")


def pins(path: Path) -> dict[str, str]:
    """Return the pinned versions by package; each must have a hash."""
    entries = re.split(r"^(?=\w)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in entry for entry in entries)
    return dict(PIN.match(entry).groups() for entry in entries)  # type: ignore[union-attr,misc]


def test_the_peers_have_the_versions_of_the_application() -> None:
    peers, runtime = pins(FOLDER / "requirements.txt"), pins(ROOT / "requirements.txt")
    assert runtime.items() <= peers.items()


def test_every_peer_that_is_asked_for_is_pinned() -> None:
    lines = (FOLDER / "requirements.in").read_text(encoding="utf-8").splitlines()
    asked = [Requirement(line.partition("#")[0]) for line in lines if line and line[0] not in "#-"]
    assert {each.name for each in asked} == {"fastapi", "litserve", "mosec", "uvicorn"}
    peers = pins(FOLDER / "requirements.txt")
    assert all(each.specifier.contains(peers[each.name]) for each in asked)
