-- A row is one session in one funnel that it entered: how many of the funnel's steps it took, in order.
{{ config(
    unique_key=['event_date', 'session_id', 'funnel'],
    partitioned_by=by_day('event_date'),
    **gone_when_null('steps')
) }}

{{ only_together_with(['batch_session_events']) }}

with sessions as (
    select
        existing.event_date,
        existing.session_id,
        existing.started_at,
        existing.ended_at
    from {{ ref('sessions') }} as existing
    where {{ in_computed_sessions('existing') }}
),

progress as (
    select
        events.session_id,
        funnels.funnel,
        {{ steps_in_order('funnels.step_number', 'events.event_at', 'events.event_id') }} as steps
    from {{ ref('batch_session_events') }} as events
    inner join {{ ref('funnels') }} as funnels on events.event_name = funnels.event_name
    group by events.session_id, funnels.funnel
),

entered as (
    select
        sessions.event_date,
        progress.session_id,
        progress.funnel,
        sessions.started_at,
        sessions.ended_at,
        progress.steps
    from progress
    inner join sessions on progress.session_id = sessions.session_id
    where progress.steps > 0
)

select * from entered
{{ gone_rows() }}
