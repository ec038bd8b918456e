"""`python -m faunalens`, where the command's folder is not in PATH."""

from faunalens.cli.__main__ import main

main()
