-- A row is one session in one funnel that it entered: how many of the funnel's steps it went through, in their order.
-- Incremental as sessions is: those that touch a day of this run's batch are computed again, whole.
{{ config(unique_key=['session_id', 'funnel'], post_hook="delete from {{ this }} where steps = 0") }}
{%- set days = session_days([this, ref('sessions')]) %}

with session_events as (
    {{ session_events(days) }}
),

spans as (
    select
        session_id,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        bool_or(is_affected) as is_affected
    from session_events
    group by session_id
),

progress as (
    select
        session_events.session_id,
        funnels.funnel,
        -- sqlfluff's Athena does not know DuckDB's lambda:
        {{ steps_in_order('funnels.step_number', 'session_events.event_at', 'session_events.event_id') }} as steps -- noqa: PRS
    from session_events
    inner join {{ ref('funnels') }} as funnels on session_events.event_name = funnels.event_name
    group by session_events.session_id, funnels.funnel
),

{%- if is_incremental() %}

touched_before as (
    select distinct session_id
    from {{ this }} as existing
    where {{ touches_days('existing', days.affected) }}
),
{%- endif %}

entered as (
    select
        progress.session_id,
        progress.funnel,
        spans.started_at,
        spans.ended_at,
        progress.steps
    from progress
    inner join spans on progress.session_id = spans.session_id
    where
        progress.steps > 0
        {% if is_incremental() -%}
        and (spans.is_affected or spans.session_id in (select touched_before.session_id from touched_before))
        {%- endif %}
)

select * from entered
{{ and_vanished('entered', ['session_id', 'funnel'], ['steps'], touches_days('existing', days.affected)) }}
