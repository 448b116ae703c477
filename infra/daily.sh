#!/usr/bin/env bash
# What runs every day on Athena, in CodeBuild (buildspec.yml) or in GitHub Actions (make daily). A failed step fails the run; later
# steps still run.
failed=0
pal tables || failed=1
dbt build --exclude-resource-type unit_test || failed=1
dbt source freshness || failed=1
pal check all || failed=1
{ pal report && aws s3 cp --no-progress site/report.html "s3://$ANALYTICS_BUCKET/report/report.html"; } || failed=1
pal scanned || failed=1
# On Sundays: test all days, not only those that a load changed. Then compact small files and remove old snapshots.
if [ "$(date -u +%u)" = 7 ]; then
  dbt test --exclude-resource-type unit_test || failed=1
  dbt run-operation maintain || failed=1
fi
exit $failed
