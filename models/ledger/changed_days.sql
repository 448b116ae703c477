-- A row is one day, in reporting_timezone, with the number of the latest load that brought or took away one of its lines. The marts
-- are computed again for the days of all loads since their last run.
-- Incremental by day: a run writes the days of its batch, with the days around a record that has an id of its own, since a copy of
-- it there may go.
{{ config(unique_key=['event_date'], materialized='incremental', incremental_strategy='merge') }}

with batch_days as (
    select
        {{ local_date('coalesce(event_at, line_at)') }} as event_date,
        max(case when event_id != line_id then {{ var('dedupe_horizon_days') }} else 0 end) as horizon_days
    from {{ ref('batch_lines') }}
    group by {{ local_date('coalesce(event_at, line_at)') }}
),

spans as (
    select
        {{ days_after('event_date', '-horizon_days') }} as first_day,
        {{ days_after('event_date', 'horizon_days') }} as last_day
    from batch_days
)

select distinct
    cast(days.day as date) as event_date,
    {% if is_incremental() -%}
    (select 1 + coalesce(max(load_number), 0) from {{ this }}) as load_number
    {%- else -%}
    cast(1 as bigint) as load_number
    {%- endif %}
from spans
cross join {{ unnest_days('spans.first_day', 'spans.last_day') }}
