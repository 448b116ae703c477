{#- What a run says when it has ended: first what is wrong, then what it loaded. -#}

{% macro reported_fields() %}
{#- The columns of fct_events for which a run reports how often they are null. -#}
    {{ return(
        ['event_name', 'user_id', 'session_id', 'product_id', 'status_code', 'latency_ms', 'method', 'route']
        + (extra_fields() | map(attribute='name') | list)
    ) }}
{% endmacro %}


{% macro report_run(results) %}
{#- on-run-end: what was not read, what was loaded, how often each field is null, and which event names are not in the catalog.
    Fails the run where no event was ever read: nothing read must not look like success. -#}
    {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.name') | list if execute else [] -%}
    {%- if 'batch_counts' not in built -%}{{ return('') }}{%- endif -%}
    {%- set counts, kept, catalog = table_of('batch_counts'), table_of('int_exports__daily_lines'), table_of('event_catalog') -%}
    {%- set credited = kept and kept.identifier in built -%}
    {%- set query -%}
        select
            coalesce(sum(lines), 0),
            count(case when lines > 0 then 1 end),
            min(export_date),
            (select count(*) from {{ table_of('batch_lines') }} as lines where lines.reason is null and lines.is_bot)
            {%- for field in reported_fields() %}, coalesce(sum({{ field }}), 0){% endfor %}
            {%- if credited %},
            (
                select sum(kept.events + kept.rejected) from {{ kept }} as kept
                where kept.export_task_id in (select exports.export_task_id from {{ counts }} as exports)
            )
            {%- endif %}
        from {{ counts }}
    {%- endset -%}
    {%- set row = run_query(query).rows[0] -%}
    {%- set read = row[0] | int -%}
    {%- set log_groups = query_column(
        "select log_group from " ~ counts ~ " union select log_group from " ~ table_of('loaded_exports')
    ) -%}
    {%- if not log_groups -%}{%- do refuse_empty_lake() -%}{%- endif -%}
    {%- for name in var('log_groups') or {} if name not in log_groups -%}
        {%- do exceptions.warn(
            "Warning: vars: log_groups: no line was ever loaded from " ~ name ~ ". Log groups: " ~ log_groups | sort | join(', ') ~ "."
        ) -%}
    {%- endfor -%}
    {%- if read == 0 -%}
        {{ log("Nothing new to load.", info=true) }}
        {{ return('') }}
    {%- endif -%}

    {%- set events, median_ms, rejected = 0, none, {} -%}
    {%- set reasons = run_query(
        "select reason, count(*), " ~ percentile('latency_ms', 0.5) ~ " from " ~ table_of('batch_lines')
        ~ " group by reason order by count(*) desc, reason"
    ).rows -%}
    {%- for reason, lines, median in reasons if reason -%}{%- do rejected.update({reason: lines | int}) -%}{%- endfor -%}
    {%- set events = reasons | rejectattr(0) | sum(attribute=1) | int -%}
    {%- set median_ms = reasons | rejectattr(0) | map(attribute=2) | first | default(none) -%}
    {%- set found = {} -%}
    {%- for field in reported_fields() -%}{%- do found.update({field: row[loop.index + 3] | int}) -%}{%- endfor -%}

    {%- set warning = unread(events, rejected, found, median_ms) -%}
    {%- if warning and not events and not run_query("select 1 from " ~ table_of('fct_events') ~ " limit 1").rows -%}
        {{ exceptions.raise_compiler_error("No event was read. " ~ warning) }}
    {%- elif warning -%}
        {%- do exceptions.warn("Warning: " ~ warning) -%}
    {%- endif -%}

    {%- set duplicates = ", {:,} duplicates".format(read - (row[-1] or 0) | int) if credited else '' -%}
    {{ log("Loaded {:,} lines from {} exports, {:,} of them not events{}.".format(read, row[1], read - events, duplicates), info=true) }}
    {%- set reading = run_state().versions.get('batch_lines') -%}
    {%- if reading and reading.definition != reading_definition() and not flags.FULL_REFRESH -%}
        {{ log(
            "What is read from log lines has changed (fields, bots or limits). This applies to exports of "
            ~ row[2] ~ " and later. To read older lines again, run dbt build --full-refresh.", info=true
        ) }}
    {%- endif -%}
    {%- for field, count in found.items() -%}
        {{ log("  %-14s%5.1f %% null" | format(field, 100 - 100 * count / events if events else 100), info=true) }}
    {%- endfor -%}
    {%- if events and row[3] -%}
        {{ log("Bots: %.1f %% of events, left out of users, sessions, funnels and products." | format(100 * row[3] / events), info=true) }}
    {%- endif -%}
    {%- if catalog -%}
        {%- set unclassified = query_column(
            "select lines.event_name || ' (' || cast(count(*) as varchar) || ')' from " ~ table_of('batch_lines')
            ~ " as lines left join " ~ catalog ~ " as catalog on lines.event_name = catalog.event_name where lines.reason is null and lines.event_name is not null"
            ~ " and catalog.event_name is null group by lines.event_name order by count(*) desc limit 10"
        ) -%}
        {%- if unclassified -%}
            {{ log("Not in seeds/event_catalog.csv, so counted by name only: " ~ unclassified | join(', '), info=true) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{% macro refuse_empty_lake() %}
{#- Nothing was ever loaded, and nothing is there to load. A new stack is like this until its first export ends. -#}
    {{ return(adapter.dispatch('refuse_empty_lake')()) }}
{% endmacro %}

{% macro default__refuse_empty_lake() %}
    {%- do exceptions.warn("Warning: There are no exports yet, so all tables are empty. `pal export status` shows how far they are.") -%}
{% endmacro %}

{% macro duckdb__refuse_empty_lake() %}
    {{ exceptions.raise_compiler_error(
        "There are no exports in " ~ lake_root() ~ "/exports, so all tables are empty. Set ANALYTICS_LAKE to a synced bucket, or run"
        ~ " `make demo`."
    ) }}
{% endmacro %}


{% macro unread(events, rejected, found, median_ms) %}
{#- One text about what the lines of a run seem to hold and was not read; nothing where all is well.
    rejected: reason -> lines. found: field -> events that have it. What Lambda itself writes is not expected to be read, nor a field
    for which the settings have an empty list. -#}
    {%- set limits, texts = var('thresholds'), [] -%}
    {%- set lines = events + rejected.values() | sum - rejected.get('lambda_platform_line', 0) -%}
    {%- set lost = lines - events -%}
    {%- if lost >= limits.rejected_rate * lines and lost -%}
        {%- set reasons = [] -%}
        {%- for reason, count in rejected.items() if reason != 'lambda_platform_line' -%}
            {%- do reasons.append("{:,} {}".format(count, reason)) -%}
        {%- endfor -%}
        {%- do texts.append("{:,} of {:,} lines are not events: {}.".format(lost, lines, reasons | join(', '))) -%}
    {%- endif -%}
    {%- set missing = [] -%}
    {%- for name, column in {'status_code': 'status_code', 'latency_ms': 'latency_ms', 'method': 'method', 'path': 'route'}.items()
            if events and not found[column] and event_fields()[name] | map(attribute='entries') | sum(start=[]) -%}
        {%- do missing.append(name) -%}
    {%- endfor -%}
    {%- if missing -%}
        {%- do texts.append("No event has a value for " ~ missing | join(', ') ~ ".") -%}
    {%- endif -%}
    {%- if median_ms is not none and (median_ms > limits.latency_median_max_ms or median_ms < limits.latency_median_min_ms) -%}
        {%- set unit = 'us or ns' if median_ms > limits.latency_median_max_ms else 's' -%}
        {%- do texts.append(
            "The median latency is %g ms, so its unit is probably %s: latency_ms: [{path: ..., unit: %s}]."
            | format(median_ms, unit, unit.split()[0])
        ) -%}
    {%- endif -%}
    {%- if texts -%}
        {%- do texts.append(
            "`pal suggest DIR` (or s3://BUCKET) shows where logs have their fields. Set them under vars: event_fields in dbt_project.yml."
        ) -%}
    {%- endif -%}
    {{ return(texts | join(' ')) }}
{% endmacro %}
