"""Check, preview and deploy CloudWatch dashboards, alarms and saved queries that are defined in files."""
