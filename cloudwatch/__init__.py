"""A tool for CloudWatch dashboards, alarms and saved queries as files: check, preview and deploy them."""
