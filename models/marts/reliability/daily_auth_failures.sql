-- A row is one endpoint (method and route) on one day on which it logged somebody in or refused somebody. Bots are included,
-- because attackers use them.
{{ config(unique_key=['event_date', 'method', 'route'], **gone_when_null('attempts')) }}

with counted as (
    select
        event_date,
        coalesce(method, '(none)') as method,
        coalesce(route, '(none)') as route,
        count(case when status_code is not null or meaning in ('login', 'auth_failure') then 1 end) as attempts,
        count(case when meaning = 'auth_failure' then 1 end) as failures,
        count(distinct case when meaning = 'auth_failure' then user_id end) as users
    from {{ ref('int_events') }}
    where {{ in_affected_days() }}
    group by event_date, coalesce(method, '(none)'), coalesce(route, '(none)')
    having bool_or(meaning in ('login', 'auth_failure'))
),

rated as (
    select
        *,
        cast(failures as double) / attempts as failure_rate
    from counted
)

select * from rated
{{ gone_rows() }}
