{#- Reading the lake: external tables on Athena, the files themselves on DuckDB. -#}

{% macro lake_root() %}
{#- The folder that contains logs/ and exports/ (DuckDB only). make demo points lake/current to the folder that it built from. -#}
    {{ return(env_var('ANALYTICS_LAKE', 'lake/current').rstrip('/')) }}
{% endmacro %}


{% macro read_log_lines(relation, new_exports) %}
{#- A query for every line of the exports in new_exports, with the path of its object. The exports' days (Athena) or folders (DuckDB)
    are literals in the query, so nothing else is read. -#}
    {%- if not execute or model.resource_type == 'unit_test' -%}
        {{ return('select line, path from ' ~ relation) }}
    {%- endif -%}
    {{ return(adapter.dispatch('read_log_lines')(relation, new_exports)) }}
{% endmacro %}

{% macro default__read_log_lines(relation, new_exports) %}
{#- A new day is read in full. For a day that was exported again, only the objects of the new exports are read: Athena skips the
    others if the condition on "$path" is a range. -#}
    {%- set rows = run_query(
        "select date_format(export_date, '%Y/%m/%d'), export_task_id, is_new_day from " ~ new_exports ~ " order by 1, 2"
    ).rows if load_relation(new_exports) else [] -%}
    {%- set new_days, days_again, ranges = [], [], [] -%}
    {%- set root = adapter.get_glue_table_location(relation).rstrip('/') if rows else '' -%}
    {%- for day, task_id, is_new_day in rows -%}
        {%- if is_new_day -%}
            {%- do new_days.append(day) -%}
        {%- else -%}
            {%- set folder = [root, day, task_id] | join('/') -%}
            {%- do days_again.append(day) -%}
            {#- '0' is the character after '/'. -#}
            {%- do ranges.append(
                '"$path" >= ' ~ sql_literals([folder ~ '/']) ~ ' and "$path" < ' ~ sql_literals([folder ~ '0'])
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if ranges | length > 1000 -%}
        {#- A query's text is limited to 256 KB. For this many exports, whole days are read. -#}
        {%- set new_days, ranges = new_days + days_again, [] -%}
    {%- endif -%}
    {%- set query -%}
        select line, "$path" as path from {{ relation }}
        where event_day in ({{ sql_literals(new_days | unique | list or ['0001/01/01']) }})
        {%- if ranges %}
        union all
        select line, "$path" as path from {{ relation }}
        where event_day in ({{ sql_literals(days_again | unique | list) }}) and (({{ ranges | join(') or (') }}))
        {%- endif %}
    {%- endset -%}
    {{ return(query) }}
{% endmacro %}

{% macro duckdb__read_log_lines(relation, new_exports) %}
    {%- set folders = query_column(
        "select '" ~ lake_root() | replace("'", "''") ~ "/logs/' || strftime(export_date, '%Y/%m/%d/') || export_task_id from "
        ~ new_exports ~ " where objects > unreadable_objects"
    ) if load_relation(new_exports) else [] -%}
    {%- set reads = ["select cast(null as varchar) as line, cast(null as varchar) as path where 1 = 0"] -%}
    {%- if folders -%}
        {%- set files = "glob([" ~ sql_literals(_object_globs(folders, '*')) ~ "])" -%}
        {%- set packed = query_column(
            "select distinct regexp_extract(file, '^(.*)/[^/]+/[^/]+$', 1) from " ~ files ~ " where ends_with(file, '.gz')"
        ) -%}
        {%- set plain = query_column("select file from " ~ files ~ " where not ends_with(file, '.gz')") -%}
        {%- set present = query_column("select distinct regexp_extract(file, '^(.*)/[^/]+/[^/]+$', 1) from " ~ files) -%}
        {%- if packed -%}{%- do reads.append(_read_lines(_object_globs(packed, '*.gz'), 'gzip')) -%}{%- endif -%}
        {%- if plain -%}{%- do reads.append(_read_lines(plain | map('replace', '[', '[[]') | list, 'none')) -%}{%- endif -%}
        {%- for folder in folders if folder not in present and flags.WHICH in ('build', 'run') -%}
            {{ exceptions.raise_compiler_error(
                folder ~ ": the export record lists log objects, but the folder has none. Sync the bucket again."
            ) }}
        {%- endfor -%}
    {%- endif -%}
    {{ return(reads | join(' union all ')) }}
{% endmacro %}

{% macro _object_globs(folders, name) %}
    {%- set globs = [] -%}
    {%- for folder in folders -%}{%- do globs.append(modules.re.sub('([*?\\[])', '[\\1]', folder) ~ '/*/' ~ name) -%}{%- endfor -%}
    {{ return(globs) }}
{% endmacro %}

{% macro _read_lines(files, compression) %}
{#- One column that ends only at \n. Strict: unreadable text is an error and is never dropped. -#}
    {%- set query -%}
        select line, filename as path
        from read_csv(
            [{{ sql_literals(files) }}], compression = '{{ compression }}', columns = {'line': 'VARCHAR'},
            delim = chr(1) || chr(2) || chr(3) || chr(4), quote = '', escape = '', header = false, auto_detect = false, filename = true,
            hive_partitioning = false, max_line_size = 4194304
        )
    {%- endset -%}
    {{ return(query) }}
{% endmacro %}


{% macro refuse_to_lose_exports() %}
{#- Stops a full refresh before it empties anything, if lines that are in the tables cannot be read again. -#}
    {%- set relation = source('lake', 'log_lines') -%}
    {%- if execute and flags.FULL_REFRESH and flags.WHICH in ('build', 'run') and load_relation(this) -%}
        {{ return(adapter.dispatch('refuse_to_lose_exports')(relation)) }}
    {%- endif -%}
{% endmacro %}

{% macro default__refuse_to_lose_exports(relation) %}
{#- Athena skips objects in Glacier without an error. The query reads what the refresh would read. -#}
    {%- set query -%}
        select count(*), cast(min(loaded.export_date) as varchar), cast(max(loaded.export_date) as varchar)
        from {{ this }} as loaded
        left join (
            select distinct regexp_extract("$path", '([^/]+)/[^/]+/[^/]+$', 1) as export_task_id from {{ relation }}
        ) as readable on loaded.export_task_id = readable.export_task_id
        where loaded.lines > 0 and readable.export_task_id is null
    {%- endset -%}
    {%- set exports, first_day, last_day = run_query(query).rows[0].values() -%}
    {%- if exports | int -%}
        {{ exceptions.raise_compiler_error(
            "A full refresh would lose " ~ exports ~ " exports of " ~ first_day ~ " to " ~ last_day ~ ": they are in the tables, but their"
            ~ " raw logs are in Glacier or gone. Nothing was changed. Restore them first (docs/runbooks.md, 4)."
        ) }}
    {%- endif -%}
{% endmacro %}

{% macro duckdb__refuse_to_lose_exports(relation) %}
{#- DuckDB's reader fails if a file is missing. -#}
{% endmacro %}
