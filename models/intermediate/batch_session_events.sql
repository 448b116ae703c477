-- A row is one event of a session that this run recomputes. An event belongs to the session that its record names. Without a
-- session id, a user's events are split into sessions at each gap of more than session_gap_minutes. Bots are left out.
-- Each run replaces this work table; sessions and int_sessions__funnels are built from it.
{{ config(materialized='table') }}

{%- set days = session_days() %}
{%- set gap = "interval '" ~ var('session_gap_minutes') ~ "' minute" %}

with events as (
    select
        event_id,
        event_at,
        event_name,
        meaning,
        user_id,
        session_id,
        status_code,
        {{ in_days('event_at', days.affected, var('session_gap_minutes')) }} as is_affected
    from {{ ref('int_events') }}
    where
        not is_bot
        and (session_id is not null or user_id is not null)
        and {{ in_days('event_at', days.reached) }}
),

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

session_events as (
    select
        event_id,
        event_at,
        event_name,
        meaning,
        user_id,
        session_id,
        status_code,
        is_affected
    from events
    where session_id is not null
    union all
    select
        event_id,
        event_at,
        event_name,
        meaning,
        user_id,
        {{ gap_session_id('user_id', 'min(event_at) over (partition by user_id, session_number)') }} as session_id,
        status_code,
        is_affected
    from numbered
),

computed_again as (
    select
        event_id,
        event_at,
        event_name,
        meaning,
        user_id,
        session_id,
        status_code,
        {{ 'is_affected' if days.affected is none else 'bool_or(is_affected) over (partition by session_id) as is_affected' }}
    from session_events
)

select * from computed_again
{% if days.affected -%}
where
    is_affected
    or session_id in (select touched.session_id from ({{ sessions_that_touch(days.affected) }}) as touched)
{%- elif days.affected is not none -%}
where is_affected
{%- endif %}
