-- A row is one endpoint (method and route) on one day at which somebody logged in or was refused. Bots count: attacks are theirs.
-- Incremental by day: only days that this run's batch touched are computed again.
{{ config(unique_key=['event_date', 'method', 'route'], post_hook="delete from {{ this }} where attempts = 0") }}
{%- set days = affected_days() %}

with events as (
    select
        {{ local_date('event_at') }} as event_date,
        coalesce(method, '(none)') as method,
        coalesce(route, '(none)') as route,
        user_id,
        status_code is not null as is_request,
        {{ is_event('login', 'fct_events') }} as is_login,
        {{ is_event('auth_failure', 'fct_events') }} as is_failure
    from {{ ref('fct_events') }} as fct_events
    where {{ in_days('event_at', days) }}
),

counted as (
    select
        event_date,
        method,
        route,
        count(case when is_request or is_login or is_failure then 1 end) as attempts,
        count(case when is_failure then 1 end) as failures,
        count(distinct case when is_failure then user_id end) as users
    from events
    group by event_date, method, route
    having bool_or(is_login or is_failure)
),

rated as (
    select
        *,
        cast(failures as double) / attempts as failure_rate
    from counted
)

select * from rated
{{ and_vanished(
    'rated', ['event_date', 'method', 'route'], ['attempts', 'failures', 'users'],
    in_dates('existing.event_date', days)
) }}
