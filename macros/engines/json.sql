{#- JSON: one extraction for all paths on DuckDB (one parse of the line), one function call for each path on Athena. -#}

{% macro json_path_literal(steps) %}{{ return(adapter.dispatch('json_path_literal')(steps)) }}{% endmacro %}

{% macro default__json_path_literal(steps) %}
    {%- set out = [] -%}
    {%- for quoted, plain, index in steps -%}
        {%- do out.append('[' ~ index ~ ']' if index else '["' ~ (quoted or plain) ~ '"]') -%}
    {%- endfor -%}
    {{ return("'$" ~ out | join | replace("'", "''") ~ "'") }}
{% endmacro %}

{% macro duckdb__json_path_literal(steps) %}
    {%- set out = [] -%}
    {%- for quoted, plain, index in steps -%}
        {%- do out.append('[' ~ index ~ ']' if index else '."' ~ (quoted or plain) ~ '"') -%}
    {%- endfor -%}
    {{ return("'$" ~ out | join | replace("'", "''") ~ "'") }}
{% endmacro %}


{% macro json_values(message, paths) %}
{#- Select-list items that json_value() and json_problem() read. No error on a message that is no JSON. -#}
    {{ return(adapter.dispatch('json_values')(message, paths)) }}
{% endmacro %}

{% macro default__json_values(message, paths) %}
    {%- set columns = ["json_format(try(json_parse(" ~ message ~ "))) as json_text"] -%}
    {%- for path in paths -%}
        {%- do columns.append(
            "json_extract_scalar(" ~ message ~ ", " ~ json_path(path) ~ ") as json_value_" ~ loop.index
        ) -%}
    {%- endfor -%}
    {{ return(columns | join(',\n        ')) }}
{% endmacro %}

{% macro duckdb__json_values(message, paths) %}
    {%- set literals = [] -%}
    {%- for path in paths -%}{%- do literals.append(json_path(path)) -%}{%- endfor -%}
    {{ return(
        "try(json_extract_string(" ~ message ~ ", [" ~ literals | join(', ') ~ "])) as json_values"
    ) }}
{% endmacro %}


{% macro json_problem(message) %}
{#- Null for a JSON object, else the reason why not: not_json, not_an_object. -#}
    {{ return(adapter.dispatch('json_problem')(message)) }}
{% endmacro %}

{% macro default__json_problem(message) -%}
    case when json_text is null then 'not_json' when substr(json_text, 1, 1) != '{' then 'not_an_object' end
{%- endmacro %}

{% macro duckdb__json_problem(message) -%}
    case when json_values is null then 'not_json' when left(ltrim({{ message }}, chr(32) || chr(9) || chr(13)), 1) != '{' then 'not_an_object' end
{%- endmacro %}


{% macro first_json_value(numbers, paths) %}{{ return(adapter.dispatch('first_json_value')(numbers, paths)) }}{% endmacro %}

{% macro default__first_json_value(numbers, paths) %}
    {%- set values = [] -%}
    {%- for n in numbers -%}
        {%- do values.append("nullif(nullif(json_value_" ~ n ~ ", ''), '-')") -%}
    {%- endfor -%}
    {{ return('coalesce(' ~ (values + ['null']) | join(', ') ~ ')') }}
{% endmacro %}

{% macro duckdb__first_json_value(numbers, paths) %}
{#- DuckDB gives objects and arrays as text too. Only where the first value found could be one is each looked at closely. -#}
    {%- set values = [] -%}
    {%- set checked = [] -%}
    {%- for n in numbers -%}
        {%- do values.append("json_values[" ~ n ~ "]") -%}
        {%- do checked.append(
            "case when json_values[" ~ n ~ "] not in ('', '-') and json_type(message, " ~ json_path(paths[n - 1])
            ~ ") not in ('OBJECT', 'ARRAY') then json_values[" ~ n ~ "] end"
        ) -%}
    {%- endfor -%}
    {%- set found = 'coalesce(' ~ (values + ['null']) | join(', ') ~ ')' -%}
    {{ return(
        "case when left(" ~ found ~ ", 1) in ('{', '[', '-', '') then coalesce(" ~ (checked + ['null']) | join(', ')
        ~ ") else " ~ found ~ " end"
    ) }}
{% endmacro %}
