-- A row is one mart, intermediate model or seed: the definition that its rows were built with, and the latest load in them.
-- `batch_lines` stands for the settings for parsing lines. The model only creates the table; write_versions (on-run-end) fills it.
{{ config(materialized='ledger') }}

-- depends_on: {{ ref('loaded_exports') }}

select
    cast(null as varchar) as name,
    cast(null as varchar) as definition,
    cast(null as bigint) as load_number,
    cast(null as timestamp(6)) as built_at
where 1 = 0
