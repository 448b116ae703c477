-- A row is one event. Incremental: appends the batch's events, one per event_id, unless the table already has them. When an event
-- was exported more than once, the earliest export's copy is kept, whatever the order in which the exports are loaded.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=by_day('day(event_at)'),
    post_hook="{{ delete_later_copies('event_id', 'event_at') }}"
) }}

-- depends_on: {{ ref('changed_days') }}
{{ refuse_partial_full_refresh() }}
{{ only_together_with(['batch_exports', 'batch_lines', 'batch_copies', 'changed_days']) }}

with events as (
    select
        event_id,
        {{ event_columns(named=true) }},
        cast(event_at as date) as event_date
    from {{ ref('batch_identified') }}
    where reason is null and is_kept
)

select * from events
{% if is_incremental() -%}
where not {{ loaded_before('events', 'event_id', 'event_at') }}
{%- endif %}
