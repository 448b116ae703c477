{#- Errors in a seed are reported while dbt parses the project, before anything runs. These macros are pre-hooks, because dbt renders
    pre-hooks then. They receive the rows of the file. -#}

{% macro check_event_catalog(table) %}
    {%- set columns = ['event_name', 'method', 'status_code', 'route', 'meaning'] -%}
    {%- set lines_of = {} -%}
    {%- for row in _seed_rows('event_catalog', table, columns) -%}
        {%- set conditions = [row.event_name, row.method, row.status_code, row.route] -%}
        {%- if row.meaning not in var('meanings') -%}
            {%- do refuse_seed('event_catalog', row.line, "the meaning '" ~ row.meaning ~ "' is unknown. It must be one of "
                ~ var('meanings') | join(', ') ~ ". To use your own, add it to vars: meanings in dbt_project.yml") -%}
        {%- elif not conditions | select | list -%}
            {%- do refuse_seed('event_catalog', row.line, "all conditions are blank. Fill event_name, method, status_code or route") -%}
        {%- elif row.method and not modules.re.fullmatch('[A-Z]+', row.method) -%}
            {%- do refuse_seed('event_catalog', row.line, "the method '" ~ row.method ~ "' must be in upper case letters, e.g. GET") -%}
        {%- elif row.status_code and not modules.re.fullmatch('[1-5][0-9][0-9]', row.status_code) -%}
            {%- do refuse_seed('event_catalog', row.line, "the status code '" ~ row.status_code ~ "' is not a number from 100 to 599") -%}
        {%- elif conditions | string in lines_of -%}
            {%- do refuse_seed('event_catalog', row.line, "the row has the same conditions as line " ~ lines_of[conditions | string]
                ~ ". An event has one meaning: delete one of the two rows, or fill another column to make one more specific") -%}
        {%- endif -%}
        {%- do lines_of.update({conditions | string: row.line}) -%}
    {%- endfor -%}
{% endmacro %}


{% macro check_funnels(table) %}
    {%- set steps = {} -%}
    {%- for row in _seed_rows('funnels', table, ['funnel', 'step_number', 'event_name']) -%}
        {%- if not row.funnel or not row.event_name or not modules.re.fullmatch('[1-9][0-9]*', row.step_number) -%}
            {%- do refuse_seed('funnels', row.line, "a row needs a funnel, a step_number (1, 2, 3 ...) and an event_name") -%}
        {%- endif -%}
        {%- do steps.setdefault(row.funnel, []).append((row.step_number | int, row.line)) -%}
    {%- endfor -%}
    {%- for funnel, numbers in steps.items() -%}
        {%- for number, line in numbers | sort -%}
            {%- if number != loop.index -%}
                {%- do refuse_seed('funnels', line, "found step " ~ number ~ " of the funnel '" ~ funnel ~ "', expected step " ~ loop.index
                    ~ ". The steps of a funnel are numbered 1, 2, 3 ..., each once") -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}


{% macro _seed_rows(seed, table, columns) %}
{#- The rows as dicts of strings ('' if blank), each with its line number in the file. -#}
    {%- if table.column_names | list != columns -%}
        {%- do refuse_seed(seed, 1, "the columns are " ~ table.column_names | join(',') ~ " but must be " ~ columns | join(',')) -%}
    {%- endif -%}
    {%- set rows = [] -%}
    {%- for values in table.rows -%}
        {%- set row = {'line': loop.index + 1} -%}
        {%- for column in columns -%}
            {%- set value = '' if values[column] is none else values[column] | string -%}
            {%- if '\n' in value or '"' in value -%}
                {%- do refuse_seed(seed, row.line, 'a quote (") is not closed or is inside a value') -%}
            {%- elif value != value.strip() -%}
                {%- do refuse_seed(seed, row.line, column ~ " '" ~ value ~ "' begins or ends with white space. Delete it") -%}
            {%- endif -%}
            {%- do row.update({column: value}) -%}
        {%- endfor -%}
        {%- do rows.append(row) -%}
    {%- endfor -%}
    {{ return(rows) }}
{% endmacro %}


{% macro refuse_seed(seed, line, problem) %}
    {{ exceptions.raise_compiler_error("seeds/" ~ seed ~ ".csv, line " ~ line ~ ": " ~ problem ~ ".") }}
{% endmacro %}
