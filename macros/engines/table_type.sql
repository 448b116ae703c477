{% macro resolve_table_type() %}
{#- Takes the place of dbt-athena's macro, which makes the tables of unit tests as Hive tables: those know milliseconds only. -#}
    {{ return('iceberg' if model.resource_type == 'unit_test' else config.get('table_type', 'hive')) }}
{% endmacro %}
