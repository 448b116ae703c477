"""`check uploads`: whether an upload URL of the API lets its holder write one picture, and nothing else."""
