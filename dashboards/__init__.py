"""Check and preview CloudWatch dashboards, alarms and saved queries that are defined in files; make their template."""
