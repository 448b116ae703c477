{#- Copies of one event, from overlapping exports or from producers that send a record more than once. -#}

{% macro event_columns(relation=none, named=false) %}
{#- All columns of fct_events except event_id and event_date. named: a request without an event name gets one. The unit tests need the
    casts, because Glue does not store the precision of a view's timestamps. -#}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {%- set columns = [] -%}
    {%- for name in [
        'event_at', 'event_name', 'user_id', 'session_id', 'product_id', 'status_code', 'latency_ms', 'method', 'route', 'is_bot',
        'client', 'log_group', 'log_stream', 'export_task_id', 'exported_at'
    ] + (extra_fields() | map(attribute='name') | list) -%}
        {%- if name in ('event_at', 'exported_at') -%}
            {%- do columns.append('cast(' ~ prefix ~ name ~ ' as timestamp(6)) as ' ~ name) -%}
        {%- elif name == 'event_name' and named -%}
            {%- do columns.append('coalesce(event_name, ' ~ request_name('method', 'route', 'status_code') ~ ') as event_name') -%}
        {%- else -%}
            {%- do columns.append(prefix ~ name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(columns | join(',\n        ')) }}
{% endmacro %}


{% macro dedupe_horizon() %}
{#- Rows with the same id are copies of each other if they are at most this far apart. -#}
    {{ return("interval '" ~ var('dedupe_horizon_days') ~ "' day") }}
{% endmacro %}


{% macro near_batch(column) %}
{#- A condition on a UTC timestamp column: it is so close to a day of the batch that the row may be a copy of a line in the batch. -#}
    {{ return(in_days(column, latest_days(), 24 * 60 * var('dedupe_horizon_days'))) }}
{% endmacro %}


{% macro loaded_before(row, id, at) %}
{#- A condition on `row`: the table has a copy of it from the same or an earlier export. -#}
    {{ return(_has_copy(row, id, at, '<=')) }}
{% endmacro %}


{% macro delete_later_copies(id, at) %}
{#- Post-hook: deletes rows if this run loaded a copy of them from an earlier export. If exports are loaded in order, there are none. -#}
    {%- if is_incremental() and is_out_of_order() -%}
        {{ return(
            'delete from ' ~ this ~ ' where ' ~ near_batch(at) ~ ' and ' ~ _has_copy(this.identifier, id, at, '<')
        ) }}
    {%- endif -%}
{% endmacro %}


{% macro _has_copy(row, id, at, operator) %}
    {%- set condition -%}
        exists (
            select 1
            from {{ this }} as earlier
            where
                earlier.{{ id }} = {{ row }}.{{ id }}
                and earlier.{{ at }} >= {{ row }}.{{ at }} - {{ dedupe_horizon() }}
                and earlier.{{ at }} <= {{ row }}.{{ at }} + {{ dedupe_horizon() }}
                and (
                    earlier.exported_at < {{ row }}.exported_at
                    or (earlier.exported_at = {{ row }}.exported_at and earlier.export_task_id {{ operator }} {{ row }}.export_task_id)
                )
                and {{ near_batch('earlier.' ~ at) }}
        )
    {%- endset -%}
    {{ return(condition) }}
{% endmacro %}


{% macro only_together_with(names) %}
{#- Rejects a selection with this model but without the work tables that it is built from. They hold what an earlier run needed. -#}
    {%- if execute and model.resource_type == 'model' and flags.WHICH in ('build', 'run') -%}
        {#- dbt retry does not say what it builds. It continues with the same work tables, unless they must hold more than before. -#}
        {%- set retried = not selected_resources and not (is_built_whole(model) and names[0] not in run_state().definitions) -%}
        {%- for name in names if not retried and not is_selected(name) -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ " is built from " ~ name ~ ", a work table that holds only what the last run needed. Select both: --select "
                ~ name ~ "+, or build everything."
            ) }}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{% macro refuse_partial_full_refresh() %}
{#- The batch holds only new exports: a table rebuilt from it alone would lose the rest. -#}
    {%- if execute and flags.FULL_REFRESH and model.resource_type == 'model' and selected_resources -%}
        {%- for name in ['loaded_exports', 'table_versions', 'batch_exports', 'batch_lines'] if not is_selected(name) -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ " can only be rebuilt together with the models that load it. Run dbt build --full-refresh with no"
                ~ " selection, or select +" ~ model.name ~ "."
            ) }}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{% macro refuse_older_tables() %}
{#- Stops an incremental run on tables of a version before 0.2.0, which have different ids and no changed_days. -#}
    {%- if execute and model.resource_type == 'model' and flags.WHICH in ('build', 'run') and not flags.FULL_REFRESH
        and not load_relation(this) and table_of('fct_events') and table_of('loaded_exports') -%}
        {{ exceptions.raise_compiler_error(
            "The tables are from an older version, or changed_days was dropped. Run dbt build --full-refresh once (CHANGELOG.md)."
        ) }}
    {%- endif -%}
{% endmacro %}
