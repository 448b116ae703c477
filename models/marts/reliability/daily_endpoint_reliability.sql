-- A row is one endpoint (method and route) on one day: its requests, errors and latencies. Bots are included.
{{ config(unique_key=['event_date', 'method', 'route'], **gone_when_null('requests')) }}

with counted as (
    select
        event_date,
        coalesce(method, '(none)') as method,
        coalesce(route, '(none)') as route,
        count(*) as requests,
        count(case when status_code between 400 and 499 then 1 end) as client_errors,
        count(case when status_code >= 500 then 1 end) as server_errors,
        {{ percentile('latency_ms', 0.5) }} as latency_p50_ms,
        {{ percentile('latency_ms', 0.95) }} as latency_p95_ms,
        {{ percentile('latency_ms', 0.99) }} as latency_p99_ms
    from {{ ref('int_events') }}
    where status_code is not null and {{ in_affected_days() }}
    group by event_date, coalesce(method, '(none)'), coalesce(route, '(none)')
),

rated as (
    select
        *,
        cast(server_errors as double) / requests as server_error_rate
    from counted
)

select * from rated
{{ gone_rows() }}
