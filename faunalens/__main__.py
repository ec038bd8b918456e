"""`python -m faunalens`, where the command's folder is not in PATH."""

from faunalens import main

main()
