{#- dbt build tests the days that its load changed, so that a daily run costs the same after a year as in its first month.
    dbt test tests all days; the stack runs it once a week. -#}

{% macro tested_days(models) %}
{#- The days for which the rows of these models are tested; none means all days. A mart that missed loads is also tested for their
    days. -#}
    {%- if not execute or flags.WHICH != 'build' or not selected_resources -%}{{ return(none) }}{%- endif -%}
    {%- set loads = [_latest_load() - 1] -%}
    {%- for node in graph.nodes.values() if node.name in models and is_versioned(node) -%}
        {%- set version = run_state().versions.get(node.name) -%}
        {%- if not version or run_state().whole.get(node.name) -%}{{ return(none) }}{%- endif -%}
        {%- do loads.append(version.load_number) -%}
    {%- endfor -%}
    {{ return(none if flags.FULL_REFRESH else days_changed_since(loads | min)) }}
{% endmacro %}


{% macro default__get_where_subquery(relation) %}
{#- Overrides dbt's macro for the rows that a generic test reads: only those of the tested days. -#}
    {%- set conditions = ['(' ~ config.get('where') ~ ')'] if config.get('where') else [] -%}
    {%- for node in (graph.nodes.values() if execute else [])
        if node.alias == relation.identifier and node.config.materialized == 'incremental' -%}
        {%- do conditions.append(row_in_days('existing', node.columns, tested_days([node.name]))) -%}
    {%- endfor -%}
    {{ return('(select * from ' ~ relation ~ ' as existing where ' ~ conditions | join(' and ') ~ ') as dbt_subquery'
        if conditions else relation) }}
{% endmacro %}
