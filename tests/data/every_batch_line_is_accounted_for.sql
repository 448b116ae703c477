-- Lines of this run's exports that are missing: neither the line nor a copy of it became an event or a rejected line.
with lines as (
    select * from {{ ref('batch_identified') }}
),

events as (
    select event_id from {{ ref('fct_events') }}
    where {{ near_batch('event_at') }}
),

rejected as (
    select line_id from {{ ref('rejected_log_lines') }}
    where {{ near_batch('line_at') }}
)

select
    lines.event_id,
    lines.export_task_id,
    lines.log_stream,
    lines.reason
from lines
left join events on lines.event_id = events.event_id and lines.reason is null
left join rejected on lines.event_id = rejected.line_id and lines.reason is not null
where events.event_id is null and rejected.line_id is null
