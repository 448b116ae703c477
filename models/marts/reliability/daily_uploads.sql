-- A row is one day with an upload: how many were asked for, completed and rejected. Bots count: a rejected upload is rejected.
-- Incremental by day: only days that this run's batch touched are computed again.
{{ config(
    unique_key=['event_date'],
    post_hook="delete from {{ this }} where uploads_requested = 0 and uploads_completed = 0 and uploads_rejected = 0"
) }}
{%- set days = affected_days() %}

with events as (
    select
        {{ local_date('event_at') }} as event_date,
        {{ is_event('upload_requested', 'fct_events') }} as is_requested,
        {{ is_event('upload_completed', 'fct_events') }} as is_completed,
        {{ is_event('upload_rejected', 'fct_events') }} as is_rejected
    from {{ ref('fct_events') }} as fct_events
    where {{ in_days('event_at', days) }}
),

counted as (
    select
        event_date,
        count(case when is_requested then 1 end) as uploads_requested,
        count(case when is_completed then 1 end) as uploads_completed,
        count(case when is_rejected then 1 end) as uploads_rejected
    from events
    where is_requested or is_completed or is_rejected
    group by event_date
)

select * from counted
{{ and_vanished(
    'counted', ['event_date'], ['uploads_requested', 'uploads_completed', 'uploads_rejected'],
    in_dates('existing.event_date', days)
) }}
