"""`check jwt`: whether the API accepts the user pool's tokens, and nothing else."""
