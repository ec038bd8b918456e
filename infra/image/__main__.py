"""Build the image of the web tier into a folder, and print its digest and sizes."""

import argparse
import sys
from pathlib import Path

from chalicelib.config.settings import ROOT
from infra.image import build
from infra.step import PreconditionFailed


def main() -> None:
    """Build the image. Exit with code 1 and a message if something is missing."""
    parser = argparse.ArgumentParser(prog="python -m infra.image", description=__doc__)
    who = "where photos are identified: lambda, or local, in the container with the model (default: lambda)"
    parser.add_argument("--inference", choices=("lambda", "local"), default="lambda", help=who)
    base = "image with Python 3.13 and pip, such as docker.io/library/python:3.13-slim-trixie@sha256:…; "
    base += "the default is an image of Debian's packages"
    parser.add_argument("--base", default="", metavar="IMAGE", help=base)
    out = "folder for the image, an OCI layout (default: build/image)"
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "image", help=out)
    arguments = parser.parse_args()
    try:
        image = build(arguments.out, print, inference=arguments.inference, of=arguments.base)
    except PreconditionFailed as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    print(image.digest)
    print(f"{image.compressed / 1e6:.1f} MB to pull, {image.unpacked / 1e6:.1f} MB unpacked; written to {image.layout}")
    print(f"to push it: skopeo copy --preserve-digests oci:{image.layout} docker://REPOSITORY:TAG")


if __name__ == "__main__":
    main()
