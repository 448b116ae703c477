"""The dbt project on this machine: its location, its vars, how to run it, and the engine with its tables."""
