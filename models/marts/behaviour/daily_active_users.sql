-- A row is one day with an active user: how many users were active on that day, in the 7 days up to it, and in the 30 days up to
-- it. Bots are left out.
-- Rebuilt in full on each run, from one small row per user and day.
{{ config(materialized='table') }}

with active_days as (
    select
        event_date,
        lead(event_date) over (partition by user_id order by event_date) as next_date
    from {{ ref('int_users__active_days') }}
),

-- A user's active day counts until its window ends or the user's next active day begins, whichever comes first. So each user counts
-- once, and no day is compared with all days of its window.
changes as (
    select
        event_date,
        1 as daily,
        1 as weekly,
        1 as monthly
    from active_days
    union all
    select
        cast(least(event_date + interval '7' day, coalesce(next_date, event_date + interval '7' day)) as date) as event_date,
        0 as daily,
        -1 as weekly,
        0 as monthly
    from active_days
    union all
    select
        cast(least(event_date + interval '30' day, coalesce(next_date, event_date + interval '30' day)) as date) as event_date,
        0 as daily,
        0 as weekly,
        -1 as monthly
    from active_days
),

by_date as (
    select
        event_date,
        sum(daily) as daily,
        sum(weekly) as weekly,
        sum(monthly) as monthly
    from changes
    group by event_date
),

running as (
    select
        event_date,
        cast(daily as bigint) as daily_active_users,
        cast(sum(weekly) over (order by event_date) as bigint) as weekly_active_users,
        cast(sum(monthly) over (order by event_date) as bigint) as monthly_active_users
    from by_date
)

select
    event_date,
    daily_active_users,
    weekly_active_users,
    monthly_active_users,
    cast(daily_active_users as double) / monthly_active_users as stickiness
from running
where daily_active_users > 0
