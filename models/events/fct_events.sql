-- A row is one event. Incremental: the batch's events are appended, one for each event_id, unless they are here already. When an
-- event was exported more than once, the copy from the earliest export is kept, in whatever order the exports are loaded.
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
        {{ event_columns() }},
        cast(event_at as date) as event_date
    from {{ ref('batch_identified') }}
    where reason is null and is_kept
)

select * from events
{% if is_incremental() -%}
where not {{ loaded_before('events', 'event_id', 'event_at') }}
{%- endif %}
