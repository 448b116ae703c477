-- A row is one published line that is no event, as it stands, with the reason. Incremental: appended unless here already;
-- of copies the one of the earliest export stays.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    post_hook="{{ delete_later_copies() }}"
) }}

{{ refuse_partial_full_refresh() }}

with lines as (
    select * from {{ ref('int_log_lines__identified') }}
    where reason is not null
),

ranked as (
    select
        event_id as line_id,
        logged_at,
        line,
        reason,
        log_group,
        log_stream,
        export_task_id,
        exported_at,
        row_number() over (partition by event_id order by exported_at, export_task_id) as copy_rank
    from lines
),

rejected as (
    select
        line_id,
        logged_at,
        line,
        reason,
        log_group,
        log_stream,
        export_task_id,
        exported_at
    from ranked
    where copy_rank = 1
)

select rejected.*
from rejected
{% if is_incremental() -%}
where
    not exists (
        select 1
        from {{ this }} as earlier
        where
            earlier.line_id = rejected.line_id
            and (
                earlier.exported_at < rejected.exported_at
                or (earlier.exported_at = rejected.exported_at and earlier.export_task_id <= rejected.export_task_id)
            )
    )
{%- endif %}
