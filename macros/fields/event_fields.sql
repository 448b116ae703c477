{#- The configured fields: which JSON paths hold them, in which order (vars event_fields and default_event_fields). -#}

{% macro event_fields() %}
{#- Canonical field -> list of {path, unit}, the user's list in place of the default one. Extra fields come last. -#}
    {%- set defaults = var('default_event_fields') -%}
    {%- set chosen = var('event_fields') or {} -%}
    {%- for name in chosen if name not in defaults -%}
        {{ exceptions.raise_compiler_error(
            "vars: event_fields: there is no field '" ~ name ~ "'. Fields: " ~ defaults | join(', ')
            ~ ". For a field of your own add a column to models/events/fct_events.yml."
        ) }}
    {%- endfor -%}
    {%- set fields = {} -%}
    {%- for name, entries in dict(defaults, **chosen).items() -%}
        {%- do fields.update({name: _field_entries(name, entries)}) -%}
    {%- endfor -%}
    {%- for column in extra_fields() -%}
        {%- do fields.update({column.name: _field_entries(column.name, column.json_paths)}) -%}
    {%- endfor -%}
    {{ return(fields) }}
{% endmacro %}


{% macro extra_fields() %}
{#- Columns of fct_events.yml with config.meta.json_paths: list of {name, data_type, json_paths}. -#}
    {%- set extras = [] -%}
    {%- if execute -%}
        {%- set node = graph.nodes['model.' ~ project_name ~ '.fct_events'] -%}
        {%- for column in node.columns.values() -%}
            {%- set paths = column.config.meta.json_paths or column.meta.json_paths -%}
            {%- if paths -%}
                {%- do extras.append({'name': column.name, 'data_type': column.data_type, 'json_paths': paths}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(extras) }}
{% endmacro %}


{% macro _field_entries(name, entries) %}
    {%- if entries is string or entries is mapping -%}{%- set entries = [entries] -%}{%- endif -%}
    {%- set parsed = [] -%}
    {%- for entry in entries or [] -%}
        {%- set entry = {'path': entry} if entry is string else entry -%}
        {%- set unit = entry.get('unit', 'ms') -%}
        {%- if not entry.get('path') or unit not in ('ms', 's', 'us', 'ns') or (entry.unit and name != 'latency_ms') -%}
            {{ exceptions.raise_compiler_error(
                "vars: event_fields: " ~ name ~ ": cannot use " ~ entry
                ~ ". An entry is a JSON path, or for latency_ms {path: ..., unit: ms|s|us|ns}."
                ~ " (Epoch timestamps need no unit: it is told by their size.)"
            ) }}
        {%- endif -%}
        {%- do parsed.append({'path': entry.path | string, 'unit': unit}) -%}
    {%- endfor -%}
    {{ return(parsed) }}
{% endmacro %}


{% macro all_json_paths() %}
{#- Every path of every field once; its place in this list is its number in json_value(). -#}
    {%- set paths = [] -%}
    {%- for entries in event_fields().values() -%}
        {%- for entry in entries if entry.path not in paths -%}
            {%- do paths.append(entry.path) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(paths) }}
{% endmacro %}


{% macro json_path(path) %}
{#- user.id -> $["user"]["id"]; "a.b".c -> $["a.b"]["c"]; items[0].id -> $["items"][0]["id"], as an SQL string literal. -#}
    {%- set steps = modules.re.findall('"((?:[^"\\\\]|\\\\.)+)"|([^.\\[\\]"]+)|\\[([0-9]+)\\]', path) -%}
    {%- if not steps -%}
        {{ exceptions.raise_compiler_error("vars: event_fields: '" ~ path ~ "' is not a JSON path") }}
    {%- endif -%}
    {{ return(json_path_literal(steps)) }}
{% endmacro %}


{% macro field_text(name) %}
{#- The text of the first path of a field that holds a value: no null, object, array, '' or '-' (a log's word for none). -#}
    {%- set paths = all_json_paths() -%}
    {%- set numbers = [] -%}
    {%- for entry in event_fields()[name] -%}
        {%- do numbers.append(paths.index(entry.path) + 1) -%}
    {%- endfor -%}
    {{ return(first_json_value(numbers, paths) if numbers else 'cast(null as varchar)') }}
{% endmacro %}


{% macro latency_text() %}
{#- Like field_text for latency_ms; a bare number gets the unit of its path, unless that is ms: '0.25' -> '0.25s'. -#}
    {%- set paths = all_json_paths() -%}
    {%- set runs = [] -%}
    {%- for entry in event_fields()['latency_ms'] -%}
        {%- if not runs or runs[-1].unit != entry.unit -%}
            {%- do runs.append({'unit': entry.unit, 'numbers': []}) -%}
        {%- endif -%}
        {%- do runs[-1].numbers.append(paths.index(entry.path) + 1) -%}
    {%- endfor -%}
    {%- set texts = [] -%}
    {%- for run in runs -%}
        {%- set text = first_json_value(run.numbers, paths) -%}
        {%- if run.unit != 'ms' -%}
            {%- set text = replace_all(text, '([0-9.])$', regex_group(1) ~ run.unit) -%}
        {%- endif -%}
        {%- do texts.append(text) -%}
    {%- endfor -%}
    {{ return('coalesce(' ~ (texts + ['cast(null as varchar)', 'null']) | join(', ') ~ ')') }}
{% endmacro %}
