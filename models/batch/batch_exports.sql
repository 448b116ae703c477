-- A row is one export that this run loads: it is published, and the ledger does not have it with the same size.
-- This is a table so that every later model of the run sees the same exports.
{{ config(materialized='table') }}

with records as (
    select * from {{ source('lake', 'export_records') }}
),

loaded as (
    select
        export_task_id,
        export_date,
        bytes
    from {{ ref('loaded_exports') }}
),

loaded_days as (
    select distinct export_date from loaded
),

exports as (
    select
        export_task_id,
        log_group,
        {{ text_digest("'log group ' || log_group") }} as log_group_digest,
        cast(export_date as date) as export_date,
        {{ read_timestamp('completed_at') }} as exported_at,
        objects,
        bytes,
        coalesce(line_format, 'cloudwatch') as line_format,
        coalesce(unreadable_objects, 0) as unreadable_objects
    from records
),

new_exports as (
    select
        exports.*,
        loaded_days.export_date is null as is_new_day
    from exports
    left join loaded_days on exports.export_date = loaded_days.export_date
    left join loaded
        on
            exports.export_task_id = loaded.export_task_id
            and exports.bytes = loaded.bytes
    where loaded.export_task_id is null
)

select * from new_exports
