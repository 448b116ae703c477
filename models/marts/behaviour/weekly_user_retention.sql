-- A row is one week of one cohort (the users first seen in the same week): how many of them were active. Bots are left out.
-- Rebuilt in full on each run, from one small row per user and day: a user's first week is known only from all of their days.
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

-- A week in which no user at all was active has no row. A week in which only the cohort was inactive has 0.
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
