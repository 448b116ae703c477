"""Exports CloudWatch Logs to S3, with one export task per log group and UTC day.

The only state is in the account: the export records in the bucket, and the account's list of export tasks. Each run reads both
(`account`), compares them with the days that should be exported (`plan`, pure), and does what can be done now (`reconcile`). So
it does not matter where the previous run was interrupted, or whether another run is in progress.
"""
