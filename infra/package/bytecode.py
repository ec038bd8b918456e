"""Bytecode beside the sources: on Lambda the code is read-only, so that Python would compile it at every cold start."""

import compileall
from pathlib import Path
from py_compile import PycInvalidationMode


def compile_into(folder: Path, deployed: str) -> None:
    """Compile every module in `folder`, which will lie at `deployed`, so that tracebacks name the right files.

    `UNCHECKED_HASH`: Python takes the bytecode without a look at its source. Modified times, which it compares
    otherwise, are lost in a zip, and would throw the bytecode away.
    """
    compileall.compile_dir(
        folder,
        quiet=2,
        force=True,
        stripdir=str(folder),
        prependdir=deployed,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
