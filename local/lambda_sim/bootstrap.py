"""Set up the import paths and run awslambdaric's loop, as Lambda's own bootstrap does.

The sandbox contains a copy of this file in /var/runtime and runs it as `python -S -P bootstrap.py OPT`, so that Python
does not see the packages installed here. `OPT` is the folder of the layer, on Lambda /opt.
"""

import os
import sys


def main(opt: str) -> None:
    """Put the code and the layer on the import path, in Lambda's order. Handle events until the process is killed."""
    task = os.environ["LAMBDA_TASK_ROOT"]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    sys.path[:0] = [task, f"{opt}/python/lib/{version}/site-packages", f"{opt}/python"]

    from awslambdaric.__main__ import main as serve

    serve([task, os.environ["_HANDLER"]])


if __name__ == "__main__":
    main(sys.argv[1])
