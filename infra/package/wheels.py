"""Dependencies as Lambda can run them: fetched by Chalice's own builder, with pip told which machine they are for."""

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
"""Of Amazon Linux 2023, which the runtime python3.13 is built on."""
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""What wheels call the architectures of Lambda."""


def fetch(requirements: Path, folder: Path, architecture: str = "x86_64") -> None:
    """Unpack everything in `requirements` into `folder`. Raises `ClickException` where Chalice would only warn."""
    builder = DependencyBuilder(OSUtils(), PipRunner(_LambdaPip(architecture)), architecture)
    try:
        builder.build_site_packages("cp{}{}".format(*PYTHON), str(requirements), str(folder))
    except MissingDependencyError as error:
        names = ", ".join(sorted(package.identifier for package in error.missing))
        raise ClickException(f"no wheel for {names} runs on Lambda; pin a version that has one") from None
    except NoSuchPackageError as error:
        raise ClickException(f"{error}: no wheel of it runs on Lambda; pin a version that has one") from None
    except PackageDownloadError as error:
        raise ClickException(f"pip cannot download what {requirements.name} names:\n{error}") from None


class _LambdaPip(SubprocessPip):
    """pip, which takes wheels for Lambda in place of those for this machine.

    Chalice first lets pip take what fits this machine, then asks for each wheel that does not fit Lambda by its
    version alone; so on a Mac or a newer Linux, nobody would compare the hashes.
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
        """Run pip. Returns: exit code, what it printed, and what it complained about."""
        return super().main(args, {**(os.environ if env_vars is None else env_vars), **self._options}, shim)
