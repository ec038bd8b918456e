"""Ways for root to run PostgreSQL, which itself refuses to run as root."""

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from local.stack.errors import LocalError

RunAs = Literal["self", "namespace", "setpriv", "setuid"]

NOBODY = next((user for user in pwd.getpwall() if user.pw_name == "nobody"), None)
UID, GID = (NOBODY.pw_uid, NOBODY.pw_gid) if NOBODY else (65534, 65534)

_CAPABILITY = "-all,+dac_override"
_SETUID = f"import os, sys; os.setgroups([]); os.setgid({GID}); os.setuid({UID}); os.execv(sys.argv[1], sys.argv[1:])"
PREFIXES: dict[RunAs, list[str]] = {
    "self": [],
    # A user namespace that maps root to "nobody", so files keep their owner. Many containers forbid user namespaces.
    "namespace": ["unshare", "--user", f"--map-user={UID}", "--map-group=0", "--"],
    # The user "nobody" with the capability to enter folders that only root may enter. PostgreSQL checks its own
    # programs with access(2), which ignores the capability unless `no_setuid_fixup` is set.
    "setpriv": ["setpriv", f"--reuid={UID}", f"--regid={GID}", "--clear-groups", "--securebits=+no_setuid_fixup",
                f"--inh-caps={_CAPABILITY}", f"--ambient-caps={_CAPABILITY}", "--"],
    # The user "nobody" without capabilities, for macOS, which has neither `unshare` nor `setpriv`.
    "setuid": [sys.executable, "-I", "-S", "-c", _SETUID],
}  # fmt: skip
"""Arguments that run the command after them as another user, the best way first. The process id stays the same."""


@cache
def available(program: Path) -> list[RunAs]:
    """Return the ways in which this user can run `program`, the best first. `program` must accept `--version`."""
    if os.geteuid() != 0:
        return ["self"]
    return [each for each, prefix in PREFIXES.items() if prefix and _works([*prefix, program, "--version"])]


def choose_run_as(program: Path) -> RunAs:
    """Return the best way to run `program`. Raises `LocalError` if no way works."""
    found = available(program)
    if not found:
        raise LocalError(
            f"root may not run PostgreSQL, and no other user can execute {program} here; "
            "run this as an ordinary user, or move the checkout to a folder that all users may enter"
        )
    return found[0]


def give_folder(folder: Path, run_as: RunAs) -> None:
    """Make the user that runs PostgreSQL the owner of a data directory, as PostgreSQL requires."""
    if run_as == "self":
        return
    if run_as == "setuid":
        folder.parent.chmod(0o711)  # this user has no capability to enter it
    owner = 0 if run_as == "namespace" else UID
    if folder.stat().st_uid != owner:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner, -1, follow_symlinks=False)


def _works(command: Sequence[str | Path]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
