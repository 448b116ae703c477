#!/bin/sh
# The wheel alone in an empty environment, as people install it: dbt builds a small project on it, and merges into an Iceberg table.
# PYTHON is the Python to make the environment with.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" && wait "$server"; fi; rm -rf "$work"' EXIT

echo "Installing ..."
"${PYTHON:-python3}" -m venv "$work/venv"
pip="$work/venv/bin/pip --quiet --disable-pip-version-check"
cp -R "$here" "$work/source" # building leaves files beside the source
$pip wheel --no-deps --wheel-dir "$work" "$work/source"
$pip install "$work"/local_aws-*.whl dbt-athena-community "dbt-core<1.12" # dbt-core 1.12 downloads its parser

mkdir -p "$work/project/models" "$work/project/seeds" "$work/project/tests"
cd "$work/project"
echo '{name: smoke, profile: local_aws}' >dbt_project.yml
printf 'id,age\n1,36\n2,40\n' >seeds/people.csv
cat >models/ages.sql <<'END'
{{ config(materialized='incremental', table_type='iceberg', incremental_strategy='merge', unique_key='id') }}
select id, age + {{ var('years') }} as age from {{ ref('people') }}
{% if is_incremental() %} where id = 2 {% endif %}
END
echo "select * from (select sum(age) as total from {{ ref('ages') }}) where total <> {{ var('total') }}" >tests/total.sql

echo "Starting ..."
"$work/venv/bin/local-aws" --version
"$work/venv/bin/local-aws" --dbt-profile "$work/profile" >"$work/exports" &
server=$!
until grep -q AWS_REGION "$work/exports"; do
    kill -0 "$server" || { server=; exit 1; }
    sleep 1
done
. "$work/exports"
export DBT_SEND_ANONYMOUS_USAGE_STATS=false
for vars in '{years: 0, total: 76}' '{years: 1, total: 77}'; do # the second run merges one row of two
    "$work/venv/bin/dbt" build --profiles-dir "$work/profile" --vars "$vars"
done
echo "The wheel works."
