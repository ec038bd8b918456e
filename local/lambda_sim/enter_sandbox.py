"""Enter a sandbox with Lambda's file system, then run a program: `python -I -S enter_sandbox.py SPEC`.

This is a separate program, because a process with threads must not run code between fork and exec. `SPEC` is JSON from
`sandbox.py`. The process gets a mount namespace of its own, in the empty folder that `SPEC` names as `root`: the code
at /var/task and /opt, read-only, an empty /tmp, and the folders of the operating system.

Users other than root need a user namespace around the mount namespace. Some machines and containers forbid that.
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
"""Size of /tmp: the default ephemeral storage of Lambda."""


def main(spec: dict) -> None:  # type: ignore[type-arg]  # this program may not import the type of its spec
    """Enter the sandbox and replace this process with the command. Raises OSError if the machine forbids it."""
    enter_namespace()
    build_root(spec["root"], spec["binds"])
    os.chroot(spec["root"])
    drop_capabilities()
    os.chdir(spec["folder"])
    os.umask(0o022)
    print(f"INIT_START {time.monotonic()}", flush=True)  # this clock is the same for all processes
    command = spec["command"]
    os.execve(command[0], command, spec["environment"])  # noqa: S606


def enter_namespace() -> None:
    """Enter a new mount namespace, and a new user namespace unless this user is root."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        os.unshare(os.CLONE_NEWNS)
    else:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS)
        for name, text in (("setgroups", "deny"), ("gid_map", f"{gid} {gid} 1"), ("uid_map", f"{uid} {uid} 1")):
            with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123  importing pathlib takes 15 ms
                file.write(text)
    mount("none", "/", None, _RECURSIVE | _PRIVATE)


def build_root(root: str, binds: list[list[str]]) -> None:
    """Build a file system in `root`: an empty /tmp, and each source of `binds` mounted read-only at its path."""
    mount("tmpfs", root, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755")
    for source, path in binds:
        target = root + path
        if os.path.islink(source):  # noqa: PTH114  /lib → usr/lib
            os.symlink(os.readlink(source), target)  # noqa: PTH115, PTH211
            continue
        if os.path.isdir(source):  # noqa: PTH112
            os.makedirs(target, exist_ok=True)  # noqa: PTH103
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
        mount(source, target, None, _BIND | _RECURSIVE)
        if path not in ("/dev", "/proc", "/sys"):
            mount(None, target, None, _REMOUNT | _BIND | _READ_ONLY | locked_flags(target))
    scratch = f"{root}/tmp"  # noqa: S108  inside the sandbox
    os.makedirs(scratch)  # noqa: PTH103
    mount("tmpfs", scratch, "tmpfs", _NO_SUID | _NO_DEVICES, f"mode=1777,size={TMP_BYTES}")
    mount(None, root, None, _REMOUNT | _BIND | _READ_ONLY | _NO_SUID | _NO_DEVICES)


def locked_flags(target: str) -> int:
    """Return the flags of a mount that a process in a user namespace may not clear."""
    return os.statvfs(target).f_flag & (_NO_SUID | _NO_DEVICES | _NO_EXEC)


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """Call mount(2). Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    encoded = [None if each is None else each.encode() for each in (source, target, kind)]
    if libc.mount(*encoded, ctypes.c_ulong(flags), None if data is None else data.encode()):
        raise OSError(ctypes.get_errno(), f"cannot mount {source}" if source else "cannot remount read-only", target)


def drop_capabilities() -> None:
    """Drop all capabilities permanently, so that not even root can write to read-only files.

    The user id stays the same, because this checkout may be readable only by root.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)(0, 0, 0, 0, 0, 0)
    libc.prctl(_PR_SET_SECUREBITS, _NO_ROOT | _NO_ROOT_LOCKED, 0, 0, 0)
    if libc.capset(header, none):
        raise OSError(ctypes.get_errno(), "cannot drop capabilities")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
