"""`python -m dashboards` runs `python -m cloudwatch`: the tool that checks, shows and deploys this folder."""

import sys

from cloudwatch.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
