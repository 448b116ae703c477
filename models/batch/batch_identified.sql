-- A row is one line of the batch with its final id, and whether it is kept or is a copy of a kept line.
{{ config(materialized='view') }}

select
    lines.event_id,
    {{ event_columns('lines') }},
    lines.logged_at,
    lines.line_at,
    lines.reason,
    lines.line,
    true as is_kept
from {{ ref('batch_lines') }} as lines
left join {{ ref('batch_copies') }} as copies on lines.event_id = copies.event_id
where copies.event_id is null
union all
select
    event_id,
    {{ event_columns() }},
    logged_at,
    line_at,
    reason,
    line,
    is_kept
from {{ ref('batch_copies') }}
