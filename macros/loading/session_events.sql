{% macro session_events(days) %}
{#- The events that belong to a session, each with the id of its session: the record's own, or for a user's events that carry none, one
    that begins after each gap of more than session_gap_minutes. Bots are left out. `days` as session_days() gives them; is_affected
    says whether an event lies in a day of the batch. To be put into a CTE. -#}
    {%- set gap = "interval '" ~ var('session_gap_minutes') ~ "' minute" -%}
    with events as (
        select
            event_id,
            event_at,
            event_name,
            user_id,
            session_id,
            status_code,
            route,
            {{ in_days('event_at', days.affected, var('session_gap_minutes')) }} as is_affected
        from {{ ref('fct_events') }}
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
    )

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
        route,
        is_affected
    from numbered
{%- endmacro %}


{% macro gap_session_id(user_id, started_at) -%}
    {{ user_id }} || '@' || {{ iso_text(started_at) }}
{%- endmacro %}
