-- A row is one day of one log group: what was exported for it, when, and what became of its lines.
-- Built whole on each run: it reads only two small columns of the events.
{{ config(materialized='table') }}

with this_run as (
    select
        exports.export_task_id,
        exports.log_group,
        exports.export_date,
        count(lines.export_task_id) as lines,
        exports.bytes,
        exports.exported_at,
        exports.unreadable_objects
    from {{ ref('stg_cloudwatch__exports') }} as exports
    left join {{ ref('stg_cloudwatch__log_lines') }} as lines on exports.export_task_id = lines.export_task_id
    group by
        exports.export_task_id,
        exports.log_group,
        exports.export_date,
        exports.bytes,
        exports.exported_at,
        exports.unreadable_objects
),

loaded_before as (
    select
        loaded.export_task_id,
        loaded.log_group,
        loaded.export_date,
        loaded.lines,
        loaded.bytes,
        loaded.exported_at,
        0 as unreadable_objects
    from {{ ref('loaded_exports') }} as loaded
    left join this_run on loaded.export_task_id = this_run.export_task_id
    where this_run.export_task_id is null
),

exports as (
    select * from loaded_before
    union all
    select * from this_run
),

event_counts as (
    select
        export_task_id,
        count(*) as events
    from {{ ref('fct_events') }}
    group by export_task_id
),

rejected_counts as (
    select
        export_task_id,
        count(*) as rejected
    from {{ ref('rejected_log_lines') }}
    group by export_task_id
),

exported_days as (
    select
        exports.export_date as event_date,
        exports.log_group,
        count(*) as exports,
        cast(sum(exports.lines) as bigint) as lines,
        cast(sum(coalesce(event_counts.events, 0)) as bigint) as events,
        cast(sum(coalesce(rejected_counts.rejected, 0)) as bigint) as rejected,
        cast(sum(exports.bytes) as bigint) as bytes,
        min(exports.exported_at) as exported_at,
        cast(sum(exports.unreadable_objects) as bigint) as unreadable_objects
    from exports
    left join event_counts on exports.export_task_id = event_counts.export_task_id
    left join rejected_counts on exports.export_task_id = rejected_counts.export_task_id
    group by exports.export_date, exports.log_group
),

span as (
    select
        min(event_date) as first_day,
        max(event_date) as last_day
    from exported_days
),

log_groups as (
    select distinct log_group from exported_days
),

expected as (
    select
        cast(days.day as date) as event_date,
        log_groups.log_group
    from span
    cross join {{ unnest_days('span.first_day', 'span.last_day') }}
    cross join log_groups
),

health as (
    select
        expected.event_date,
        expected.log_group,
        coalesce(exported_days.exports, 0) as exports,
        coalesce(exported_days.lines, 0) as lines,
        coalesce(exported_days.events, 0) as events,
        coalesce(exported_days.rejected, 0) as rejected,
        coalesce(exported_days.lines - exported_days.events - exported_days.rejected, 0) as duplicates,
        coalesce(exported_days.bytes, 0) as bytes,
        exported_days.exported_at,
        {{ seconds_between("cast(expected.event_date as timestamp(6)) + interval '1' day", 'exported_days.exported_at') }} / 3600
            as lag_hours,
        coalesce(exported_days.unreadable_objects, 0) as unreadable_objects
    from expected
    left join exported_days
        on
            expected.event_date = exported_days.event_date
            and expected.log_group = exported_days.log_group
)

select
    event_date,
    log_group,
    exports,
    lines,
    events,
    rejected,
    duplicates,
    bytes,
    exported_at,
    lag_hours,
    case
        when exports = 0 then 'missing'
        when unreadable_objects > 0 then 'damaged'
        when lag_hours > {{ var('export_late_after_hours') }} then 'late'
        when lines = 0 then 'empty'
        else 'ok'
    end as status
from health
