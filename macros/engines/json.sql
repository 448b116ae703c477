{#- JSON: DuckDB parses a line once for all paths; Athena calls one function for each path. -#}

{% macro json_path_literal(steps) %}
{#- The steps of json_steps() as the SQL literal of a JSON path. -#}
    {{ return(adapter.dispatch('json_path_literal')(steps)) }}
{% endmacro %}

{% macro default__json_path_literal(steps) %}
    {%- set path = ['$'] -%}
    {%- for step in steps -%}{%- do path.append('[' ~ step ~ ']' if step is number else '["' ~ step ~ '"]') -%}{%- endfor -%}
    {{ return(sql_literals([path | join])) }}
{% endmacro %}

{% macro duckdb__json_path_literal(steps) %}
    {%- set path = ['$'] -%}
    {%- for step in steps -%}{%- do path.append('[' ~ step ~ ']' if step is number else '."' ~ step ~ '"') -%}{%- endfor -%}
    {{ return(sql_literals([path | join])) }}
{% endmacro %}


{% macro json_path_value(steps, all_steps) %}
{#- The SQL for the text at a path, given the select-list items of json_values(), which reads all_steps. -#}
    {{ return(adapter.dispatch('json_path_value')(steps, all_steps)) }}
{% endmacro %}

{% macro default__json_path_value(steps, all_steps) %}
{#- Extracts directly: within a coalesce, this is evaluated only if the paths before it found nothing. It returns no objects or
    arrays, and numbers as they are written in the log. -#}
    {{ return("nullif(nullif(json_extract_scalar(json_message, " ~ json_path_literal(steps) ~ "), ''), '-')") }}
{% endmacro %}

{% macro duckdb__json_path_value(steps, all_steps) %}
    {%- set field = 'json_values."' ~ steps[0] ~ '"' -%}
    {%- set type = _json_types(all_steps).get(steps[0]) -%}
    {%- if type == 'VARCHAR' -%}
        {{ return(field) }}
    {%- elif type == 'JSON' -%}
        {{ return("json_extract_string(" ~ field ~ ", " ~ json_path_literal(steps[1:]) ~ ")") }}
    {%- endif -%}
    {{ return("case when json_values is not null then json_extract_string(message, " ~ json_path_literal(steps) ~ ") end") }}
{% endmacro %}

{% macro _json_types(all_steps) %}
{#- The fields of json_values on DuckDB: one for each first step. A key that paths descend into stays JSON. Struct field names are
    case-insensitive: if keys differ only in case, the first is a field and the others are searched for in the message. -#}
    {%- set types, spellings = {}, {} -%}
    {%- for steps in all_steps if spellings.setdefault(steps[0] | lower, steps[0]) == steps[0] -%}
        {%- do types.update({steps[0]: 'JSON' if steps | length > 1 else types.get(steps[0], 'VARCHAR')}) -%}
    {%- endfor -%}
    {{ return(types) }}
{% endmacro %}


{% macro json_text(message, key) %}
{#- The text at a key of a message; null for anything else, also for what is not JSON. -#}
    {{ return(adapter.dispatch('json_text')(message, key)) }}
{% endmacro %}

{% macro default__json_text(message, key) %}{{ return("json_extract_scalar(" ~ message ~ ", '$[\"" ~ key ~ "\"]')") }}{% endmacro %}

{% macro duckdb__json_text(message, key) %}{{ return("try(json_extract_string(" ~ message ~ ", '$.\"" ~ key ~ "\"'))") }}{% endmacro %}


{% macro json_values(message, plan) %}
{#- Select-list items that json_problem() and the plan's values read. A message that is not JSON causes no error. -#}
    {{ return(adapter.dispatch('json_values')(message, plan.paths | map(attribute='steps') | list)) }}
{% endmacro %}

{% macro default__json_values(message, all_steps) %}
{#- NaN and Infinity are not JSON, but Python writes them. They become null, as on DuckDB, except within strings. -#}
    {{ return(
        "case when " ~ matches(message, '(?:^|[:,\\[])[ \t]*-?(?i:nan|inf)') ~ " and " ~ _json_items(message) ~ " is null then regexp_replace("
        ~ message ~ ", '(\"(?:[^\"\\\\]|\\\\.)*+\")|-?(?i:nan|inf(?:inity)?)', found -> coalesce(found[1], 'null')) else " ~ message
        ~ " end as json_message"
    ) }}
{% endmacro %}

{% macro _json_items(text) %}
{#- 1 for one JSON value, null for anything else. Not json_parse: a deeply nested line makes it fail with a stack overflow that TRY
    does not catch. The array makes json_size read the whole text. -#}
    {{ return("json_size('[' || " ~ text ~ " || ']', '$')") }}
{% endmacro %}

{% macro duckdb__json_values(message, all_steps) %}
{#- One pass over the object's keys is faster than one search for each path. TRY goes row by row after an error, so only text that
    looks like an object gets there. -#}
    {{ return(
        "try(json_transform(case when (starts_with(" ~ message ~ ", '{') or " ~ matches(message, '^[ \t\r]*[{]') ~ ") and not "
        ~ _trailing_comma(message) ~ " then " ~ message ~ " end, " ~ sql_literals([tojson(_json_types(all_steps))]) ~ ")) as json_values"
    ) }}
{% endmacro %}

{% macro _trailing_comma(message) -%}
{#- Whether a comma precedes a closing bracket outside of strings, which DuckDB would accept. The quick checks come first: the end of
    an object without nested values, then a comma and a bracket anywhere. (DuckDB evaluates both sides of AND, but only the branches
    of CASE that it reaches.) -#}
    case
        when strpos({{ message }}, '}') = strlen({{ message }}) and not contains({{ message }}, ']')
            then {{ matches(message, ',[ \t\r]*}$') }}
        when {{ matches(message, ',[ \t\r]*[}\\]]') }}
            then {{ matches(message, '^(?:[^"]|"(?:[^"\\\\]|\\\\.)*")*,[ \t\r]*[}\\]]') }}
        else false
    end
{%- endmacro %}


{% macro json_problem(message) %}
{#- Null for a JSON object, else the problem: not_json or not_an_object. -#}
    {{ return(adapter.dispatch('json_problem')(message)) }}
{% endmacro %}

{% macro default__json_problem(message) -%}
    {#- Half of a surrogate pair is not a character. Surrogates that remain without the whole pairs are such halves. (An escaped
        backslash does not begin an escape.) -#}
    {%- set surrogate = '\\\\u[dD][89a-fA-F]' -%}
    {%- set others = '\\\\\\\\|\\\\u[dD][89abAB][0-9a-fA-F]{2}\\\\u[dD][c-fC-F][0-9a-fA-F]{2}' -%}
    case
        when coalesce({{ _json_items('json_message') }}, 0) != 1 then 'not_json'
        when {{ matches('json_message', surrogate) }} and {{ matches(replace_all('json_message', others, ' '), surrogate) }}
            then 'not_json'
        when not {{ matches('json_message', '^[ \t\r]*[{]') }} then 'not_an_object'
    end
{%- endmacro %}

{% macro duckdb__json_problem(message) -%}
    case
        when json_values is not null then null
        when json_valid({{ message }}) and not {{ _trailing_comma(message) }} then 'not_an_object'
        else 'not_json'
    end
{%- endmacro %}


{% macro checked_json_text(text, paths, is_double) %}
{#- The text, which is the first value found at these paths. If it is an object, an array, NaN, Infinity, '' or '-', the next value
    that is not. A number stays as it is written in the log (1.50, -1E+2), unless it is only read as a double. -#}
    {{ return(adapter.dispatch('checked_json_text')(text, paths, is_double)) }}
{% endmacro %}

{% macro default__checked_json_text(text, paths, is_double) %}{{ return(text) }}{% endmacro %}

{% macro duckdb__checked_json_text(text, paths, is_double) %}
{#- DuckDB returns objects and arrays as text too, and fractions as doubles. Only a text that could be one of these is looked up
    again, in the message with its numbers quoted. A quote after a word character ends a string; before a colon, that string is a
    key. -#}
    {%- set first_characters = '{[-nNiI' ~ ('' if is_double else '0123456789') -%}
    {%- set doubtful = '^(?:[{\\[]|-?$|-?(?i:nan|inf)' ~ ('' if is_double else '|0$|-?[0-9]+[.e]') ~ ')' -%}
    {%- set quoted = replace_all('message', '(\\w"[ \t]*:[ \t]*)(-?[0-9][-+.0-9eE]*)', '\\1"\\2"') -%}
    case
        when not contains('{{ first_characters }}', left({{ text }}, 1)) then {{ text }}
        when {{ matches(text, doubtful) }}
            then json_extract_string(list_filter(
                json_extract({{ quoted }}, [{{ paths | map(attribute='literal') | join(', ') }}]),
                lambda value: {{ matches('value', '^(?:["tf]|-?[0-9])') }} and value not in ('""', '"-"')
            )[1], '$')
        else {{ text }}
    end
{%- endmacro %}
