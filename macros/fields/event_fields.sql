{#- Where log lines have each field: vars event_fields, log_groups, loggers and default_event_fields. -#}

{% macro event_fields() %}
{#- Field -> its variants, each {log_groups, entries}. The first is for all log groups that no other variant names. An entry is
    {path, unit}. A list replaces the default list. Extra fields come last. -#}
    {%- set common = dict(var('default_event_fields'), **_chosen_fields('event_fields', var('event_fields') or {})) -%}
    {%- set groups = {} -%}
    {%- for log_group, setting in (var('log_groups') or {}).items() -%}
        {%- do groups.update({log_group: dict(common, **_chosen_fields('log_groups: ' ~ log_group, setting))}) -%}
    {%- endfor -%}
    {%- set fields = {} -%}
    {%- for name, entries in common.items() -%}
        {%- set variants = [{'log_groups': [], 'entries': _field_entries('event_fields', name, entries)}] -%}
        {%- for log_group, lists in groups.items() -%}
            {%- set own = _field_entries('log_groups: ' ~ log_group, name, lists[name]) -%}
            {%- set same = variants | selectattr('entries', 'equalto', own) | first -%}
            {%- if not same -%}
                {%- do variants.append({'log_groups': [log_group], 'entries': own}) -%}
            {%- elif same.log_groups -%}
                {%- do same.log_groups.append(log_group) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do fields.update({name: variants}) -%}
    {%- endfor -%}
    {%- for column in extra_fields() -%}
        {%- set entries = _field_entries('fct_events.yml', column.name, column.json_paths) -%}
        {%- do fields.update({column.name: [{'log_groups': [], 'entries': entries}]}) -%}
    {%- endfor -%}
    {{ return(fields) }}
{% endmacro %}


{% macro _chosen_fields(where, setting) %}
{#- Field -> paths as one setting has them: a logger's name, or fields and perhaps a logger for those that it does not name. -#}
    {%- set own = {'logger': setting} if setting is string else setting -%}
    {%- if own is not mapping -%}
        {{ exceptions.raise_compiler_error(
            "vars: " ~ where ~ ": cannot use " ~ setting ~ ". Write the name of a logger, or {field: path, ...}."
        ) }}
    {%- endif -%}
    {%- set loggers = var('loggers') -%}
    {%- if own.logger and own.logger not in loggers -%}
        {{ exceptions.raise_compiler_error(
            "vars: " ~ where ~ ": there is no logger '" ~ own.logger ~ "'. Loggers: " ~ loggers | join(', ') ~ "."
        ) }}
    {%- endif -%}
    {%- set chosen = dict(loggers[own.logger] if own.logger else {}, **own) -%}
    {%- do chosen.pop('logger', none) -%}
    {%- for name in chosen if name not in var('default_event_fields') -%}
        {{ exceptions.raise_compiler_error(
            "vars: " ~ where ~ ": there is no field '" ~ name ~ "'. Fields: " ~ var('default_event_fields') | join(', ')
            ~ ". For a field of your own, add a column to models/events/fct_events.yml."
        ) }}
    {%- endfor -%}
    {{ return(chosen) }}
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


{% macro _field_entries(where, name, entries) %}
{#- A list of {path, unit}. `where` says where the entries stand. -#}
    {%- if entries is string or entries is mapping -%}{%- set entries = [entries] -%}{%- endif -%}
    {%- set parsed = [] -%}
    {%- for entry in entries or [] -%}
        {%- set entry = entry if entry is mapping else {'path': entry} -%}
        {%- set unit = entry.get('unit', 'ms') -%}
        {%- set is_path = entry.get('path') and entry.path is string and not entry | reject('in', ['path', 'unit']) | list -%}
        {%- if not is_path or unit not in ('ms', 's', 'us', 'ns') or (entry.unit and name != 'latency_ms') -%}
            {{ exceptions.raise_compiler_error(
                "vars: " ~ where ~ ": " ~ name ~ ": cannot use " ~ entry
                ~ ". An entry is a JSON path, or for latency_ms {path: ..., unit: ms|s|us|ns}."
                ~ " (Epoch timestamps need no unit: their size shows it.)"
            ) }}
        {%- endif -%}
        {%- do parsed.append({'path': entry.path, 'unit': unit}) -%}
    {%- endfor -%}
    {{ return(parsed) }}
{% endmacro %}


{% macro field_plan() %}
{#- How a message is searched: {paths, parts}.
    paths: each JSON path once, as {steps, literal, value}; value is the SQL for its text after json_values() has run.
    parts: paths that are searched together, as {field, column, paths, unit, condition}. Each variant of a field has one part, or for
    latency_ms one for each run of paths with the same unit. Only lines that meet the condition, if there is one, are searched. -#}
    {%- set steps = {} -%}
    {%- for variants in event_fields().values() -%}
        {%- for entry in variants | map(attribute='entries') | sum(start=[]) -%}
            {%- do steps.setdefault(entry.path, json_steps(entry.path)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set all_steps = steps.values() | list -%}
    {%- set paths = {} -%}
    {%- for path, own_steps in steps.items() -%}
        {%- do paths.update({path: {
            'steps': own_steps, 'literal': json_path_literal(own_steps), 'value': json_path_value(own_steps, all_steps)
        }}) -%}
    {%- endfor -%}
    {%- set parts = [] -%}
    {%- for name, variants in event_fields().items() -%}
        {%- set field_parts = [] -%}
        {%- for variant in variants -%}
            {%- set others = variants[1:] | map(attribute='log_groups') | sum(start=[]) -%}
            {%- set condition = none -%}
            {%- if others -%}
                {%- set condition = 'log_group in (' ~ sql_literals(variant.log_groups) ~ ')' if variant.log_groups
                    else 'log_group not in (' ~ sql_literals(others) ~ ')' -%}
            {%- endif -%}
            {%- for entry in variant.entries -%}
                {%- if loop.first or entry.unit != field_parts[-1].unit -%}
                    {%- do field_parts.append({
                        'field': name, 'column': name ~ '_found_' ~ (field_parts | length + 1), 'paths': [], 'unit': entry.unit,
                        'condition': condition
                    }) -%}
                {%- endif -%}
                {%- do field_parts[-1].paths.append(paths[entry.path]) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- do parts.extend(field_parts) -%}
    {%- endfor -%}
    {{ return({'paths': paths.values() | list, 'parts': parts}) }}
{% endmacro %}


{% macro json_steps(path) %}
{#- user.id -> ['user', 'id']; "a.b".c -> ['a.b', 'c']; items[0].id -> ['items', 0, 'id']. -#}
    {%- set steps = [] -%}
    {%- for quoted, plain, index in modules.re.findall('"([^"]+)"|([^.\\[\\]"]+)|\\[([0-9]+)\\]', path) -%}
        {%- do steps.append(index | int if index else quoted or plain) -%}
    {%- endfor -%}
    {%- if not steps or steps[0] is number -%}
        {{ exceptions.raise_compiler_error("vars: event_fields: '" ~ path ~ "' is not a JSON path") }}
    {%- endif -%}
    {{ return(steps) }}
{% endmacro %}


{% macro found_values(plan) %}
{#- Select-list items: the first non-null value of each part. field_texts() reads them. -#}
    {%- set items = [] -%}
    {%- for part in plan.parts -%}
        {%- set value = 'coalesce(' ~ (part.paths | map(attribute='value') | list + ['null']) | join(', ') ~ ')' -%}
        {%- if part.condition -%}{%- set value = 'case when ' ~ part.condition ~ ' then ' ~ value ~ ' end' -%}{%- endif -%}
        {%- do items.append(value ~ ' as ' ~ part.column) -%}
    {%- endfor -%}
    {{ return(items | join(',\n        ')) }}
{% endmacro %}


{% macro field_texts(plan) %}
{#- Select-list items <field>_text: the text of the first path with a value. Null, objects, arrays, '' and '-' (which logs write for
    none) are not values. A bare latency gets the unit of its path, unless that is ms: '0.25' -> '0.25s', but 00:00:01. -#}
    {%- set doubles = ['status_code', 'latency_ms'] -%}
    {%- for field in extra_fields() if field.data_type == 'double' -%}{%- do doubles.append(field.name) -%}{%- endfor -%}
    {%- set texts = {} -%}
    {%- for part in plan.parts -%}
        {%- set text = checked_json_text(part.column, part.paths, part.field in doubles) -%}
        {%- if part.unit != 'ms' -%}
            {%- set text = replace_all(text, '^([^:]*[0-9.])$', regex_group(1) ~ part.unit) -%}
        {%- endif -%}
        {%- do texts.setdefault(part.field, []).append(text) -%}
    {%- endfor -%}
    {%- set items = [] -%}
    {%- for name in event_fields() -%}
        {%- do items.append(
            'coalesce(' ~ (texts.get(name, []) + ['cast(null as varchar)', 'null']) | join(', ') ~ ') as ' ~ name ~ '_text'
        ) -%}
    {%- endfor -%}
    {{ return(items | join(',\n        ')) }}
{% endmacro %}
