{#- dbt build tests the days that its load changed, so that a daily run costs the same after a year as in its first month.
    dbt test tests all days; the stack runs it once a week. -#}

{% macro tested_days(models) %}
{#- The days in which the rows of these models are tested; none for all. -#}
    {%- if flags.WHICH != 'build' or flags.FULL_REFRESH -%}{{ return(none) }}{%- endif -%}
    {%- for name in models if execute and name in run_state().outdated -%}{{ return(none) }}{%- endfor -%}
    {{ return(latest_days()) }}
{% endmacro %}


{% macro default__get_where_subquery(relation) %}
{#- Takes the place of dbt's macro, which gives generic tests the rows that they look at: the same, of the tested days. -#}
    {%- set conditions = [config.get('where')] | select | list -%}
    {%- for node in (graph.nodes.values() if execute else [])
        if node.alias == relation.identifier and node.config.materialized == 'incremental' -%}
        {%- do conditions.append(_in_tested_days(node)) -%}
    {%- endfor -%}
    {{ return('(select * from ' ~ relation ~ ' as existing where ' ~ conditions | join(' and ') ~ ') as dbt_subquery'
        if conditions else relation) }}
{% endmacro %}

{% macro _in_tested_days(node) %}
    {%- set days = tested_days([node.name]) -%}
    {%- if days is none -%}{{ return('1 = 1') }}
    {%- elif 'event_at' in node.columns -%}{{ return(in_days('event_at', days)) }}
    {%- elif 'line_at' in node.columns -%}{{ return(in_days('line_at', days)) }}
    {%- elif 'event_date' in node.columns -%}{{ return(in_dates('event_date', days)) }}
    {%- elif 'event_hour' in node.columns -%}{{ return(in_dates('cast(event_hour as date)', days)) }}
    {%- else -%}{{ return(touches_days('existing', days)) }}
    {%- endif -%}
{% endmacro %}
