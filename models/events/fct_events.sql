-- A row is one event. Incremental: the batch's events are appended, one for each event_id, unless they are here already.
-- Of copies the one of the earliest export stays, whatever order the exports are loaded in; its later copies are deleted after.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=['day(event_at)'] if target.type == 'athena' else none,
    post_hook="{{ delete_later_copies() }}"
) }}

{{ refuse_partial_full_refresh() }}
{%- set near_batch = in_batch_span('earlier.event_at') %}
{%- set horizon = "interval '" ~ var('dedupe_horizon_days') ~ "' day" %}

with lines as (
    select * from {{ ref('int_log_lines__identified') }}
    where reason is null
),

repeated as (
    select event_id
    from lines
    group by event_id
    having count(*) > 1
),

-- Copies of one event: the same id, each within the horizon of the one before it.
copies as (
    select
        lines.*,
        case
            when lines.event_at <= lag(lines.event_at) over (partition by lines.event_id order by lines.event_at) + {{ horizon }}
                then 0
            else 1
        end as starts_event
    from lines
    inner join repeated on lines.event_id = repeated.event_id
),

grouped_copies as (
    -- A range, not rows: copies of the same instant stay together.
    select
        *,
        sum(starts_event) over (partition by event_id order by event_at range unbounded preceding) as event_number
    from copies
),

ranked_copies as (
    select
        *,
        row_number() over (
            partition by event_id, event_number order by exported_at, export_task_id, event_at, line_id
        ) as copy_rank
    from grouped_copies
),

events as (
    select {{ event_columns() }} from ranked_copies
    where copy_rank = 1
    union all
    select {{ event_columns('lines') }} from lines
    left join repeated on lines.event_id = repeated.event_id
    where repeated.event_id is null
)

select events.*
from events
{% if is_incremental() -%}
where
    not exists (
        select 1
        from {{ this }} as earlier
        where
            earlier.event_id = events.event_id
            and earlier.event_at >= events.event_at - {{ horizon }}
            and earlier.event_at <= events.event_at + {{ horizon }}
            and (
                earlier.exported_at < events.exported_at
                or (earlier.exported_at = events.exported_at and earlier.export_task_id <= events.export_task_id)
            )
            and {{ near_batch }}
    )
{%- endif %}
