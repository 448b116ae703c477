{#- How an incremental mart replaces days: its merge updates and inserts the computed rows, and deletes the rows that are gone. -#}

{% macro gone_when_null(column) %}
{#- Config of such a mart, to be unpacked: config(unique_key=[...], **gone_when_null('events')). The column must never be null in a
    computed row, e.g. a count. -#}
    {{ return(adapter.dispatch('gone_when_null')(column)) }}
{% endmacro %}

{% macro default__gone_when_null(column) %}{{ return({'delete_condition': 'src.' ~ column ~ ' is null'}) }}{% endmacro %}

{% macro duckdb__gone_when_null(column) %}
    {{ return({'merge_clauses': {'when_matched': [
        {'action': 'delete', 'condition': 'DBT_INTERNAL_SOURCE.' ~ column ~ ' is null'},
        {'action': 'update', 'mode': 'by_name'}
    ]}}) }}
{% endmacro %}


{% macro gone_rows() %}
{#- The end of such a mart, after `select * from <computed rows>`. Adds the table's rows of the affected days that were not
    recomputed, with null in all columns except the key. -#}
    {%- set days = affected_days() -%}
    {%- if days is none -%}{{ return('') }}{%- endif -%}
    {#- A unit test does not know the model's config. -#}
    {%- set keys = config.get('unique_key') or fromyaml(modules.re.search('unique_key=(\\[[^\\]]*\\])', model.raw_code)[1]) -%}
    {%- set is_of_sessions = 'session_id' in keys -%}
    {%- set query -%}
        full join (
            select {{ keys | join(', ') }}
            from {{ this }} as existing
            where {{ row_in_days('existing', ['ended_at'] if is_of_sessions else keys, days) }}
            {%- if is_of_sessions %} or {{ was_computed_again('existing') }}{% endif %}
        ) as existing using ({{ keys | join(', ') }})
    {%- endset -%}
    {{ return(query) }}
{% endmacro %}


{% macro row_in_days(row, columns, days) %}
{#- A condition on a row of a model with these columns: it belongs to one of the days. Sessions belong to all days that they touch.
    True if days is none. -#}
    {%- if 'ended_at' in columns -%}{{ return(touches_days(row, days)) }}
    {%- elif 'event_at' in columns -%}{{ return(in_days(row ~ '.event_at', days)) }}
    {%- elif 'line_at' in columns -%}{{ return(in_days(row ~ '.line_at', days)) }}
    {%- elif 'event_hour' in columns -%}{{ return(in_dates('cast(' ~ row ~ '.event_hour as date)', days)) }}
    {%- else -%}{{ return(in_dates(row ~ '.event_date', days)) }}
    {%- endif -%}
{% endmacro %}
