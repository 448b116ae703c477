-- A row is one week in the life of a cohort, the users first seen in one week: how many of them were active. Bots are left out.
-- Built whole on each run, from one small row for each user and day: a user is new only if no day before holds them.
{{ config(materialized='table') }}

with user_weeks as (
    select distinct
        user_id,
        cast(date_trunc('week', event_date) as date) as active_week
    from {{ ref('int_users__active_days') }}
),

with_cohort as (
    select
        user_id,
        active_week,
        min(active_week) over (partition by user_id) as cohort_week
    from user_weeks
),

-- Weeks in which nobody at all was active have no row; one in which nobody of the cohort was has 0.
weeks as (
    select distinct active_week from user_weeks
),

active as (
    select
        cohort_week,
        active_week,
        count(*) as active_users
    from with_cohort
    group by cohort_week, active_week
),

cohorts as (
    select
        cohort_week,
        active_users as cohort_users
    from active
    where active_week = cohort_week
)

select
    cohorts.cohort_week,
    cast(date_diff('week', cohorts.cohort_week, weeks.active_week) as integer) as week_number,
    cohorts.cohort_users,
    coalesce(active.active_users, 0) as active_users,
    cast(coalesce(active.active_users, 0) as double) / cohorts.cohort_users as retention_rate
from cohorts
inner join weeks on cohorts.cohort_week <= weeks.active_week
left join active
    on
        cohorts.cohort_week = active.cohort_week
        and weeks.active_week = active.active_week
