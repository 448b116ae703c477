{#- Which days a run recomputes. Days are in reporting_timezone. In a model's SQL they are literal UTC timestamps, because Athena
    prunes partitions reliably only by literals. -#}

{% macro affected_days() %}
{#- Sorted list of the days that loads have changed since the model was last built; none if the model is rebuilt in full. -#}
    {%- if not is_incremental() -%}{{ return(none) }}{%- endif -%}
    {{ return(days_changed_since(run_state().versions[model.name].load_number)) }}
{% endmacro %}


{% macro days_changed_since(load_number) %}
{#- Sorted list of the days that later loads changed. -#}
    {%- set days = [] -%}
    {%- for day, number, _ in _changed_days() if number > load_number -%}{%- do days.append(day) -%}{%- endfor -%}
    {{ return(days) }}
{% endmacro %}


{% macro latest_days() %}
{#- Sorted list of the days of the latest load. These are the days of the batch, unless it is empty. -#}
    {%- set loads = _changed_days() | map(attribute=1) | list -%}
    {{ return(days_changed_since((loads | max) - 1) if loads else []) }}
{% endmacro %}


{% macro is_out_of_order() %}
{#- Whether the latest load may contain earlier copies of rows that are already in the tables. -#}
    {{ return(_changed_days() | selectattr(1, 'equalto', _latest_load()) | map(attribute=2) | select | list | length > 0) }}
{% endmacro %}


{% macro _latest_load() %}
{#- The number of the latest load that this run has seen. A run that loads nothing ignores a load that another run may still be
    working on. -#}
    {%- set numbers = _changed_days() | map(attribute=1) | list -%}
    {{ return(numbers | max if numbers else run_state().versions.values() | map(attribute='load_number') | max | default(0, true)) }}
{% endmacro %}


{% macro _changed_days() %}
{#- List of (day, load number, is_out_of_order) by day. Queried once per run, after changed_days was built. -#}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set state = run_state() -%}
    {%- if 'changed_days' not in state -%}
        {%- set relation = table_of('changed_days') -%}
        {%- set days = [] -%}
        {%- if relation -%}
            {%- set loaded = state.versions.get('batch_lines', {'load_number': 0}).load_number -%}
            {%- set query -%}
                select cast(event_date as varchar), load_number, is_out_of_order from {{ relation }}
                where
                    (
                        load_number > {{ state.versions.values() | map(attribute='load_number') | min | default(0, true) }}
                        or load_number = (select max(latest.load_number) from {{ relation }} as latest)
                    )
                    {%- if not is_selected('changed_days') and selected_resources and loaded %} and load_number <= {{ loaded }}{% endif %}
                order by event_date
            {%- endset -%}
            {%- for row in run_query(query).rows -%}
                {%- do days.append((modules.datetime.date.fromisoformat(row[0] | string), row[1] | int, row[2])) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- do state.update({'changed_days': days}) -%}
    {%- endif -%}
    {{ return(state.changed_days) }}
{% endmacro %}


{% macro in_affected_days(column='event_at') %}
{#- A condition on a UTC timestamp column: it is in a day that is recomputed. -#}
    {{ return(in_days(column, affected_days())) }}
{% endmacro %}


{% macro in_days(column, days, margin_minutes=0) %}
{#- A condition on a UTC timestamp column: it is in one of the days, or within margin_minutes of one. True if days is none. -#}
    {%- if days is none -%}{{ return('1 = 1') }}{%- endif -%}
    {%- set conditions = [] -%}
    {%- for start, end in utc_ranges(days, margin_minutes) -%}
        {%- do conditions.append(
            column ~ " >= timestamp '" ~ start ~ "' and " ~ column ~ (" <= " if margin_minutes else " < ") ~ "timestamp '" ~ end ~ "'"
        ) -%}
    {%- endfor -%}
    {{ return('((' ~ conditions | join(') or (') ~ '))' if conditions else '1 = 0') }}
{% endmacro %}


{% macro in_dates(column, days) %}
{#- A condition on a date column: it is one of the days. True if days is none. -#}
    {%- if days is none -%}{{ return('1 = 1') }}{%- endif -%}
    {%- set conditions = [] -%}
    {%- for first, last in day_ranges(days) -%}
        {%- do conditions.append(column ~ " between date '" ~ first ~ "' and date '" ~ last ~ "'") -%}
    {%- endfor -%}
    {{ return('(' ~ conditions | join(' or ') ~ ')' if conditions else '1 = 0') }}
{% endmacro %}


{% macro day_ranges(days) %}
{#- Sorted days (dates or ISO texts) as (first, last) of each run of consecutive days. More than 50 runs become one, from the first
    day to the last. This keeps a query's text short whatever times a log has, because Athena limits it to 256 KB. -#}
    {%- set one_day = modules.datetime.timedelta(days=1) -%}
    {%- set ranges = [] -%}
    {%- for day in days -%}
        {%- set day = modules.datetime.date.fromisoformat(day | string) -%}
        {%- if ranges and ranges[-1][1] + one_day == day -%}
            {%- do ranges.append((ranges.pop()[0], day)) -%}
        {%- else -%}
            {%- do ranges.append((day, day)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(ranges if ranges | length <= 50 else [(ranges[0][0], ranges[-1][1])]) }}
{% endmacro %}


{% macro utc_ranges(days, margin_minutes=0) %}
{#- The same as UTC timestamps (start, end), each widened by margin_minutes. -#}
    {%- set zone = modules.pytz.timezone(reporting_timezone()) -%}
    {%- set margin = modules.datetime.timedelta(minutes=margin_minutes) -%}
    {%- set ranges = [] -%}
    {%- for first, last in day_ranges(days) -%}
        {%- do ranges.append((
            _utc_midnight(first, zone) - margin, _utc_midnight(last + modules.datetime.timedelta(days=1), zone) + margin
        )) -%}
    {%- endfor -%}
    {{ return(ranges) }}
{% endmacro %}


{% macro _utc_midnight(day, zone) %}
{#- When a day begins. If the clocks change at midnight, midnight can occur twice or not at all. -#}
    {%- set midnight = modules.datetime.datetime.combine(day, modules.datetime.time()) -%}
    {%- set found = [] -%}
    {%- for is_dst in [true, false] -%}
        {%- set utc = zone.localize(midnight, is_dst=is_dst).astimezone(modules.pytz.utc) -%}
        {%- if utc.astimezone(zone).date() == day -%}{%- do found.append(utc) -%}{%- endif -%}
    {%- endfor -%}
    {{ return((found | min).replace(tzinfo=none)) }}
{% endmacro %}
