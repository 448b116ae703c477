-- A row is one line of the batch with the id it will have for ever: that of its own eventId, else the digest of the line.
-- The k-th identical line of a stream within one export has an id of its own. Only lines that repeat are numbered.
{{ config(materialized='view', pre_hook="{{ use_own_schema() }}") }}

{%- set batch = own_schema(ref('stg_cloudwatch__log_lines')) %}

-- The batch is named in each step, not imported once: DuckDB copies a CTE that is used more than once.
with repeated as (
    select line_id
    from {{ batch }}
    where own_id is null
    group by line_id
    having count(*) > 1
),

unrepeated_lines as (
    select
        lines.*,
        1 as copy_number
    from {{ batch }} as lines
    left join repeated on lines.line_id = repeated.line_id
    where lines.own_id is not null or repeated.line_id is null
),

numbered_lines as (
    select
        lines.*,
        row_number() over (partition by lines.export_task_id, lines.line_id order by lines.line_id) as copy_number
    from {{ batch }} as lines
    inner join repeated on lines.line_id = repeated.line_id
    where lines.own_id is null
),

all_lines as (
    select * from unrepeated_lines
    union all
    select * from numbered_lines
)

-- The star: the batch has a column for each configured field.
select
    *, -- noqa: AM04
    case
        when own_id is not null then own_id
        when copy_number = 1 then line_id
        else {{ text_digest("cast(line_id as varchar) || chr(10) || cast(copy_number as varchar)") }}
    end as event_id
from all_lines
