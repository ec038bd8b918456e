"""Set up import paths and run awslambdaric's loop, as Lambda's own bootstrap does. Installed in /var/runtime.

A stand-alone program, started as `python -S -P bootstrap.py OPT`, so that it sees no installed packages. `OPT` is the
layer's folder; on Lambda it is /opt.
"""

import os
import sys


def main(opt: str) -> None:
    """Put the function, its layer and the runtime on the import path, in Lambda's order; serve until killed."""
    task = os.environ["LAMBDA_TASK_ROOT"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path[:0] = [task, f"{opt}/python/lib/{version}/site-packages", f"{opt}/python"]

    from awslambdaric.__main__ import main as serve

    serve([task, os.environ["_HANDLER"]])


if __name__ == "__main__":
    main(sys.argv[1])
