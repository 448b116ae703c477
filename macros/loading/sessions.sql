{#- Which sessions a run recomputes: those that touch an affected day. Each is computed from all of its days. -#}

{% macro session_days() %}
{#- For batch_session_events. `affected` are the days that its readers must recompute. `reached` are these days and all days of the
    sessions in the readers' tables that touch them. Both are none if a reader is rebuilt in full. -#}
    {%- set all = {'affected': none, 'reached': none} -%}
    {%- if not execute or flags.FULL_REFRESH -%}{{ return(all) }}{%- endif -%}
    {%- set state = run_state() -%}
    {%- if 'session_days' in state -%}{{ return(state.session_days) }}{%- endif -%}
    {#- Used until the days are known. The definition of batch_session_events is its SQL for all days. -#}
    {%- do state.update({'session_days': all}) -%}
    {%- if model.name == 'batch_session_events' -%}{%- do definition(model) -%}{%- endif -%}
    {%- set loads = [] -%}
    {%- for reader in graph.nodes.values() if is_session_table(reader) -%}
        {%- if is_built_whole(reader) or not table_of(reader.name) -%}{{ return(all) }}{%- endif -%}
        {%- do loads.append(state.versions[reader.name].load_number) -%}
    {%- endfor -%}
    {%- if not loads -%}{{ return(all) }}{%- endif -%}
    {%- set affected = days_changed_since(loads | min) -%}
    {%- set reached = affected | list -%}
    {%- if affected -%}
        {%- set query -%}
            select distinct
                cast({{ local_date('started_at') }} as varchar) as first_day,
                cast({{ local_date('ended_at') }} as varchar) as last_day
            from (
                {{ sessions_that_touch(affected) }}
                union
                -- A session with its own id may continue after any gap.
                select session_id, started_at, ended_at
                from {{ table_of('sessions') }}
                where session_id in (
                    select events.session_id from {{ table_of('fct_events') }} as events where {{ in_days('events.event_at', affected) }}
                )
            ) as existing
        {%- endset -%}
        {%- for row in run_query(query).rows -%}
            {%- set first = modules.datetime.date.fromisoformat(row[0] | string) -%}
            {%- set last = modules.datetime.date.fromisoformat(row[1] | string) -%}
            {%- for offset in range((last - first).days + 1) -%}
                {%- do reached.append(first + modules.datetime.timedelta(days=offset)) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do state.update({'session_days': {'affected': affected, 'reached': reached | unique | sort}}) -%}
    {{ return(state.session_days) }}
{% endmacro %}


{% macro is_session_table(node) %}
{#- Whether a node is an incremental model of sessions that is built from batch_session_events. -#}
    {{ return(is_versioned(node) and 'ended_at' in node.columns
        and node.depends_on.nodes | select('in', ['model.' ~ node.package_name ~ '.batch_session_events']) | list | length > 0) }}
{% endmacro %}


{% macro sessions_that_touch(days) %}
{#- A query for session_id, started_at and ended_at of the sessions in these tables that touch the days. -#}
    {%- set queries = [] -%}
    {%- for reader in graph.nodes.values() if is_session_table(reader) -%}
        {%- do queries.append(
            'select session_id, started_at, ended_at from ' ~ table_of(reader.name) ~ ' as existing where '
            ~ touches_days('existing', days)
        ) -%}
    {%- endfor -%}
    {{ return(queries | join(' union ')) }}
{% endmacro %}


{% macro touches_days(session, days) %}
{#- A condition on a session: it overlaps one of the days or comes within the session gap of one. True if days is none. -#}
    {%- if days is none -%}{{ return('1 = 1') }}{%- endif -%}
    {%- set conditions = [] -%}
    {%- for start, end in utc_ranges(days, var('session_gap_minutes')) -%}
        {%- do conditions.append(
            session ~ ".started_at <= timestamp '" ~ end ~ "' and " ~ session ~ ".ended_at >= timestamp '" ~ start ~ "'"
        ) -%}
    {%- endfor -%}
    {{ return('((' ~ conditions | join(') or (') ~ '))' if conditions else '1 = 0') }}
{% endmacro %}


{% macro in_computed_sessions(session) %}
{#- A condition on a session of the table: this run may recompute it, because it touches a day that was read. -#}
    {{ return(touches_days(session, session_days().reached if execute else none)) }}
{% endmacro %}


{% macro was_computed_again(session) %}
{#- A condition on a session of the table: this run recomputed it. It may now begin on another day and so have another key. -#}
    {%- set query -%}
        ({{ in_computed_sessions(session) }})
        and {{ session }}.session_id in (select events.session_id from {{ ref('batch_session_events') }} as events)
    {%- endset -%}
    {{ return(query) }}
{% endmacro %}


{% macro gap_session_id(user_id, started_at) -%}
    {{ user_id }} || '@' || {{ iso_text(started_at) }}
{%- endmacro %}
