"""Lint: dashboards, alarms, composites and queries held against CloudWatch's rules and against what the code emits."""
