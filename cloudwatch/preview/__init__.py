"""The dashboard files as CloudWatch would show them, from recorded or simulated metrics, without an account."""
