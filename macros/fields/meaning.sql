{#- An event's meaning comes from the most specific row of event_catalog that matches it. A row with more filled columns is more
    specific; among rows with equally many, status_code ranks highest, then event_name, route and method. So rows tie only if their
    conditions are the same, and check_event_catalog() rejects those. -#}

{% macro _filled_sets(catalog) %}
{#- The sets of columns that rows of the catalog fill, the most specific first; all possible sets if the table does not exist yet. -#}
    {%- if not (execute and model.resource_type == 'model' and load_relation(catalog)) -%}{{ return(_column_sets()) }}{%- endif -%}
    {%- set state = run_state() -%}
    {%- if 'filled_sets' not in state -%}
        {%- set columns, filled = _column_sets()[0], [] -%}
        {%- for row in run_query('select distinct ' ~ columns | join(' is null, ') ~ ' is null from ' ~ catalog).rows -%}
            {%- set names = [] -%}
            {%- for column in columns -%}{%- if not row[loop.index0] -%}{%- do names.append(column) -%}{%- endif -%}{%- endfor -%}
            {%- do filled.append(names) -%}
        {%- endfor -%}
        {%- do state.update({'filled_sets': _column_sets() | select('in', filled) | list}) -%}
    {%- endif -%}
    {{ return(state.filled_sets) }}
{% endmacro %}


{% macro _column_sets() %}
{#- Each set of columns that a row of the catalog can fill, the most specific first. -#}
    {%- set sets = [] -%}
    {%- for size in [4, 3, 2, 1] -%}
        {%- for number in range(15, 0, -1) -%}
            {%- set filled = [] -%}
            {%- for column, bit in [('status_code', 8), ('event_name', 4), ('route', 2), ('method', 1)] if number // bit % 2 -%}
                {%- do filled.append(column) -%}
            {%- endfor -%}
            {%- if filled | length == size -%}{%- do sets.append(filled) -%}{%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(sets) }}
{% endmacro %}


{% macro join_meanings(catalog) %}
{#- Joins for the relation "events", one for each set of columns: the row of the catalog that matches. -#}
    {%- set joins = [] -%}
    {%- for filled in _filled_sets(catalog) -%}
        {%- set name, of, on = 'meaning_' ~ loop.index, [], [] -%}
        {%- for column in _column_sets()[0] -%}
            {%- do of.append(column ~ ' is ' ~ ('not ' if column in filled else '') ~ 'null') -%}
        {%- endfor -%}
        {%- for column in filled -%}{%- do on.append('events.' ~ column ~ ' = ' ~ name ~ '.' ~ column) -%}{%- endfor -%}
        {%- do joins.append(
            'left join (select * from ' ~ catalog ~ ' where ' ~ of | join(' and ') ~ ') as ' ~ name ~ ' on ' ~ on | join(' and ')
        ) -%}
    {%- endfor -%}
    {{ return(joins | join('\n')) }}
{% endmacro %}


{% macro meaning_columns(catalog) %}
{#- The meaning that these joins found. -#}
    {%- set found = [] -%}
    {%- for filled in _filled_sets(catalog) -%}{%- do found.append('meaning_' ~ loop.index ~ '.meaning') -%}{%- endfor -%}
    {{ return('coalesce(' ~ (found + ['cast(null as varchar)', 'null']) | join(', ') ~ ')') }}
{% endmacro %}
