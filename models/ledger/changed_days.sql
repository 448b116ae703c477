-- A row is one day, in reporting_timezone, with the number of the latest load that brought or took away one of its lines. The marts
-- are computed again for the days of all loads since their last run.
-- A load takes rows away only where it holds an export that is earlier than one loaded before; it is out of order then, and may take
-- a copy of a record with an id of its own from the days around.
{{ config(unique_key=['event_date'], materialized='incremental', incremental_strategy='merge') }}

-- depends_on: {{ ref('batch_exports') }}, {{ ref('loaded_exports') }}, {{ ref('table_versions') }}

with batch_days as (
    select
        {{ local_date('coalesce(event_at, line_at)') }} as event_date,
        bool_or(event_id != line_id) as has_own_ids
    from {{ ref('batch_lines') }}
    group by {{ local_date('coalesce(event_at, line_at)') }}
),

{% if is_incremental() %}
this_load as (
    select
        1 + coalesce(max(changed.load_number), 0) as load_number,
        -- Of a load that was interrupted, exports may be in the tables without being in the ledger.
        coalesce(max(changed.load_number), 0)
        > coalesce((select max(load.load_number) from {{ ref('table_versions') }} as load where load.name = 'batch_lines'), 0)
        or exists (
            select 1
            from {{ ref('batch_exports') }} as exports
            inner join {{ ref('loaded_exports') }} as loaded on exports.exported_at <= loaded.exported_at
        ) as is_out_of_order
    from {{ this }} as changed
),
{% else %}
this_load as (
    select
        cast(1 as bigint) as load_number,
        false as is_out_of_order
),
{% endif %}
spans as (
    select
        batch_days.event_date,
        this_load.load_number,
        this_load.is_out_of_order,
        case when this_load.is_out_of_order and batch_days.has_own_ids then {{ var('dedupe_horizon_days') }} else 0 end as horizon_days
    from batch_days
    cross join this_load
)

select distinct
    cast(days.day as date) as event_date,
    spans.load_number,
    spans.is_out_of_order
from spans
cross join {{ unnest_days(days_after('spans.event_date', '-spans.horizon_days'), days_after('spans.event_date', 'spans.horizon_days')) }}
