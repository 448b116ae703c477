{#- Two runs at once would both load the same exports. So a run that selects a model with the tag "loads", or another work table (batch_),
    holds a lock from its start to its end. The lock of a run that was killed or interrupted expires after run_lock_hours. -#}

{% macro take_run_lock() %}
{#- on-run-start: takes the lock, or stops this run before its first model. -#}
    {%- if _run_loads() -%}{{ return(adapter.dispatch('take_run_lock')()) }}{%- endif -%}
{% endmacro %}

{% macro default__take_run_lock() %}
{#- The lock is the holder's row in an Iceberg table; if the table is empty, nobody holds it. When two runs merge at once, the second
    commit fails with a conflict. dbt-athena repeats that merge, which then finds the row of the first run. A run that still sees
    another run's row after its merge does not hold the lock. -#}
    {%- set lock, columns = _run_lock_table(), ['id', 'run_id', 'holder', 'taken_at', 'expires_at'] -%}
    {%- if not load_relation(lock) -%}
        {%- set create -%}
            create table if not exists {{ lock.render_hive() }} (
                id int, run_id string, holder string, taken_at timestamp, expires_at timestamp
            )
            location '{{ adapter.generate_s3_location(lock, target.s3_data_dir, target.s3_data_naming, target.s3_tmp_table_dir) }}'
            tblproperties ('table_type' = 'iceberg')
        {%- endset -%}
        {%- do run_query(create) -%}
    {%- endif -%}
    {%- set merge -%}
        merge into {{ lock }} as held
        using (
            select
                1 as id,
                {{ sql_literals([invocation_id]) }} as run_id,
                {{ sql_literals([_run_lock_holder()]) }} as holder,
                {{ now_utc() }} as taken_at,
                {{ now_utc() }} + interval '{{ (var('run_lock_hours') * 60) | int }}' minute as expires_at
        ) as taken
        on held.id = taken.id
        when matched and held.expires_at <= taken.taken_at then update set
            {% for column in columns[1:] %}{{ column }} = taken.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
        when not matched then insert ({{ columns | join(', ') }}) values (taken.{{ columns | join(', taken.') }})
    {%- endset -%}
    {%- do run_query(merge) -%}
    {%- set rows = run_query(
        "select run_id, holder, substr(cast(taken_at as varchar), 1, 19), substr(cast(expires_at as varchar), 1, 19) from " ~ lock
        ~ " where run_id = '" ~ invocation_id ~ "' or expires_at > " ~ now_utc()
    ).rows -%}
    {%- set others = rows | rejectattr(0, 'equalto', invocation_id) | list -%}
    {%- if others -%}
        {%- if others | length < rows | length -%}{%- do default__free_run_lock() -%}{%- endif -%}
        {%- set run_id, holder, taken_at, expires_at = others[0].values() -%}
        {{ exceptions.raise_compiler_error(
            "Another run is loading exports into " ~ target.schema ~ ". " ~ holder ~ " started it at " ~ taken_at ~ " UTC (invocation "
            ~ run_id ~ "). This run has changed nothing. Start it again when the other run has ended.\n"
            ~ "If the other run was killed or interrupted, its lock expires at " ~ expires_at ~ " UTC. To free the lock at once:\n"
            ~ "  dbt run-operation free_run_lock --args '{whoever: true}'"
        ) }}
    {%- elif not rows -%}
        {#- The other run ended between the two statements. -#}
        {{ return(default__take_run_lock()) }}
    {%- endif -%}
{% endmacro %}

{% macro duckdb__take_run_lock() %}
{#- Nothing to do: DuckDB lets only one process open the file, and dbt opens it before this hook. -#}
{% endmacro %}


{% macro free_run_lock(whoever=false) %}
{#- on-run-end: frees the lock if this run holds it. A person frees the lock of a dead run with
    dbt run-operation free_run_lock --args '{whoever: true}'. -#}
    {%- if execute and whoever or _run_loads() -%}{{ return(adapter.dispatch('free_run_lock')(whoever)) }}{%- endif -%}
{% endmacro %}

{% macro default__free_run_lock(whoever=false) %}
    {%- set lock = _run_lock_table() -%}
    {%- if not whoever or load_relation(lock) -%}
        {%- do run_query("delete from " ~ lock ~ ("" if whoever else " where run_id = '" ~ invocation_id ~ "'")) -%}
    {%- endif -%}
    {%- if whoever -%}{%- do log("The lock is free.", info=true) -%}{%- endif -%}
{% endmacro %}

{% macro duckdb__free_run_lock(whoever) %}
    {%- if whoever -%}
        {%- do log("Nothing to do: DuckDB frees the file when the process that opened it ends.", info=true) -%}
    {%- endif -%}
{% endmacro %}


{% macro _run_loads() %}
{#- dbt retry does not say what it selects, so it always takes the lock. -#}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- if not selected_resources -%}{{ return(true) }}{%- endif -%}
        {%- for id in selected_resources if id.startswith('model.') -%}
            {%- set node = graph.nodes[id] -%}
            {%- if 'loads' in node.tags or node.name.startswith('batch_') -%}{{ return(true) }}{%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(false) }}
{% endmacro %}

{% macro _run_lock_table() %}
    {{ return(api.Relation.create(database=target.database, schema=target.schema, identifier='run_lock', type='table')) }}
{% endmacro %}

{% macro _run_lock_holder() %}
{#- A name by which people recognize the run. -#}
    {%- if env_var('CODEBUILD_BUILD_ID', '') -%}{{ return(env_var('CODEBUILD_BUILD_ID')) }}{%- endif -%}
    {%- if env_var('GITHUB_RUN_ID', '') -%}{{ return('GitHub Actions run ' ~ env_var('GITHUB_RUN_ID')) }}{%- endif -%}
    {%- set user, host = env_var('USER', env_var('USERNAME', '')), env_var('HOSTNAME', env_var('COMPUTERNAME', '')) -%}
    {{ return([user or 'unknown user', host] | select | join('@')) }}
{% endmacro %}
