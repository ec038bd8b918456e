"""What tests, benchmarks and docs share: rigs, proxies and made-up files."""
