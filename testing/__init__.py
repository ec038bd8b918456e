"""What several folders of tests share, and benchmarks: small models, studies, servers and photos."""
