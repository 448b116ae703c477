{#- Query results as values for a model's SQL. No query runs while dbt parses the project. -#}

{% macro query_column(sql) %}
{#- The first column of a query as a list. -#}
    {{ return(run_query(sql).columns[0].values() | list if execute else []) }}
{% endmacro %}

{% macro sql_literals(values) %}
{#- 'a', 'it''s' -#}
    {%- set literals = [] -%}
    {%- for value in values -%}
        {%- do literals.append("'" ~ value | string | replace("'", "''") ~ "'") -%}
    {%- endfor -%}
    {{ return(literals | join(', ')) }}
{% endmacro %}
