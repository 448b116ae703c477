{% macro athena__get_assert_columns_equivalent(sql) %}
{#- Takes the place of dbt's macro, which asks two queries to compare a model's columns with its contract. Athena bills each query, so a
    model whose definition is still that of its table, which was compared, is not compared again. -#}
    {%- if 'loads' in model.tags or definition(model) != (run_state().versions.get(model.name) or {}).definition -%}
        {{ return(assert_columns_equivalent(sql)) }}
    {%- endif -%}
{% endmacro %}
