-- A row is one step of one funnel on one day: how many of the sessions that began on that day reached it. Bots are left out.
-- Rebuilt in full on each run, from one small row per session.
{{ config(materialized='table') }}

with progress as (
    select
        event_date,
        funnel,
        steps
    from {{ ref('int_sessions__funnels') }}
),

counted as (
    select
        progress.event_date,
        funnels.funnel,
        funnels.step_number,
        funnels.event_name,
        count(case when progress.steps >= funnels.step_number then 1 end) as sessions
    from progress
    inner join {{ ref('funnels') }} as funnels on progress.funnel = funnels.funnel
    group by progress.event_date, funnels.funnel, funnels.step_number, funnels.event_name
),

compared as (
    select
        *,
        lag(sessions) over (partition by event_date, funnel order by step_number) as sessions_at_previous,
        first_value(sessions) over (partition by event_date, funnel order by step_number) as sessions_at_first
    from counted
)

select
    event_date,
    funnel,
    step_number,
    event_name,
    sessions,
    cast(sessions as double) / nullif(sessions_at_previous, 0) as rate_from_previous,
    cast(sessions as double) / sessions_at_first as rate_from_first
from compared
