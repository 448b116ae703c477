{#- dbt build tests the days that its load changed, so that a daily run costs the same after a year as in its first month.
    dbt test tests all days; the stack runs it once a week. -#}

{% macro tested_days(models) %}
{#- The days in which the rows of these models are tested; none for all. -#}
    {%- if flags.WHICH != 'build' or flags.FULL_REFRESH -%}{{ return(none) }}{%- endif -%}
    {%- for name in models if execute and run_state().whole.get(name) -%}{{ return(none) }}{%- endfor -%}
    {{ return(latest_days()) }}
{% endmacro %}


{% macro default__get_where_subquery(relation) %}
{#- Takes the place of dbt's macro, which gives generic tests the rows that they look at: the same, of the tested days. -#}
    {%- set conditions = [config.get('where')] | select | list -%}
    {%- for node in (graph.nodes.values() if execute else [])
        if node.alias == relation.identifier and node.config.materialized == 'incremental' -%}
        {%- do conditions.append(row_in_days('existing', node.columns, tested_days([node.name]))) -%}
    {%- endfor -%}
    {{ return('(select * from ' ~ relation ~ ' as existing where ' ~ conditions | join(' and ') ~ ') as dbt_subquery'
        if conditions else relation) }}
{% endmacro %}
