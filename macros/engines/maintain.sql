{% macro maintain() %}
{#- dbt run-operation maintain: run it about once a week, but never during dbt build. On Athena, it compacts the small files that
    daily runs leave in the incremental tables, and removes expired snapshots and unused files. -#}
    {{ return(adapter.dispatch('maintain')()) }}
{% endmacro %}

{% macro default__maintain() %}
    {%- set tables = [_run_lock_table()] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized in ('incremental', 'ledger') -%}
        {%- do tables.append(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) -%}
    {%- endfor -%}
    {%- for table in tables if load_relation(table) -%}
        {%- do adapter.run_operation_with_potential_multiple_runs('optimize ' ~ table ~ ' rewrite data using bin_pack', 'optimize') -%}
        {%- do adapter.run_operation_with_potential_multiple_runs('vacuum ' ~ table, 'vacuum') -%}
        {%- do log("Maintained " ~ table.identifier, info=true) -%}
    {%- endfor -%}
{% endmacro %}

{% macro duckdb__maintain() %}
    {%- do log("Nothing to do: DuckDB maintains its own file.", info=true) -%}
{% endmacro %}
