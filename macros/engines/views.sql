{#- DuckDB stores a view's text without the name of its database. Where database and schema have the same name, as in analytics.duckdb,
    what is left is ambiguous, so views name tables of their own schema without either. -#}

{% macro own_schema(relation) %}{{ return(adapter.dispatch('own_schema')(relation)) }}{% endmacro %}

{% macro default__own_schema(relation) %}{{ return(relation) }}{% endmacro %}

{% macro duckdb__own_schema(relation) %}
    {{ return(relation if model.resource_type == 'unit_test' else relation.include(database=false, schema=false)) }}
{% endmacro %}


{% macro use_own_schema() %}
{#- Pre-hook of such views. -#}
    {{ return(adapter.dispatch('use_own_schema')()) }}
{% endmacro %}

{% macro default__use_own_schema() %}{{ return('') }}{% endmacro %}

{% macro duckdb__use_own_schema() %}{{ return('use ' ~ this.include(identifier=false)) }}{% endmacro %}
