"""Add bytecode to the package.

Without bytecode in the package, Python would compile every module at each cold start: Lambda's code folder is
read-only, so Python cannot store bytecode in it.
"""

import compileall
from pathlib import Path
from py_compile import PycInvalidationMode


def compile_into(folder: Path, deployed: str) -> None:
    """Compile every module in `folder`. `deployed`: their folder on Lambda, which tracebacks show.

    With `UNCHECKED_HASH` Python does not compare the bytecode with the source. By default it compares modification
    times, which the zip does not keep.
    """
    compileall.compile_dir(
        folder,
        quiet=2,
        force=True,
        stripdir=str(folder),
        prependdir=deployed,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
