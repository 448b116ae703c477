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
{#- Columns of fct_events.yml with config.meta.json_paths: list of {name, data_type, json_paths}. Unit tests do not see them. -#}
    {%- set nodes = graph.nodes if execute and graph.nodes else {} -%}
    {%- set extras = [] -%}
    {%- for node in nodes.values() if node.unique_id == 'model.' ~ project_name ~ '.fct_events' -%}
        {%- for column in node.columns.values() if column.config.meta.json_paths -%}
            {%- do extras.append({'name': column.name, 'data_type': column.data_type, 'json_paths': column.config.meta.json_paths}) -%}
        {%- endfor -%}
    {%- endfor -%}
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


{% macro json_steps(path) %}
{#- user.id -> ['user', 'id']; "a.b".c -> ['a.b', 'c']; items[0].id -> ['items', 0, 'id']. -#}
    {%- set steps = [] -%}
    {%- for quoted, plain, index in modules.re.findall('"([^"]+)"|([^.\\[\\]"]+)|\\[([0-9]+)\\]', path) -%}
        {%- do steps.append(index | int if index else quoted or plain) -%}
    {%- endfor -%}
    {%- if not steps or steps[0] is number -%}
        {{ exceptions.raise_compiler_error("vars: event_fields: '" ~ path ~ "' is no JSON path") }}
    {%- endif -%}
    {{ return(steps) }}
{% endmacro %}


{% macro json_path(path) %}
    {{ return(json_path_literal(json_steps(path))) }}
{% endmacro %}


{% macro field_parts() %}
{#- The parts in which a field's paths are searched, [{column, numbers, unit}]: one a field, but for latency_ms one for each run of
    paths with the same unit. -#}
    {%- set paths = all_json_paths() -%}
    {%- set parts = [] -%}
    {%- for name, entries in event_fields().items() -%}
        {%- for entry in entries -%}
            {%- if loop.first or entry.unit != parts[-1].unit -%}
                {%- do parts.append({'field': name, 'column': name ~ '_found_' ~ loop.index, 'numbers': [], 'unit': entry.unit}) -%}
            {%- endif -%}
            {%- do parts[-1].numbers.append(paths.index(entry.path) + 1) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(parts) }}
{% endmacro %}


{% macro found_values() %}
{#- Select-list items: for each part of each field the first value that is not null. field_text() reads them. -#}
    {%- set paths = all_json_paths() -%}
    {%- set items = [] -%}
    {%- for part in field_parts() -%}
        {%- set values = [] -%}
        {%- for n in part.numbers -%}{%- do values.append(json_value(n, paths)) -%}{%- endfor -%}
        {%- do items.append('coalesce(' ~ (values + ['null']) | join(', ') ~ ') as ' ~ part.column) -%}
    {%- endfor -%}
    {{ return(items | join(',\n        ')) }}
{% endmacro %}


{% macro field_text(name) %}
{#- The text of the first path of a field that holds a value: no null, object, array, '' or '-' (a log's word for none).
    A bare latency gets the unit of its path, unless that is ms: '0.25' -> '0.25s'. -#}
    {%- set paths = all_json_paths() -%}
    {%- set texts = [] -%}
    {%- for part in field_parts() if part.field == name -%}
        {%- set text = checked_json_text(part.column, part.numbers, paths) -%}
        {%- if part.unit != 'ms' -%}
            {%- set text = replace_all(text, '([0-9.])$', regex_group(1) ~ part.unit) -%}
        {%- endif -%}
        {%- do texts.append(text) -%}
    {%- endfor -%}
    {{ return('coalesce(' ~ (texts + ['cast(null as varchar)', 'null']) | join(', ') ~ ')') }}
{% endmacro %}
