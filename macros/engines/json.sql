{#- JSON: one extraction for all paths on DuckDB (one parse of the line), one function call for each path on Athena. -#}

{% macro json_path_literal(steps) %}
{#- The steps of json_steps() as the SQL literal of a JSON path. -#}
    {{ return(adapter.dispatch('json_path_literal')(steps)) }}
{% endmacro %}

{% macro default__json_path_literal(steps) %}
    {%- set path = ['$'] -%}
    {%- for step in steps -%}{%- do path.append('[' ~ step ~ ']' if step is number else '["' ~ step ~ '"]') -%}{%- endfor -%}
    {{ return("'" ~ path | join | replace("'", "''") ~ "'") }}
{% endmacro %}

{% macro duckdb__json_path_literal(steps) %}
    {%- set path = ['$'] -%}
    {%- for step in steps -%}{%- do path.append('[' ~ step ~ ']' if step is number else '."' ~ step ~ '"') -%}{%- endfor -%}
    {{ return("'" ~ path | join | replace("'", "''") ~ "'") }}
{% endmacro %}


{% macro plan_json_values(paths) %}
{#- Gives each path of a field_plan() its value: the SQL for its text, given the select-list items of json_values(). -#}
    {{ return(adapter.dispatch('plan_json_values')(paths)) }}
{% endmacro %}

{% macro default__plan_json_values(paths) %}
{#- The extraction itself: within a coalesce it is only evaluated where the paths before it found nothing. It gives no objects and no
    arrays. -#}
    {%- for path in paths -%}
        {%- do path.update({'value': "nullif(nullif(json_extract_scalar(json_message, " ~ path.literal ~ "), ''), '-')"}) -%}
    {%- endfor -%}
{% endmacro %}

{% macro duckdb__plan_json_values(paths) %}
{#- A struct with a field for each first step. A key that paths descend into stays JSON. Names in a struct do not tell upper from lower
    case: of keys that differ in nothing else only the first is there, the others are searched for in the message, if it is an object. -#}
    {%- set types = {} -%}
    {%- set spelled = {} -%}
    {%- for path in paths -%}
        {%- set key = path.steps[0] -%}
        {%- do spelled.setdefault(key | lower, key) -%}
        {%- do types.update({key: 'JSON' if path.steps | length > 1 else types.get(key, 'VARCHAR')}) -%}
    {%- endfor -%}
    {%- for path in paths -%}
        {%- set key = path.steps[0] -%}
        {%- set field = 'json_values."' ~ key ~ '"' -%}
        {%- if spelled[key | lower] != key -%}
            {%- do path.update({
                'value': "case when json_values is not null then json_extract_string(message, " ~ path.literal ~ ") end"
            }) -%}
        {%- elif types[key] == 'JSON' -%}
            {%- do path.update({
                'type': 'JSON', 'value': "json_extract_string(" ~ field ~ ", " ~ json_path_literal(path.steps[1:]) ~ ")"
            }) -%}
        {%- else -%}
            {%- do path.update({'type': 'VARCHAR', 'value': field}) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro json_values(message, plan) %}
{#- Select-list items from which json_problem() and the plan's values are read. A message that is no JSON is no error. -#}
    {{ return(adapter.dispatch('json_values')(message, plan.paths)) }}
{% endmacro %}

{% macro default__json_values(message, paths) %}
{#- NaN and Infinity, which are no JSON but which Python writes, become null, as on DuckDB. -#}
    {{ return(
        "case when (strpos(" ~ message ~ ", 'NaN') > 0 or strpos(" ~ message ~ ", 'Infinity') > 0) and " ~ _json_items(message)
        ~ " is null then regexp_replace(" ~ message ~ ", '([:,\\[] *)-?(?:NaN|Infinity)(?= *[,}\\]])', '$1null') else " ~ message
        ~ " end as json_message"
    ) }}
{% endmacro %}

{% macro _json_items(text) %}
{#- 1 for one JSON value, null for what is none. Not json_parse, which a deeply nested line stops with a stack overflow that TRY does not
    catch; in an array, so that json_size looks at the whole text. -#}
    {{ return("json_size('[' || " ~ text ~ " || ']', '$')") }}
{% endmacro %}

{% macro duckdb__json_values(message, paths) %}
{#- One pass over the object's keys, which beats one search for each path. TRY goes row by row where there is an error: only what
    looks like an object gets there. -#}
    {%- set types = {} -%}
    {%- for path in paths if path.type -%}{%- do types.update({path.steps[0]: path.type}) -%}{%- endfor -%}
    {{ return(
        "try(json_transform(case when starts_with(" ~ message ~ ", '{') or " ~ matches(message, '^[ \t\r]*[{]') ~ " then " ~ message
        ~ " end, '" ~ tojson(types) | replace("'", "''") ~ "')) as json_values"
    ) }}
{% endmacro %}


{% macro json_problem(message) %}
{#- Null for a JSON object, else the reason why not: not_json, not_an_object. -#}
    {{ return(adapter.dispatch('json_problem')(message)) }}
{% endmacro %}

{% macro default__json_problem(message) -%}
    case
        when coalesce({{ _json_items('json_message') }}, 0) != 1 then 'not_json'
        when not {{ matches('json_message', '^[ \t\r]*[{]') }} then 'not_an_object'
    end
{%- endmacro %}

{% macro duckdb__json_problem(message) -%}
    case when json_values is null then case when json_valid({{ message }}) then 'not_an_object' else 'not_json' end end
{%- endmacro %}


{% macro checked_json_text(text, paths) %}
{#- A text that was the first value found at these paths, or, where that is an object, an array, '' or '-', the next one that is not. -#}
    {{ return(adapter.dispatch('checked_json_text')(text, paths)) }}
{% endmacro %}

{% macro default__checked_json_text(text, paths) %}{{ return(text) }}{% endmacro %}

{% macro duckdb__checked_json_text(text, paths) %}
{#- DuckDB gives objects and arrays as text too. Only a text that could be one is looked at closely. -#}
    {%- set values = [] -%}
    {%- for path in paths -%}
        {%- do values.append(
            "case when " ~ path.value ~ " not in ('', '-') and json_type(message, " ~ path.literal
            ~ ") not in ('OBJECT', 'ARRAY') then " ~ path.value ~ " end"
        ) -%}
    {%- endfor -%}
    {{ return(
        "case when left(" ~ text ~ ", 1) in ('{', '[', '-', '') then coalesce(" ~ (values + ['null']) | join(', ') ~ ") else " ~ text ~ " end"
    ) }}
{% endmacro %}
