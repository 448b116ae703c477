-- A row is one event of fct_events, with its day and hour in reporting_timezone and its meaning from event_catalog.
-- The marts are built on this view.
{{ config(materialized='view') }}

select
    events.event_id,
    {{ event_columns('events') }},
    {{ local_date('events.event_at') }} as event_date,
    {{ local_hour('events.event_at') }} as event_hour,
    {{ meaning_columns(ref('event_catalog')) }} as meaning
from {{ ref('fct_events') }} as events
{{ join_meanings(ref('event_catalog')) }}
