-- A row is one day, in reporting_timezone, with the number of the latest load that added or deleted one of its lines. Each mart is
-- recomputed for the days of all loads since its last run.
-- A load is out of order if it contains an export that is earlier than one loaded before it. Only such a load deletes rows: later
-- copies of its own lines. A copy of a record with its own id may be dedupe_horizon_days away (one day more if a day has 23 hours),
-- so those days have changed too.
{{ config(unique_key=['event_date'], materialized='incremental', incremental_strategy='merge') }}

-- depends_on: {{ ref('batch_exports') }}, {{ ref('loaded_exports') }}
{{ refuse_partial_full_refresh() }}
{{ refuse_older_tables() }}

with batch_days as (
    select
        {{ local_date('coalesce(event_at, line_at)') }} as event_date,
        bool_or(event_id != line_id) as has_own_ids
    from {{ ref('batch_lines') }}
    group by {{ local_date('coalesce(event_at, line_at)') }}
),

this_load as (
    select
        1 + greatest(
            {% if is_incremental() %}coalesce((select max(days.load_number) from {{ this }} as days), 0){% else %}0{% endif %},
            coalesce(max(versions.load_number), 0)
        ) as load_number,
        {% if is_incremental() -%}
        -- After an interrupted load, the tables may hold exports that are not in the ledger.
        coalesce((select max(days.load_number) from {{ this }} as days), 0)
        > coalesce(max(case when versions.name = 'batch_lines' then versions.load_number end), 0)
        or not exists (select 1 from {{ ref('loaded_exports') }})
        or exists (
            select 1
            from {{ ref('batch_exports') }} as exports
            inner join {{ ref('loaded_exports') }} as loaded on exports.exported_at <= loaded.exported_at
        ) as is_out_of_order
        {%- else -%}
        false as is_out_of_order
        {%- endif %}
    from {{ ref('table_versions') }} as versions
),

spans as (
    select
        batch_days.event_date,
        this_load.load_number,
        this_load.is_out_of_order,
        case when this_load.is_out_of_order and batch_days.has_own_ids then {{ var('dedupe_horizon_days') }} + 1 else 0 end as horizon_days
    from batch_days
    cross join this_load
)

select distinct
    cast(days.day as date) as event_date,
    spans.load_number,
    spans.is_out_of_order
from spans
cross join {{ unnest_days(days_after('spans.event_date', '-spans.horizon_days'), days_after('spans.event_date', 'spans.horizon_days')) }}
