-- A row is one day of one log group: what was exported for it, when, and what happened to its lines.
-- Rebuilt in full on each run, from a few rows per export.
{{ config(materialized='table') }}

with loaded_before as (
    select
        loaded.export_task_id,
        loaded.log_group,
        loaded.export_date,
        loaded.lines,
        loaded.bytes,
        loaded.exported_at,
        0 as unreadable_objects
    from {{ ref('loaded_exports') }} as loaded
    left join {{ ref('batch_counts') }} as this_run on loaded.export_task_id = this_run.export_task_id
    where this_run.export_task_id is null
),

exports as (
    select * from loaded_before
    union all
    select
        export_task_id,
        log_group,
        export_date,
        lines,
        bytes,
        exported_at,
        unreadable_objects
    from {{ ref('batch_counts') }}
),

kept as (
    select
        export_task_id,
        sum(events) as events,
        sum(rejected) as rejected
    from {{ ref('int_exports__daily_lines') }}
    group by export_task_id
),

exported_days as (
    select
        exports.export_date as event_date,
        exports.log_group,
        count(*) as exports,
        cast(sum(exports.lines) as bigint) as lines,
        cast(sum(coalesce(kept.events, 0)) as bigint) as events,
        cast(sum(coalesce(kept.rejected, 0)) as bigint) as rejected,
        cast(sum(exports.bytes) as bigint) as bytes,
        min(exports.exported_at) as exported_at,
        cast(sum(exports.unreadable_objects) as bigint) as unreadable_objects
    from exports
    left join kept on exports.export_task_id = kept.export_task_id
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
