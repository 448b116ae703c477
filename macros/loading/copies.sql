{#- Copies of one line: exports that overlap, and producers that send at least once. -#}

{% macro event_columns(relation=none) %}
{#- The columns of fct_events, event_date computed. The casts are for the unit tests: what Glue knows of a view says no precision. -#}
    {%- set extras = extra_fields() | map(attribute='name') | list -%}
    {%- set names = [
        'event_id', 'event_at', 'event_date', 'event_name', 'user_id', 'session_id', 'product_id', 'status_code', 'latency_ms', 'method',
        'route', 'is_bot', 'log_group', 'log_stream', 'export_task_id', 'exported_at'
    ] + extras -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {%- set columns = [] -%}
    {%- for name in names -%}
        {%- if name == 'event_date' -%}
            {%- do columns.append('cast(' ~ prefix ~ 'event_at as date) as event_date') -%}
        {%- elif name in ('event_at', 'exported_at') -%}
            {%- do columns.append('cast(' ~ prefix ~ name ~ ' as timestamp(6)) as ' ~ name) -%}
        {%- else -%}
            {%- do columns.append(prefix ~ name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(columns | join(', ')) }}
{% endmacro %}


{% macro batch_span() %}
{#- First and last event_at of the batch, widened by the dedupe horizon, as timestamp texts; none for an empty batch. -#}
    {%- set batch = ref('stg_cloudwatch__log_lines') -%}
    {%- if not execute -%}{{ return(none) }}{%- endif -%}
    {%- set days = var('dedupe_horizon_days') -%}
    {%- set span = run_query(
        "select cast(min(event_at) - interval '" ~ days ~ "' day as varchar), cast(max(event_at) + interval '" ~ days
        ~ "' day as varchar) from " ~ batch
    ).rows[0] -%}
    {{ return((span[0] | string, span[1] | string) if span[0] else none) }}
{% endmacro %}


{% macro in_batch_span(column) %}
{#- Literals, so that only the days around the batch are read. -#}
    {%- set span = batch_span() -%}
    {{ return(
        column ~ " between timestamp '" ~ span[0] ~ "' and timestamp '" ~ span[1] ~ "'" if span else '1 = 0'
    ) }}
{% endmacro %}


{% macro delete_later_copies() %}
{#- Post-hook: rows whose event was loaded again from an earlier export. Nothing is deleted when exports are loaded in order. -#}
    {%- if not is_incremental() -%}{{ return('') }}{%- endif -%}
    {%- set id, close = ('event_id', true) if model.name == 'fct_events' else ('line_id', false) -%}
    {%- set horizon = "interval '" ~ var('dedupe_horizon_days') ~ "' day" -%}
    {%- set near -%}
        {%- if close %}
            and earlier.event_at between {{ this.identifier }}.event_at - {{ horizon }} and {{ this.identifier }}.event_at + {{ horizon }}
            and {{ in_batch_span('earlier.event_at') }}
        {%- endif %}
    {%- endset -%}
    {%- set query -%}
        delete from {{ this }}
        where exists (
            select 1
            from {{ this }} as earlier
            where
                earlier.{{ id }} = {{ this.identifier }}.{{ id }}
                and (
                    earlier.exported_at < {{ this.identifier }}.exported_at
                    or (earlier.exported_at = {{ this.identifier }}.exported_at and earlier.export_task_id < {{ this.identifier }}.export_task_id)
                )
                {{ near }}
        )
        {%- if close %} and {{ in_batch_span(this.identifier ~ '.event_at') }}{% endif %}
    {%- endset -%}
    {{ return(query) }}
{% endmacro %}


{% macro refuse_partial_full_refresh() %}
{#- The batch holds only new exports: a table rebuilt from it alone would lose the rest. -#}
    {%- if execute and flags.FULL_REFRESH and model.resource_type == 'model' -%}
        {%- for name in ['loaded_exports', 'stg_cloudwatch__exports', 'stg_cloudwatch__log_lines']
            if 'model.' ~ project_name ~ '.' ~ name not in selected_resources -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ " can only be rebuilt together with what it is loaded from. Run dbt build --full-refresh with no"
                ~ " selection, or select +" ~ model.name ~ "."
            ) }}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
