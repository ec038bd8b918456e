"""Add bytecode to the package.

Lambda's code folder is read-only, so without bytecode in it, Python would compile every module at each cold start.
"""

import compileall
from pathlib import Path
from py_compile import PycInvalidationMode


def compile_into(folder: Path, deployed: str) -> None:
    """Compile every module in `folder`. In tracebacks, files are in `deployed`, their folder on Lambda.

    With `UNCHECKED_HASH` Python does not compare bytecode and source. By default it compares modification times, which
    the zip does not keep.
    """
    compileall.compile_dir(
        folder,
        quiet=2,
        force=True,
        stripdir=str(folder),
        prependdir=deployed,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
