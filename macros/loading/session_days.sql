{#- Which days an incremental run of a model of sessions must look at. -#}

{% macro session_days(relations) %}
{#- affected: the days of the batch. reached: these and all days of the sessions in the relations that touch them, or that the batch has
    an event of. One relation is the model itself, as a session that loses events must be found by where it was. Both none when the
    model is built whole. -#}
    {%- set affected = affected_days() -%}
    {%- if affected is none -%}{{ return({'affected': none, 'reached': none}) }}{%- endif -%}
    {%- set reached = affected | list -%}
    {%- if affected -%}
        {%- set query -%}
            {% for relation in relations -%}
            {{ 'union' if not loop.first }}
            select distinct
                cast({{ local_date('started_at') }} as varchar) as first_day,
                cast({{ local_date('ended_at') }} as varchar) as last_day
            from {{ relation }} as existing
            where
                {{ touches_days('existing', affected) }}
                or session_id in (select session_id from {{ ref('stg_cloudwatch__log_lines') }} where reason is null)
            {%- endfor %}
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- set first = modules.datetime.date.fromisoformat(row[0] | string) -%}
            {%- set last = modules.datetime.date.fromisoformat(row[1] | string) -%}
            {%- for offset in range((last - first).days + 1) -%}
                {%- do reached.append(first + modules.datetime.timedelta(days=offset)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return({'affected': affected, 'reached': reached | unique | sort}) }}
{% endmacro %}


{% macro touches_days(session, days) %}
{#- A session of the table that lies in one of the days, reaches into it, or comes within the session gap of it. -#}
    {%- set conditions = [] -%}
    {%- for start, end in utc_ranges(days, var('session_gap_minutes')) -%}
        {%- do conditions.append(
            session ~ ".started_at <= timestamp '" ~ end ~ "' and " ~ session ~ ".ended_at >= timestamp '" ~ start ~ "'"
        ) -%}
    {%- endfor -%}
    {{ return('((' ~ conditions | join(') or (') ~ '))' if conditions else '1 = 0') }}
{% endmacro %}
