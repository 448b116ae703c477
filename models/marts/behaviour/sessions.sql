-- A row is one session: the events with one session id, or a user's events without one if the gaps between them are at most
-- session_gap_minutes. Bots are left out.
{{ config(unique_key=['event_date', 'session_id'], partitioned_by=by_day('event_date'), **gone_when_null('events')) }}

{{ only_together_with(['batch_session_events']) }}

with sessions as (
    select
        {{ local_date('min(event_at)') }} as event_date,
        session_id,
        {{ first_by('user_id', 'event_at', 'event_id') }} as user_id,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        {{ seconds_between('min(event_at)', 'max(event_at)') }} as duration_seconds,
        count(*) as events,
        count(status_code) as requests,
        count(case when status_code >= 500 then 1 end) as server_errors,
        {{ first_by("coalesce(event_name, '(none)')", 'event_at', 'event_id') }} as entry_event,
        {{ last_by("coalesce(event_name, '(none)')", 'event_at', 'event_id') }} as exit_event,
        coalesce(bool_or(meaning = 'purchase'), false) as converted
    from {{ ref('batch_session_events') }}
    group by session_id
)

select * from sessions
{{ gone_rows() }}
