-- A row is one exported line that is not an event, unchanged, with the reason. Incremental in the same way as fct_events.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    partitioned_by=by_day('day(line_at)'),
    post_hook="{{ delete_later_copies('line_id', 'line_at') }}"
) }}

-- depends_on: {{ ref('changed_days') }}
{{ refuse_partial_full_refresh() }}
{{ only_together_with(['batch_exports', 'batch_lines', 'batch_copies', 'changed_days']) }}

with rejected as (
    select
        event_id as line_id,
        cast(logged_at as timestamp(6)) as logged_at,
        cast(line_at as timestamp(6)) as line_at,
        line,
        reason,
        log_group,
        log_stream,
        export_task_id,
        cast(exported_at as timestamp(6)) as exported_at
    from {{ ref('batch_identified') }}
    where reason is not null and is_kept
)

select * from rejected
{% if is_incremental() -%}
where not {{ loaded_before('rejected', 'line_id', 'line_at') }}
{%- endif %}
