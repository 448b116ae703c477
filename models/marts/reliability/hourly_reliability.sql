-- A row is one hour that had a request or an auth failure: requests, errors, auth failures and slowness. Bots count.
-- Incremental by day: only days that this run's batch touched are computed again.
{{ config(unique_key=['event_hour'], post_hook="delete from {{ this }} where requests = 0 and auth_failures = 0") }}
{%- set days = affected_days() %}

with events as (
    select
        {{ local_hour('event_at') }} as event_hour,
        status_code,
        latency_ms,
        {{ is_event('auth_failure', 'fct_events') }} as is_auth_failure
    from {{ ref('fct_events') }} as fct_events
    where {{ in_days('event_at', days) }}
),

counted as (
    select
        event_hour,
        count(status_code) as requests,
        count(case when status_code between 400 and 499 then 1 end) as client_errors,
        count(case when status_code >= 500 then 1 end) as server_errors,
        count(case when is_auth_failure then 1 end) as auth_failures,
        {{ percentile('case when status_code is not null then latency_ms end', 0.95) }} as latency_p95_ms
    from events
    where status_code is not null or is_auth_failure
    group by event_hour
)

select * from counted
{{ and_vanished(
    'counted', ['event_hour'], ['requests', 'client_errors', 'server_errors', 'auth_failures'],
    in_dates('cast(existing.event_hour as date)', days)
) }}
