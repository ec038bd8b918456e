"""`python -m dashboards` is the same as `python -m cloudwatch`, the tool for the files of this folder."""

import sys

from cloudwatch.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
