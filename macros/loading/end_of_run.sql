{#- The end of a run: the ledger of loaded exports, and what the run has to say. -#}

{% macro is_complete_run(results) %}
{#- Whether every model of the project ran, and all that ran succeeded. -#}
    {%- set succeeded = [] -%}
    {%- for result in results -%}
        {%- if result.status not in ('success', 'pass', 'warn', 'no-op') -%}{{ return(false) }}{%- endif -%}
        {%- do succeeded.append(result.node.unique_id) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.unique_id not in succeeded -%}
        {{ return(false) }}
    {%- endfor -%}
    {{ return(true) }}
{% endmacro %}


{% macro write_ledger(results) %}
{#- on-run-end: the exports of this run become loaded, unless an object of theirs could not be read. -#}
    {%- set ledger, new_exports, batch
        = ref('loaded_exports'), ref('stg_cloudwatch__exports'), ref('stg_cloudwatch__log_lines') -%}
    {%- if not execute or not is_complete_run(results) -%}{{ return('') }}{%- endif -%}
    {%- do run_query(
        "delete from " ~ ledger ~ " where export_task_id in (select export_task_id from " ~ new_exports ~ ")"
    ) -%}
    {%- set insert -%}
        insert into {{ ledger }}
        select
            exports.export_task_id,
            exports.log_group,
            exports.export_date,
            count(lines.export_task_id) as lines,
            exports.bytes,
            exports.exported_at,
            {{ now_utc() }} as loaded_at
        from {{ new_exports }} as exports
        left join {{ batch }} as lines on exports.export_task_id = lines.export_task_id
        where exports.unreadable_objects = 0
        group by
            exports.export_task_id, exports.log_group, exports.export_date, exports.bytes, exports.exported_at
    {%- endset -%}
    {{ return(insert) }}
{% endmacro %}


{% macro report_run(results) %}
{#- on-run-end: what was loaded, how much of each field was null, which mapping found nothing, which event names nobody classified. -#}
    {%- set new_exports, batch, catalog = ref('stg_cloudwatch__exports'), ref('stg_cloudwatch__log_lines'), ref('event_catalog') -%}
    {%- set events, rejected = ref('fct_events'), ref('rejected_log_lines') -%}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set succeeded = [] -%}
    {%- for result in results if result.status == 'success' -%}{%- do succeeded.append(result.node.name) -%}{%- endfor -%}
    {%- if not (batch.name in succeeded and events.name in succeeded and rejected.name in succeeded) -%}
        {{ return('') }}
    {%- endif -%}
    {%- set fields = ['event_name', 'user_id', 'session_id', 'product_id', 'status_code', 'latency_ms', 'method', 'route']
        + (extra_fields() | map(attribute='name') | list) -%}
    {%- set counts -%}
        select
            count(*),
            count(distinct export_task_id),
            count(case when reason is not null then 1 end)
            {%- for field in fields %}, count(case when reason is null then {{ field }} end){% endfor %}
        from {{ batch }}
    {%- endset -%}
    {%- set row = run_query(counts).rows[0] -%}
    {%- set lines, rejected_lines = row[0] | int, row[2] | int -%}
    {%- set read = lines - rejected_lines -%}
    {%- if lines == 0 -%}
        {{ log("Nothing new to load.", info=true) }}
        {{ return('') }}
    {%- endif -%}
    {%- set credited -%}
        select count(*) as lines from {{ events }}
        where export_task_id in (select export_task_id from {{ new_exports }})
        union all
        select count(*) as lines from {{ rejected }}
        where export_task_id in (select export_task_id from {{ new_exports }})
    {%- endset -%}
    {%- set credit = query_column(credited) -%}
    {{ log(
        "Loaded " ~ "{:,}".format(lines) ~ " lines of " ~ row[1] ~ " exports, " ~ "{:,}".format(rejected_lines) ~ " of them no events, "
        ~ "{:,}".format(lines - (credit | map('int') | sum)) ~ " duplicates.", info=true
    ) }}
    {%- for field in fields -%}
        {%- set found = row[loop.index + 2] | int -%}
        {{ log(
            "  " ~ "%-14s" | format(field) ~ "%5.1f" | format(100 - 100 * found / read if read else 100) ~ " % null", info=true
        ) }}
        {%- if read and not found -%}
            {%- do exceptions.warn(
                "Warning: no event of this run has a value for " ~ field ~ ": none of its JSON paths was found. Set it under vars:"
                ~ " event_fields in dbt_project.yml, or --vars '{event_fields: {" ~ ('path' if field == 'route' else field) ~ ": [your.path]}}'."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set unclassified = query_column(
        "select lines.event_name || ' (' || cast(count(*) as varchar) || ')' from " ~ batch ~ " as lines left join " ~ catalog
        ~ " as catalog on lines.event_name = catalog.event_name where lines.reason is null and lines.event_name is not null"
        ~ " and catalog.event_name is null group by lines.event_name order by count(*) desc limit 10"
    ) -%}
    {%- if unclassified -%}
        {{ log("Not in seeds/event_catalog.csv, so counted by name only: " ~ unclassified | join(', '), info=true) }}
    {%- endif -%}
{% endmacro %}
