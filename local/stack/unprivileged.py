"""Run a command as somebody else than root, which PostgreSQL refuses: `python unprivileged.py WAY COMMAND …`.

A program of its own, so that no code runs between fork and exec of a process that may have threads.

- `namespace`: a user namespace in which root outside is "nobody" inside. Files keep their owner, folders that
  only root may enter stay open, nothing is left behind. Containers often forbid it.
- `setuid`: the user "nobody", who has to own the data directory, with the one capability to read what root may.
"""

import ctypes
import os
import platform
import pwd
import sys

NOBODY = next((user.pw_uid for user in pwd.getpwall() if user.pw_name == "nobody"), 65534)

_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE = 1


def enter_namespace() -> None:
    """Become `NOBODY` in a new user namespace. Raises OSError where that is forbidden."""
    uid, gid = os.geteuid(), os.getegid()
    os.unshare(os.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("gid_map", f"{gid} {gid} 1"), ("uid_map", f"{NOBODY} {uid} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123  pathlib costs 15 ms of start-up
            file.write(text)


def become_nobody() -> None:
    """Become `NOBODY`; on Linux keep CAP_DAC_OVERRIDE, so that a checkout in a closed folder still works."""
    libc = ctypes.CDLL(None, use_errno=True)
    linux = platform.system() == "Linux"
    if linux:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(pwd.getpwuid(NOBODY).pw_gid)
    os.setuid(NOBODY)
    if linux:
        bit = 1 << _CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        # effective, permitted, inheritable; the second three are capabilities above 31
        data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        if libc.capset(header, data) == 0:
            libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def namespaces_allowed() -> bool:
    """Whether `enter_namespace` works for us, tried in a child."""
    pid = os.fork()
    if pid == 0:
        try:
            enter_namespace()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def main(arguments: list[str]) -> None:
    """Change who we are, then become the command."""
    way, *command = arguments
    if way == "namespace":
        enter_namespace()
    else:
        become_nobody()
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
