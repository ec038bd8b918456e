"""Prove what only AWS can prove: `python -m infra prove` tries the claims in claims.toml and writes a report."""
