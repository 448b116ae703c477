-- A row is one event name on one day: how often it happened, to how many users, in how many sessions. Bots are left out.
-- Incremental by day: only days that this run's batch touched are computed again.
{{ config(unique_key=['event_date', 'event_name'], post_hook="delete from {{ this }} where events = 0") }}
{%- set days = affected_days() %}

with events as (
    select
        {{ local_date('event_at') }} as event_date,
        coalesce(event_name, '(none)') as event_name,
        user_id,
        session_id
    from {{ ref('fct_events') }}
    where
        not is_bot
        and {{ in_days('event_at', days) }}
),

counted as (
    select
        event_date,
        event_name,
        count(*) as events,
        count(distinct user_id) as users,
        count(distinct session_id) as sessions
    from events
    group by event_date, event_name
)

select * from counted
{{ and_vanished(
    'counted', ['event_date', 'event_name'], ['events', 'users', 'sessions'],
    in_dates('existing.event_date', days)
) }}
