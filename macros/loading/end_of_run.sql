{#- The end of a run: the ledger of loaded exports. -#}

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
