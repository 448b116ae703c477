-- A row is one event name on one day: how often it happened, to how many users, in how many sessions. Bots are left out.
{{ config(unique_key=['event_date', 'event_name'], **gone_when_null('events')) }}

with counted as (
    select
        event_date,
        coalesce(event_name, '(none)') as event_name,
        count(*) as events,
        count(distinct user_id) as users,
        count(distinct session_id) as sessions
    from {{ ref('int_events') }}
    where not is_bot and {{ in_affected_days() }}
    group by event_date, coalesce(event_name, '(none)')
)

select * from counted
{{ gone_rows() }}
