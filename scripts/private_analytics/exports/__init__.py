"""CloudWatch Logs to S3, one export task per log group and UTC day, once and for all.

Nothing is remembered but what is in the account: the export records in the bucket and the account's own list of export tasks.
Each run compares the days that should be exported with these two (`world`), decides (`plan`, pure) and does what can be done now
(`reconcile`). So it does not matter where the run before it broke off, or whether another one is under way.
"""
