-- A row is one endpoint (method and route) on one day: its requests, errors and latencies. Bots count: a 500 is a 500.
-- Incremental by day: only days that this run's batch touched are computed again.
{{ config(unique_key=['event_date', 'method', 'route'], post_hook="delete from {{ this }} where requests = 0") }}
{%- set days = affected_days() %}

with requests as (
    select
        {{ local_date('event_at') }} as event_date,
        coalesce(method, '(none)') as method,
        coalesce(route, '(none)') as route,
        status_code,
        latency_ms
    from {{ ref('fct_events') }}
    where
        status_code is not null
        and {{ in_days('event_at', days) }}
),

counted as (
    select
        event_date,
        method,
        route,
        count(*) as requests,
        count(case when status_code between 400 and 499 then 1 end) as client_errors,
        count(case when status_code >= 500 then 1 end) as server_errors,
        {{ percentile('latency_ms', 0.5) }} as latency_p50_ms,
        {{ percentile('latency_ms', 0.95) }} as latency_p95_ms,
        {{ percentile('latency_ms', 0.99) }} as latency_p99_ms
    from requests
    group by event_date, method, route
),

rated as (
    select
        event_date,
        method,
        route,
        requests,
        client_errors,
        server_errors,
        cast(server_errors as double) / requests as server_error_rate,
        latency_p50_ms,
        latency_p95_ms,
        latency_p99_ms
    from counted
)

select * from rated
{{ and_vanished(
    'rated', ['event_date', 'method', 'route'], ['requests', 'client_errors', 'server_errors'],
    in_dates('existing.event_date', days)
) }}
