-- The ledger: a row is one export whose lines are in the tables. The model only creates the table. write_ledger (on-run-end) adds
-- the rows if all loading models and their tests succeeded; otherwise the next run repeats the load. A full refresh empties the
-- ledger before anything else.
{{ config(materialized='ledger') }}

{{ refuse_to_lose_exports() }}

select
    cast(null as varchar) as export_task_id,
    cast(null as varchar) as log_group,
    cast(null as date) as export_date,
    cast(null as bigint) as lines,
    cast(null as bigint) as bytes,
    cast(null as timestamp(6)) as exported_at,
    cast(null as timestamp(6)) as loaded_at
where 1 = 0
