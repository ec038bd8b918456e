"""Check dashboards, alarms, composites and queries against CloudWatch's rules and against what the code emits."""
