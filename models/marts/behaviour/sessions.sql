-- A row is one session: the events of one session id, or, where a user's events carry none, those with gaps of at most
-- session_gap_minutes. Bots are left out.
-- Incremental: sessions that touch a day of this run's batch are computed again, whole, from all days that they reach into.
{%- set gap = "interval '" ~ var('session_gap_minutes') ~ "' minute" %}
{%- set days = session_days() %}
{{ config(unique_key=['session_id'], post_hook="delete from {{ this }} where events = 0") }}

with events as (
    select
        event_id,
        event_at,
        event_name,
        user_id,
        session_id,
        status_code,
        {{ is_event('purchase', 'fct_events') }} as is_conversion,
        {{ in_days('event_at', days.affected, var('session_gap_minutes')) }} as is_affected
    from {{ ref('fct_events') }} as fct_events
    where
        not is_bot
        and (session_id is not null or user_id is not null)
        and {{ in_days('event_at', days.reached) }}
),

-- Users without a session id: a session begins after each longer gap.
with_gaps as (
    select
        *,
        case
            when event_at <= lag(event_at) over (partition by user_id order by event_at, event_id) + {{ gap }} then 0
            else 1
        end as starts_session
    from events
    where session_id is null
),

numbered as (
    select
        *,
        sum(starts_session) over (partition by user_id order by event_at, event_id rows unbounded preceding) as session_number
    from with_gaps
),

with_session_id as (
    select * from events
    where session_id is not null
    union all
    select
        event_id,
        event_at,
        event_name,
        user_id,
        {{ gap_session_id('user_id', 'min(event_at) over (partition by user_id, session_number)') }} as session_id,
        status_code,
        is_conversion,
        is_affected
    from numbered
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
    from with_session_id
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
