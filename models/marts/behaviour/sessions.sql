-- A row is one session: the events of one session id, or, where a user's events carry none, those with gaps of at most
-- session_gap_minutes. Bots are left out.
-- Incremental: sessions that touch a day of this run's batch are computed again, whole, from all days that they reach into.
{{ config(unique_key=['session_id'], post_hook="delete from {{ this }} where events = 0") }}
{%- set days = session_days([this]) %}

with session_events as (
    {{ session_events(days) }}
),

classified as (
    select
        *,
        {{ is_event('purchase', 'session_events') }} as is_conversion
    from session_events
),

grouped as (
    select
        session_id,
        {{ first_by('user_id', 'event_at', 'event_id') }} as user_id,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        count(*) as events,
        count(status_code) as requests,
        count(case when status_code >= 500 then 1 end) as server_errors,
        {{ first_by("coalesce(event_name, '(none)')", 'event_at', 'event_id') }} as entry_event,
        {{ last_by("coalesce(event_name, '(none)')", 'event_at', 'event_id') }} as exit_event,
        bool_or(is_conversion) as converted,
        bool_or(is_affected) as is_affected
    from classified
    group by session_id
),

{%- if is_incremental() %}

touched_before as (
    select session_id
    from {{ this }} as existing
    where {{ touches_days('existing', days.affected) }}
),
{%- endif %}

sessions as (
    select
        session_id,
        user_id,
        started_at,
        ended_at,
        {{ seconds_between('started_at', 'ended_at') }} as duration_seconds,
        events,
        requests,
        server_errors,
        entry_event,
        exit_event,
        converted
    from grouped
    {% if is_incremental() -%}
    where grouped.is_affected or grouped.session_id in (select touched_before.session_id from touched_before)
    {%- endif %}
)

select * from sessions
{{ and_vanished('sessions', ['session_id'], ['events', 'requests', 'server_errors'], touches_days('existing', days.affected)) }}
