-- A row is one line of the batch whose id occurs more than once in the batch, with its final id. When an event or rejected line has
-- several copies, the copy from the earliest export is kept.
-- Work table of one run. Nearly all lines occur once and are not in this table.
{{ config(materialized='table') }}

with repeated as (
    select event_id
    from {{ ref('batch_lines') }}
    group by event_id
    having count(*) > 1
),

lines as (
    select
        lines.*,
        coalesce(lines.event_at, lines.line_at) as happened_at,
        row_number() over (partition by lines.export_task_id, lines.line_id order by lines.line_id) as copy_number
    from {{ ref('batch_lines') }} as lines
    inner join repeated on lines.event_id = repeated.event_id
),

-- Identical lines of one stream within one export are not copies: each one after the first gets its own id.
identified as (
    select
        *,
        case
            when event_id != line_id or copy_number = 1 then event_id
            else {{ text_digest("cast(line_id as varchar) || chr(10) || cast(copy_number as varchar)") }}
        end as lasting_id
    from lines
),

-- Lines with the same id are copies as long as each is within the dedupe horizon of the previous one.
marked as (
    select
        *,
        case
            when
                happened_at
                <= lag(happened_at) over (partition by lasting_id, reason is null order by happened_at) + {{ dedupe_horizon() }}
                then 0
            else 1
        end as starts_event
    from identified
),

grouped as (
    -- range instead of rows, so that lines with the same time get the same number.
    select
        *,
        sum(starts_event) over (
            partition by lasting_id, reason is null order by happened_at range unbounded preceding
        ) as event_number
    from marked
)

select
    lasting_id as event_id,
    {{ event_columns() }},
    logged_at,
    line_at,
    reason,
    line,
    copy_number,
    row_number() over (
        partition by lasting_id, reason is null, event_number order by exported_at, export_task_id, happened_at, line_id
    ) = 1 as is_kept
from grouped
