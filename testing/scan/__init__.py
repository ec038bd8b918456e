"""Scan the templates, policies and workflows with checkov and parliament; see `testing/scan/__main__.py`."""
