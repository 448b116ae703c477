{#- The end of a run: the ledger of loaded exports, and the summary of the run. -#}

{% macro is_loaded(results) %}
{#- Whether all models with the tag "loads" were built and none of their tests failed. Marts and their tests do not matter: a failed
    mart catches up in its next run. -#}
    {%- set models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | list -%}
    {%- set loading, others = [], [] -%}
    {%- for node in models -%}{%- do (loading if 'loads' in node.tags else others).append(node.unique_id) -%}{%- endfor -%}
    {%- set succeeded = [] -%}
    {%- for result in results -%}
        {%- if result.status in ('success', 'pass', 'warn', 'no-op') -%}
            {%- do succeeded.append(result.node.unique_id) -%}
        {%- elif result.node.resource_type in ('test', 'unit_test') -%}
            {%- set tested = result.node.depends_on.nodes -%}
            {%- if tested | select('in', loading) | list and not tested | select('in', others) | list -%}{{ return(false) }}{%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(not loading | reject('in', succeeded) | list) }}
{% endmacro %}


{% macro write_ledger(results) %}
{#- on-run-end: records the exports of this run as loaded, except those with an unreadable object. -#}
    {%- if not execute or not is_loaded(results) -%}{{ return('') }}{%- endif -%}
    {%- set merge -%}
        merge into {{ table_of('loaded_exports') }} as loaded
        using {{ table_of('batch_counts') }} as exports
        on loaded.export_task_id = exports.export_task_id
        when matched and exports.unreadable_objects > 0 then delete
        when matched then update set lines = exports.lines, bytes = exports.bytes, loaded_at = {{ now_utc() }}
        -- Objects that gave no lines are gone or archived (every_export_gave_lines).
        when
            not matched
            and exports.unreadable_objects = 0
            and (exports.lines > 0 or exports.objects = 0 or exports.line_format = 'plain')
            then
            insert (export_task_id, log_group, export_date, lines, bytes, exported_at, loaded_at)
            values (
                exports.export_task_id, exports.log_group, exports.export_date, exports.lines, exports.bytes, exports.exported_at,
                {{ now_utc() }}
            )
    {%- endset -%}
    {{ return(merge) }}
{% endmacro %}


{% macro reported_fields() %}
{#- The columns of fct_events for which a run reports how often they are null. -#}
    {{ return(
        ['event_name', 'user_id', 'session_id', 'product_id', 'status_code', 'latency_ms', 'method', 'route']
        + (extra_fields() | map(attribute='name') | list)
    ) }}
{% endmacro %}


{% macro report_run(results) %}
{#- on-run-end: reports what was loaded, how often each field was null, which fields were never found, and which event names are not
    in the catalog. -#}
    {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.name') | list if execute else [] -%}
    {%- if 'batch_counts' not in built -%}{{ return('') }}{%- endif -%}
    {%- set counts, kept, catalog = table_of('batch_counts'), table_of('int_exports__daily_lines'), table_of('event_catalog') -%}
    {%- set credited = kept and kept.identifier in built -%}
    {%- set query -%}
        select
            coalesce(sum(lines), 0),
            count(case when lines > 0 then 1 end),
            coalesce(sum(rejected), 0),
            min(export_date)
            {%- for field in reported_fields() %}, coalesce(sum({{ field }}), 0){% endfor %}
            {%- if credited %},
            (
                select sum(kept.events + kept.rejected) from {{ kept }} as kept
                where kept.export_task_id in (select exports.export_task_id from {{ counts }} as exports)
            )
            {%- endif %}
        from {{ counts }}
    {%- endset -%}
    {%- set row = run_query(query).rows[0] -%}
    {%- set read, rejected = row[0] | int, row[2] | int -%}
    {%- if read == 0 -%}
        {{ log("Nothing new to load.", info=true) }}
        {{ return('') }}
    {%- endif -%}
    {%- set duplicates = ", {:,} duplicates".format(read - (row[-1] or 0) | int) if credited else '' -%}
    {{ log("Loaded {:,} lines from {} exports, {:,} of them not events{}.".format(read, row[1], rejected, duplicates), info=true) }}
    {%- set reading = run_state().versions.get('batch_lines') -%}
    {%- if reading and reading.definition != reading_definition() and not flags.FULL_REFRESH -%}
        {{ log(
            "What is read from log lines has changed (fields, bots or limits). This applies to exports of "
            ~ row[3] ~ " and later. To read older lines again, run dbt build --full-refresh.", info=true
        ) }}
    {%- endif -%}
    {%- for field in reported_fields() -%}
        {%- set found, events = row[loop.index + 3] | int, read - rejected -%}
        {{ log("  %-14s%5.1f %% null" | format(field, 100 - 100 * found / events if events else 100), info=true) }}
        {%- if events and not found -%}
            {%- do exceptions.warn(
                "Warning: no event of this run has a value for " ~ field ~ ": none of its JSON paths was found. Set its path under vars:"
                ~ " event_fields in dbt_project.yml, or pass --vars '{event_fields: {" ~ ('path' if field == 'route' else field) ~ ": [your.path]}}'."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if catalog -%}
        {%- set unclassified = query_column(
            "select lines.event_name || ' (' || cast(count(*) as varchar) || ')' from " ~ table_of('batch_lines') ~ " as lines left join " ~ catalog
            ~ " as catalog on lines.event_name = catalog.event_name where lines.reason is null and lines.event_name is not null"
            ~ " and catalog.event_name is null group by lines.event_name order by count(*) desc limit 10"
        ) -%}
        {%- if unclassified -%}
            {{ log("Not in seeds/event_catalog.csv, so counted by name only: " ~ unclassified | join(', '), info=true) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
