{% macro resolve_table_type() %}
{#- Overrides dbt-athena's macro, which creates the tables of unit tests as Hive tables. Hive stores only milliseconds. -#}
    {{ return('iceberg' if model.resource_type == 'unit_test' else config.get('table_type', 'hive')) }}
{% endmacro %}


{% macro by_day(partition) %}
{#- Athena: the partition of a large table, so that a query or merge reads only its days. DuckDB tables have no partitions. -#}
    {{ return(adapter.dispatch('by_day')(partition)) }}
{% endmacro %}

{% macro default__by_day(partition) %}{{ return([partition]) }}{% endmacro %}

{% macro duckdb__by_day(partition) %}{{ return(none) }}{% endmacro %}
