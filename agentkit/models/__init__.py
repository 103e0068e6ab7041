"""Chat models: the local one and its engine, constraints on what it may say, the catalog, and the test double."""
