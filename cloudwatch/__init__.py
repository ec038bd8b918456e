"""CloudWatch dashboards, alarms and saved queries as files, checked against the code, and shown without an account."""
