-- A row is one user on one day with an event. Bots are left out.
{{ config(unique_key=['event_date', 'user_id'], partitioned_by=by_day('event_date'), **gone_when_null('events')) }}

with counted as (
    select
        event_date,
        user_id,
        count(*) as events
    from {{ ref('int_events') }}
    where not is_bot and user_id is not null and {{ in_affected_days() }}
    group by event_date, user_id
)

select * from counted
{{ gone_rows() }}
