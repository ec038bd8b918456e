"""What several folders of tests share, and benchmarks use too: AWS, small models, studies, servers and photos."""
