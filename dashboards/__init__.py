"""Dashboards, alarms and saved queries of CloudWatch as JSON, and the tool that lints, previews and rehearses them."""
