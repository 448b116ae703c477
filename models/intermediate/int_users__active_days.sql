-- A row is one user on one day with an event. Bots are left out.
-- Incremental by day: only days that this run's batch touched are computed again.
{{ config(unique_key=['event_date', 'user_id'], post_hook="delete from {{ this }} where events = 0") }}
{%- set days = affected_days() %}

with events as (
    select
        {{ local_date('event_at') }} as event_date,
        user_id
    from {{ ref('fct_events') }}
    where
        not is_bot
        and user_id is not null
        and {{ in_days('event_at', days) }}
),

counted as (
    select
        event_date,
        user_id,
        count(*) as events
    from events
    group by event_date, user_id
)

select * from counted
{{ and_vanished('counted', ['event_date', 'user_id'], ['events'], in_dates('existing.event_date', days)) }}
