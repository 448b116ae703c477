"""The dbt project on this machine: where it lies, what its vars say, how it is run, and the engine that holds its tables."""
