-- A row is one export on one day: how many of the lines credited to it became events, and how many were rejected.
{{ config(unique_key=['event_date', 'export_task_id'], **gone_when_null('events')) }}

with lines as (
    select
        event_date,
        export_task_id,
        1 as event,
        0 as rejected
    from {{ ref('int_events') }}
    where {{ in_affected_days() }}
    union all
    select
        {{ local_date('line_at') }} as event_date,
        export_task_id,
        0 as event,
        1 as rejected
    from {{ ref('rejected_log_lines') }}
    where {{ in_affected_days('line_at') }}
),

counted as (
    select
        event_date,
        export_task_id,
        cast(sum(event) as bigint) as events,
        cast(sum(rejected) as bigint) as rejected
    from lines
    group by event_date, export_task_id
)

select * from counted
{{ gone_rows() }}
