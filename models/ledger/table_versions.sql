-- A row is one mart, intermediate model or seed: the definition that its rows were made with, and the latest load in them. `batch_lines`
-- stands for the settings by which lines are read. The model only creates the table; rows are written by write_versions (on-run-end).
{{ config(materialized='ledger') }}

-- depends_on: {{ ref('loaded_exports') }}

select
    cast(null as varchar) as name,
    cast(null as varchar) as definition,
    cast(null as bigint) as load_number,
    cast(null as timestamp(6)) as built_at
where 1 = 0
