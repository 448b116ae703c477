"""`check jwt`: whether the API takes the user pool's tokens, and nothing else."""
