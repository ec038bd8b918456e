"""Put a program where it sees what it would see on Lambda, then become it: `python -I -S lambda_box.py SPEC`.

A program of its own, so that no code runs between fork and exec of a process that may have threads. `SPEC` is JSON,
`sandbox.py` writes it. With `root`, an empty folder, a private mount namespace holds the code at /var/task and
 /opt, read-only, an empty /tmp, and of the machine only what a program needs to run. Without it, files lie where
they are.

Everybody may have a namespace for mounts in a namespace for users, unless the machine or its container forbids it.
"""

import ctypes
import json
import os
import sys
import time

_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _RECURSIVE, _PRIVATE = 1 << 12, 1 << 14, 1 << 18
_PR_SET_SECUREBITS, _NO_ROOT, _NO_ROOT_LOCKED = 28, 1, 2
_CAPABILITY_VERSION_3 = 0x20080522
TMP_BYTES = 512 * 2**20
"""Lambda's ephemeral storage, unless more is paid for."""


def main(spec: dict) -> None:  # type: ignore[type-arg]  # this program cannot import what would name its shape
    """Change what we see and who we are, then become the command. Raises OSError where it is forbidden."""
    if spec["root"]:
        enter_namespace()
        build_root(spec["root"], spec["binds"])
        os.chroot(spec["root"])
    give_up_rights()
    os.chdir(spec["folder"])
    os.umask(0o022)
    print(f"INIT_START {time.monotonic()}", flush=True)  # one clock for all processes
    command = spec["command"]
    os.execve(command[0], command, spec["environment"])  # noqa: S606


def enter_namespace() -> None:
    """A mount namespace of our own; for others than root in a user namespace, where it is allowed."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        os.unshare(os.CLONE_NEWNS)
    else:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS)
        for name, text in (("setgroups", "deny"), ("gid_map", f"{gid} {gid} 1"), ("uid_map", f"{uid} {uid} 1")):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123  pathlib costs 15 ms of start-up
                file.write(text)
    mount("none", "/", None, _RECURSIVE | _PRIVATE)


def build_root(root: str, binds: list[list[str]]) -> None:
    """Mount what is to be seen below `root`: each of `binds`, (source, place), read-only, and an empty /tmp."""
    mount("tmpfs", root, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755")
    for source, place in binds:
        target = root + place
        if os.path.islink(source):  # noqa: PTH114  /lib → usr/lib
            os.symlink(os.readlink(source), target)  # noqa: PTH115, PTH211
            continue
        if os.path.isdir(source):  # noqa: PTH112
            os.makedirs(target, exist_ok=True)  # noqa: PTH103
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
        mount(source, target, None, _BIND | _RECURSIVE)
        if place not in ("/dev", "/proc", "/sys"):
            mount(None, target, None, _REMOUNT | _BIND | _READ_ONLY | locked(target))
    scratch = f"{root}/tmp"  # noqa: S108  of our own
    os.makedirs(scratch)  # noqa: PTH103
    mount("tmpfs", scratch, "tmpfs", _NO_SUID | _NO_DEVICES, f"mode=1777,size={TMP_BYTES}")
    mount(None, root, None, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEVICES)


def locked(target: str) -> int:
    """Flags of a mount that a user namespace has to leave as they are."""
    flags = os.statvfs(target).f_flag
    return flags & (_NO_SUID | _NO_DEVICES | _NO_EXEC)


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    encoded = [None if each is None else each.encode() for each in (source, target, kind)]
    if libc.mount(*encoded, ctypes.c_ulong(flags), None if data is None else data.encode()):
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}: mounting {source or 'again'}", target)


def give_up_rights() -> None:
    """Keep no right that only root has, so that read-only is read-only, and get none back by becoming a program.

    Still root by name: nobody else may be able to read this checkout. Nothing changes for other users.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)(0, 0, 0, 0, 0, 0)
    libc.prctl(_PR_SET_SECUREBITS, _NO_ROOT | _NO_ROOT_LOCKED, 0, 0, 0)
    if libc.capset(header, none):
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}: giving up root's rights")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
