{#- Reading the lake: external tables on Athena, the files themselves on DuckDB. -#}

{% macro lake_root() %}
{#- The folder that holds logs/ and exports/ (DuckDB only). -#}
    {{ return(env_var('ANALYTICS_LAKE', 'lake/sample').rstrip('/')) }}
{% endmacro %}


{% macro read_log_lines(relation, new_exports) %}
{#- A query for line and path (the object's) of every line of the exports in new_exports, read from nowhere else:
    their days (Athena) or folders (DuckDB) stand in it as literals. -#}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return('select line, path from ' ~ relation) }}
    {%- endif -%}
    {{ return(adapter.dispatch('read_log_lines')(relation, new_exports)) }}
{% endmacro %}

{% macro default__read_log_lines(relation, new_exports) %}
    {%- set days = query_column("select distinct date_format(export_date, '%Y/%m/%d') from " ~ new_exports) -%}
    {%- set query -%}
        select line, "$path" as path from {{ relation }}
        where event_day in ({{ sql_literals(days or ['0001/01/01']) }})
    {%- endset -%}
    {{ return(query) }}
{% endmacro %}

{% macro duckdb__read_log_lines(relation, new_exports) %}
    {%- set folder = "'" ~ lake_root() | replace("'", "''") ~ "/logs/' || strftime(export_date, '%Y/%m/%d/') || export_task_id" -%}
    {%- set folders = query_column("select " ~ folder ~ " from " ~ new_exports ~ " where objects > unreadable_objects") -%}
    {%- if not folders -%}{{ return("select cast(null as varchar) as line, cast(null as varchar) as path where 1 = 0") }}{%- endif -%}
    {%- set globs = [] -%}
    {%- for folder in folders -%}{%- do globs.append(_glob_escape(folder) ~ '/*/*') -%}{%- endfor -%}
    {#- One column that ends at \n only; strict, so that what cannot be read as it stands is an error and never lost. -#}
    {%- set query -%}
        select line, filename as path
        from read_csv(
            [{{ sql_literals(globs) }}], columns = struct_pack(line := 'VARCHAR'),
            delim = chr(1), quote = '', escape = '', header = false, auto_detect = false, filename = true,
            max_line_size = 33554432
        )
    {%- endset -%}
    {{ return(query) }}
{% endmacro %}

{% macro _glob_escape(path) %}
    {{ return(modules.re.sub('([*?\\[])', '[\\1]', path)) }}
{% endmacro %}
