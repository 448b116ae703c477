{#- How an incremental mart replaces days: its merge updates and inserts the rows that were computed, and deletes those that are gone. -#}

{% macro gone_when_null(column) %}
{#- Config of such a mart, to be unpacked: config(unique_key=[...], **gone_when_null('events')). The column is one that no computed row
    leaves null, such as a count. -#}
    {{ return(adapter.dispatch('gone_when_null')(column)) }}
{% endmacro %}

{% macro default__gone_when_null(column) %}{{ return({'delete_condition': 'src.' ~ column ~ ' is null'}) }}{% endmacro %}

{% macro duckdb__gone_when_null(column) %}
    {{ return({'merge_clauses': {'when_matched': [
        {'action': 'delete', 'condition': 'DBT_INTERNAL_SOURCE.' ~ column ~ ' is null'},
        {'action': 'update', 'mode': 'by_name'}
    ]}}) }}
{% endmacro %}


{% macro with_gone_rows(computed) %}
{#- The end of such a mart: the rows of the CTE `computed`, and the rows of the affected days that the table has but that are not among
    them, with null in all columns but the key. A row's day is its event_date or event_hour; a session has all days that it touches. -#}
    {%- set days = affected_days() -%}
    {%- if days is none -%}{{ return('select * from ' ~ computed) }}{%- endif -%}
    {%- set keys = config.get('unique_key') -%}
    {%- set columns, gone, same = [], [], [] -%}
    {%- for column in model.columns.values() -%}
        {%- do columns.append(column.name) -%}
        {%- do gone.append(
            'existing.' ~ column.name if column.name in keys else 'cast(null as ' ~ column.data_type ~ ') as ' ~ column.name
        ) -%}
    {%- endfor -%}
    {%- for key in keys -%}{%- do same.append(computed ~ '.' ~ key ~ ' = existing.' ~ key) -%}{%- endfor -%}
    {%- set query -%}
        select {{ columns | join(', ') }} from {{ computed }}
        union all
        select {{ gone | join(', ') }}
        from {{ this }} as existing
        left join {{ computed }} on {{ same | join(' and ') }}
        where {{ computed }}.{{ keys[0] }} is null and {{ row_in_days('existing', model.columns, days) }}
    {%- endset -%}
    {{ return(query) }}
{% endmacro %}


{% macro row_in_days(row, columns, days) %}
{#- A condition on a row of a model with these columns: it belongs to one of the days. Sessions belong to all days that they touch. True
    where days is none. -#}
    {%- if 'ended_at' in columns -%}{{ return(touches_days(row, days)) }}
    {%- elif 'event_at' in columns -%}{{ return(in_days(row ~ '.event_at', days)) }}
    {%- elif 'line_at' in columns -%}{{ return(in_days(row ~ '.line_at', days)) }}
    {%- elif 'event_hour' in columns -%}{{ return(in_dates('cast(' ~ row ~ '.event_hour as date)', days)) }}
    {%- else -%}{{ return(in_dates(row ~ '.event_date', days)) }}
    {%- endif -%}
{% endmacro %}
