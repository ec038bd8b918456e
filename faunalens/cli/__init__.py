"""The command line of Faunalens: folders of photos in, answers, exports and reports out."""

import sys

NEEDED = (3, 13)
"""The version of Python that pyproject.toml demands: under another one, an import may end in a SyntaxError."""

if sys.version_info[:2] != NEEDED:
    found = ".".join(map(str, sys.version_info[:2]))
    sys.exit(
        f"faunalens: this is Python {found}, and Faunalens needs Python 3.13; `make setup` makes .venv with it, and "
        "`uv tool install` of the wheel gets it"
    )
