-- A row is one session in one funnel that it entered: how many of the funnel's steps it went through, in their order.
{{ config(unique_key=['event_date', 'session_id', 'funnel'], partitioned_by=by_day('event_date'), **gone_when_null('steps')) }}

{{ only_together_with(['batch_session_events']) }}

with spans as (
    select
        session_id,
        min(event_at) as started_at,
        max(event_at) as ended_at
    from {{ ref('batch_session_events') }}
    group by session_id
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
        {{ local_date('spans.started_at') }} as event_date,
        progress.session_id,
        progress.funnel,
        spans.started_at,
        spans.ended_at,
        progress.steps
    from progress
    inner join spans on progress.session_id = spans.session_id
    where progress.steps > 0
)

select * from entered
{{ gone_rows() }}
