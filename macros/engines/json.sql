{#- JSON: one extraction for all paths on DuckDB (one parse of the line), one function call for each path on Athena. -#}

{% macro json_path_literal(steps) %}
{#- Steps of json_steps() as the SQL literal of a JSON path. -#}
    {{ return(adapter.dispatch('json_path_literal')(steps)) }}
{% endmacro %}

{% macro default__json_path_literal(steps) %}
    {%- set path = ['$'] -%}
    {%- for step in steps -%}{%- do path.append('[' ~ (step if step is number else tojson(step)) ~ ']') -%}{%- endfor -%}
    {{ return("'" ~ path | join | replace("'", "''") ~ "'") }}
{% endmacro %}

{% macro duckdb__json_path_literal(steps) %}
    {%- set path = ['$'] -%}
    {%- for step in steps -%}{%- do path.append('[' ~ step ~ ']' if step is number else '.' ~ tojson(step)) -%}{%- endfor -%}
    {{ return("'" ~ path | join | replace("'", "''") ~ "'") }}
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
    {#- One pass over the object's keys, which beats one search for each path. A key that paths descend into stays JSON. -#}
    {%- set types = {} -%}
    {%- for path in paths if duckdb_is_in_struct(path, paths) -%}
        {%- set steps = json_steps(path) -%}
        {%- do types.update({steps[0]: 'JSON' if steps | length > 1 else types.get(steps[0], 'VARCHAR')}) -%}
    {%- endfor -%}
    {#- TRY goes row by row where there is an error: only what looks like an object gets there. -#}
    {{ return(
        "try(json_transform(case when " ~ looks_like_object(message) ~ " then " ~ message ~ " end, '"
        ~ tojson(types) | replace("'", "''") ~ "')) as json_values"
    ) }}
{% endmacro %}

{% macro looks_like_object(message) -%}
    (starts_with({{ message }}, '{') or regexp_matches({{ message }}, '^[ \t\r]*[{]'))
{%- endmacro %}

{% macro duckdb_is_in_struct(path, paths) %}
{#- Names in a struct do not tell upper from lower case: of keys that differ in nothing else, only the first is there. -#}
    {%- set key = json_steps(path)[0] -%}
    {%- set same = [] -%}
    {%- for other in paths if json_steps(other)[0] | lower == key | lower -%}{%- do same.append(json_steps(other)[0]) -%}{%- endfor -%}
    {{ return(same[0] == key) }}
{% endmacro %}


{% macro json_value(n, paths) %}
{#- The text of the nth path as json_values() found it. -#}
    {{ return(adapter.dispatch('json_value')(n, paths)) }}
{% endmacro %}

{% macro default__json_value(n, paths) %}{{ return('json_value_' ~ n) }}{% endmacro %}

{% macro duckdb__json_value(n, paths) %}
    {%- set path = paths[n - 1] -%}
    {%- set steps = json_steps(path) -%}
    {%- if not duckdb_is_in_struct(path, paths) -%}{{ return("json_extract_string(message, " ~ json_path(path) ~ ")") }}{%- endif -%}
    {%- set key = 'json_values."' ~ steps[0] | replace('"', '""') ~ '"' -%}
    {%- set is_json = [] -%}
    {%- for other in paths if json_steps(other)[0] == steps[0] and json_steps(other) | length > 1 -%}{%- do is_json.append(1) -%}{%- endfor -%}
    {%- if not is_json -%}{{ return(key) }}{%- endif -%}
    {{ return("json_extract_string(" ~ key ~ ", " ~ json_path_literal(steps[1:]) ~ ")") }}
{% endmacro %}


{% macro json_problem(message) %}
{#- Null for a JSON object, else the reason why not: not_json, not_an_object. -#}
    {{ return(adapter.dispatch('json_problem')(message)) }}
{% endmacro %}

{% macro default__json_problem(message) -%}
    case when json_text is null then 'not_json' when substr(json_text, 1, 1) != '{' then 'not_an_object' end
{%- endmacro %}

{% macro duckdb__json_problem(message) -%}
    case when json_values is null then case when json_valid({{ message }}) then 'not_an_object' else 'not_json' end end
{%- endmacro %}


{% macro checked_json_text(text, numbers, paths) %}
{#- A text that was the first value found at these paths, or, where that is an object, an array, '' or '-', the next one that is not. -#}
    {{ return(adapter.dispatch('checked_json_text')(text, numbers, paths)) }}
{% endmacro %}

{% macro default__checked_json_text(text, numbers, paths) %}
    {%- set values = [] -%}
    {%- for n in numbers -%}{%- do values.append("nullif(nullif(" ~ json_value(n, paths) ~ ", ''), '-')") -%}{%- endfor -%}
    {{ return('coalesce(' ~ (values + ['null']) | join(', ') ~ ')') }}
{% endmacro %}

{% macro duckdb__checked_json_text(text, numbers, paths) %}
{#- DuckDB gives objects and arrays as text too. Only a text that could be one is looked at closely. -#}
    {%- set values = [] -%}
    {%- for n in numbers -%}
        {%- set value = json_value(n, paths) -%}
        {%- do values.append(
            "case when " ~ value ~ " not in ('', '-') and json_type(message, " ~ json_path(paths[n - 1])
            ~ ") not in ('OBJECT', 'ARRAY') then " ~ value ~ " end"
        ) -%}
    {%- endfor -%}
    {{ return(
        "case when left(" ~ text ~ ", 1) in ('{', '[', '-', '') then coalesce(" ~ (values + ['null']) | join(', ') ~ ") else " ~ text ~ " end"
    ) }}
{% endmacro %}
