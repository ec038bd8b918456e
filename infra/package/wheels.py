"""Fetch the dependencies' wheels for Lambda, with Chalice's own builder and pip."""

import os
from collections.abc import MutableMapping
from pathlib import Path

from chalice.deploy.packager import (
    DependencyBuilder,
    MissingDependencyError,
    NoSuchPackageError,
    PackageDownloadError,
    PipRunner,
    SubprocessPip,
)
from chalice.utils import OSUtils
from click import ClickException

PYTHON = (3, 13)
GLIBC = (2, 34)
"""glibc of Amazon Linux 2023, the base of the runtime python3.13."""
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's architectures, and their names in wheels."""


def fetch(requirements: Path, folder: Path, architecture: str = "x86_64") -> None:
    """Unpack the wheels in `requirements` into `folder`.

    Raise `ClickException` if one is missing, where Chalice only warns.
    """
    builder = DependencyBuilder(OSUtils(), PipRunner(_LambdaPip(architecture)), architecture)
    try:
        builder.build_site_packages("cp{}{}".format(*PYTHON), str(requirements), str(folder))
    except MissingDependencyError as error:
        names = ", ".join(sorted(package.identifier for package in error.missing))
        raise ClickException(f"{names}: no wheel runs on Lambda; pin a version that has one") from None
    except NoSuchPackageError as error:
        raise ClickException(f"{error}: no wheel runs on Lambda; pin a version that has one") from None
    except PackageDownloadError as error:
        raise ClickException(f"pip cannot download the packages in {requirements.name}:\n{error}") from None


class _LambdaPip(SubprocessPip):
    """pip that downloads wheels for Lambda instead of for this machine.

    Chalice first lets pip choose for this machine, then downloads each wheel that does not fit Lambda by version alone.
    On a Mac or a newer Linux, nothing would then check the hashes.
    """

    def __init__(self, architecture: str) -> None:
        super().__init__(OSUtils())
        machine = MACHINES[architecture]
        tags = [f"manylinux_2_{minor}_{machine}" for minor in range(17, GLIBC[1] + 1)]
        self._options = {
            "PIP_PLATFORM": " ".join([*tags, f"manylinux2014_{machine}"]),
            "PIP_PYTHON_VERSION": "{}.{}".format(*PYTHON),
            "PIP_IMPLEMENTATION": "cp",
            "PIP_ONLY_BINARY": ":all:",
        }

    def main(
        self, args: list[str], env_vars: MutableMapping[str, str] | None = None, shim: str | None = None
    ) -> tuple[int, bytes, bytes]:
        """Run pip. Return its exit code, standard output and standard error."""
        return super().main(args, {**(os.environ if env_vars is None else env_vars), **self._options}, shim)
