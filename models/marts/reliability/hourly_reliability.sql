-- A row is one hour that had a request or an auth failure: requests, errors, auth failures and latency. Bots are included.
{{ config(unique_key=['event_hour'], **gone_when_null('requests')) }}

with counted as (
    select
        event_hour,
        count(status_code) as requests,
        count(case when status_code between 400 and 499 then 1 end) as client_errors,
        count(case when status_code >= 500 then 1 end) as server_errors,
        count(case when meaning = 'auth_failure' then 1 end) as auth_failures,
        {{ percentile('case when status_code is not null then latency_ms end', 0.95) }} as latency_p95_ms
    from {{ ref('int_events') }}
    where (status_code is not null or meaning = 'auth_failure') and {{ in_affected_days() }}
    group by event_hour
)

select * from counted
{{ gone_rows() }}
