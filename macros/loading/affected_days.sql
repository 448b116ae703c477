{#- Marts are computed again for the days that this run's batch touched. Days are of reporting_timezone; what stands in a model's SQL
    are literal UTC timestamps, so that Athena reads only their partitions. -#}

{% macro affected_days() %}
{#- Sorted list of the local dates that hold an event of the batch; none when the model is built whole. Where a record has an id of
    its own, the days around it too: a copy of it there may have been deleted. Asks the batch: call it once a model. -#}
    {%- set batch = ref('stg_cloudwatch__log_lines') -%}
    {%- if not execute or not is_incremental() -%}{{ return(none) }}{%- endif -%}
    {%- set horizon = var('dedupe_horizon_days') | int -%}
    {%- set query -%}
        select distinct cast({{ local_date('event_at') }} as varchar) as day, own_id is not null as has_own_id
        from {{ batch }}
        where reason is null
    {%- endset -%}
    {%- set days = [] -%}
    {%- for row in run_query(query).rows -%}
        {%- set day = modules.datetime.date.fromisoformat(row[0] | string) -%}
        {%- for offset in range(-horizon, horizon + 1) if row[1] or offset == 0 -%}
            {%- do days.append(day + modules.datetime.timedelta(days=offset)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(days | unique | sort) }}
{% endmacro %}


{% macro utc_ranges(days, margin_minutes=0) %}
{#- Sorted local days as a list of UTC (start, end), one for each run of consecutive days, each widened by the margin. -#}
    {%- set zone = modules.pytz.timezone(var('reporting_timezone')) -%}
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set margin = modules.datetime.timedelta(minutes=margin_minutes) -%}
    {%- set runs = [] -%}
    {%- for day in days or [] -%}
        {%- if runs and runs[-1].after == day -%}
            {%- do runs[-1].update({'after': day + one_day}) -%}
        {%- else -%}
            {%- do runs.append({'first': day, 'after': day + one_day}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set ranges = [] -%}
    {%- for run in runs -%}
        {%- do ranges.append((_utc_midnight(run.first, zone) - margin, _utc_midnight(run.after, zone) + margin)) -%}
    {%- endfor -%}
    {{ return(ranges) }}
{% endmacro %}


{% macro in_days(column, days, margin_minutes=0) %}
{#- A condition on a UTC timestamp column: it lies in one of the local days, or within so many minutes of one. Of all days where days
    is none. -#}
    {%- if days is none -%}{{ return('1 = 1') }}{%- endif -%}
    {%- set conditions = [] -%}
    {%- for start, end in utc_ranges(days, margin_minutes) -%}
        {%- do conditions.append(
            column ~ " >= timestamp '" ~ start ~ "' and " ~ column ~ (" <= " if margin_minutes else " < ") ~ "timestamp '" ~ end ~ "'"
        ) -%}
    {%- endfor -%}
    {{ return('((' ~ conditions | join(') or (') ~ '))' if conditions else '1 = 0') }}
{% endmacro %}


{% macro _utc_midnight(day, zone) %}
    {%- set midnight = modules.datetime.datetime.combine(day, modules.datetime.time()) -%}
    {{ return(zone.localize(midnight).astimezone(modules.pytz.utc).replace(tzinfo=none)) }}
{% endmacro %}


{% macro and_vanished(computed, keys, zeros, where) %}
{#- Completes an incremental mart: rows of the affected days that are in the table but were not computed again, with zeros in the
    counting columns, so that the merge overwrites them and the model's post-hook deletes them. Readers never see a gap. -#}
    {%- if not is_incremental() -%}{{ return('') }}{%- endif -%}
    {%- set items = [] -%}
    {%- for column in model.columns.values() -%}
        {%- if column.name in keys -%}
            {%- do items.append('existing.' ~ column.name) -%}
        {%- else -%}
            {%- do items.append(
                'cast(' ~ ('0' if column.name in zeros else 'null') ~ ' as ' ~ column.data_type ~ ') as ' ~ column.name
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set matches = [] -%}
    {%- for key in keys -%}{%- do matches.append(computed ~ '.' ~ key ~ ' = existing.' ~ key) -%}{%- endfor -%}
    {%- set query -%}
        union all
        select {{ items | join(', ') }}
        from {{ this }} as existing
        left join {{ computed }} on {{ matches | join(' and ') }}
        where {{ computed }}.{{ keys[0] }} is null and {{ where }}
    {%- endset -%}
    {{ return(query) }}
{% endmacro %}


{% macro in_dates(column, days) %}
{#- A condition on a date column: it is one of the days. -#}
    {{ return(column ~ ' in (date ' ~ sql_literals(days) | replace(', ', ', date ') ~ ')' if days else '1 = 0') }}
{% endmacro %}
