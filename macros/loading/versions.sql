{#- How current each table is: table_versions records the definition that its rows were built with, and the latest load in them. If
    the definition of a model or seed changes, the models after it are rebuilt in full, so that no table mixes rows of two
    definitions. -#}

{% macro run_state() %}
{#- State that the models of a run share. It is queried once and kept in `graph`:
    versions: name -> {definition, load_number} of table_versions. definitions: name -> definition, of what this run builds.
    whole: name -> whether the model is rebuilt in full. Later also changed_days and session_days. -#}
    {%- if 'run_state' not in graph -%}
        {%- set versions = {} -%}
        {%- set relation = table_of('table_versions') -%}
        {%- set is_emptied = flags.FULL_REFRESH and (not selected_resources or is_selected('table_versions')) -%}
        {%- if relation and not is_emptied -%}
            {%- set names = graph.nodes.values() | map(attribute='name') | list -%}
            {%- set query = 'select name, definition, load_number, cast(built_at as varchar) from ' ~ relation -%}
            {%- for row in run_query(query).rows if row[0] in names -%}
                {%- do versions.update({row[0]: {'definition': row[1], 'load_number': row[2] | int, 'built_at': row[3] | string}}) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- do graph.update({'run_state': {'versions': versions, 'definitions': {}, 'whole': {}}}) -%}
    {%- endif -%}
    {{ return(graph.run_state) }}
{% endmacro %}


{% macro begin_run() %}
{#- on-run-start: fills run_state() before models ask for it from several threads. -#}
    {%- if execute -%}{%- do run_state() -%}{%- endif -%}
{% endmacro %}


{% macro table_of(name) %}
{#- The relation of a model or seed that the current node cannot ref(); none if it does not exist yet. -#}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type in ('model', 'seed') and node.name == name -%}
        {{ return(adapter.get_relation(node.database, node.schema, node.alias)) }}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}


{% macro is_selected(name) %}
{#- Whether a model of this project is built by this run. (dbt retry does not say what it builds.) -#}
    {{ return(selected_resources | select('equalto', 'model.' ~ model.package_name ~ '.' ~ name) | list | length > 0) }}
{% endmacro %}


{% macro should_full_refresh() %}
{#- Overrides dbt's macro: also true for an incremental model that must be rebuilt in full. -#}
    {%- set configured = config.get('full_refresh') -%}
    {%- if configured is not none -%}{{ return(configured) }}{%- endif -%}
    {{ return(flags.FULL_REFRESH or (execute and model.resource_type == 'model' and is_built_whole(model))) }}
{% endmacro %}


{% macro is_versioned(node) %}
{#- Whether a node is an incremental model that can be recomputed from fct_events. -#}
    {{ return(node.resource_type == 'model' and node.config.materialized == 'incremental' and 'loads' not in node.tags) }}
{% endmacro %}


{% macro is_built_whole(node) %}
{#- Whether a versioned model is rebuilt in full: it is new, its definition has changed, or so many days have changed that this is
    cheaper than a merge, which Athena does for 100 partitions at a time. -#}
    {%- if not is_versioned(node) -%}{{ return(false) }}{%- endif -%}
    {%- if flags.FULL_REFRESH -%}{{ return(true) }}{%- endif -%}
    {%- set state = run_state() -%}
    {%- if node.name not in state.whole -%}
        {#- True while its definition is computed, because that is its SQL for all days. -#}
        {%- do state.whole.update({node.name: true}) -%}
        {%- set version = state.versions.get(node.name) -%}
        {%- set has_changed = version and version.definition != definition(node) -%}
        {%- if has_changed and flags.WHICH in ('build', 'run') and node.unique_id in selected_resources -%}
            {{ log(node.name ~ ": its definition has changed since its rows were made, so it is recomputed for all days.", info=true) }}
        {%- endif -%}
        {%- do state.whole.update({
            node.name: not version or has_changed or days_changed_since(version.load_number) | length > 60
        }) -%}
    {%- endif -%}
    {{ return(state.whole[node.name]) }}
{% endmacro %}


{% macro definition(node) %}
{#- A digest of everything but the events that determines the rows of a model or seed: its SQL with all macros and vars, its key and
    columns, and the definitions of the models and seeds that it is built from, as they are now in the database. Call it only while
    that node is being built; for the session tables also in batch_session_events. -#}
    {%- set definitions = run_state().definitions -%}
    {%- if node.name not in definitions -%}
        {%- if node.resource_type == 'seed' -%}
            {%- do definitions.update({node.name: node.checksum.checksum}) -%}
        {%- else -%}
            {%- do definitions.update({node.name: none}) -%}
            {%- set sql = node.raw_code if node.unique_id == model.unique_id and not is_session_table(node)
                else modules.re.sub('\\bref\\s*\\(([^()]*)\\)', '(\\1)', node.raw_code) -%}
            {%- set parts = [_without_layout(render(sql)), node.config.unique_key | string] -%}
            {%- for column in node.columns.values() -%}{%- do parts.append(column.name ~ ' ' ~ column.data_type) -%}{%- endfor -%}
            {%- for id in node.depends_on.nodes | sort if id in graph.nodes and 'loads' not in graph.nodes[id].tags -%}
                {%- do parts.append(_definition_in_database(graph.nodes[id])) -%}
            {%- endfor -%}
            {%- do definitions.update({node.name: local_md5(parts | join('\n'))}) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(definitions[node.name]) }}
{% endmacro %}


{% macro _definition_in_database(node) %}
{#- The definition of what is in the database while a child of this node is built. A view reads its seeds as they are now, so a seed
    that was loaded after the view was created also counts. -#}
    {%- set state = run_state() -%}
    {%- if is_session_table(node) and is_selected(node.name) -%}{{ return(definition(node)) }}{%- endif -%}
    {%- if state.definitions.get(node.name) -%}{{ return(state.definitions[node.name]) }}{%- endif -%}
    {%- set version = state.versions.get(node.name, {'definition': '', 'built_at': ''}) -%}
    {%- set parts = [version.definition] -%}
    {%- for id in node.depends_on.nodes if node.config.materialized == 'view' and id.startswith('seed.') -%}
        {%- set seed = state.versions.get(graph.nodes[id].name) -%}
        {%- if seed and seed.built_at > version.built_at -%}{%- do parts.append(seed.definition) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(parts | join(' ')) }}
{% endmacro %}


{% macro _without_layout(sql) %}
{#- The tokens of a text, without comments and white space. -#}
    {%- set tokens = modules.re.findall('\'[^\']*\'|"[^"]*"|--[^\n]*|/[*][\\s\\S]*?[*]/|\\w+|\\s+|.', sql) -%}
    {%- set kept = [] -%}
    {%- for token in tokens if token.strip() and token[:2] not in ('--', '/*') -%}{%- do kept.append(token) -%}{%- endfor -%}
    {{ return(kept | join(' ')) }}
{% endmacro %}


{% macro begin_table() %}
{#- Pre-hook of all models and seeds in table_versions: if the definition has changed, marks the table as unfinished before its rows
    change. If the run is killed, the next run rebuilds the table in full. -#}
    {%- if execute and model.resource_type in ('model', 'seed') -%}
        {%- set version = run_state().versions.get(model.name) -%}
        {%- if definition(model) != (version or {}).definition and version -%}
            {{ return(
                "update " ~ table_of('table_versions') ~ " set definition = 'unfinished' where name = " ~ sql_literals([model.name])
            ) }}
        {%- endif -%}
    {%- endif -%}
    {{ return('') }}
{% endmacro %}


{% macro write_versions(results) %}
{#- on-run-end: records that what this run built is current up to the latest load. -#}
    {%- set table, counts, state = table_of('table_versions'), table_of('batch_counts'), run_state() -%}
    {%- if not (table and table_of('changed_days') and counts) -%}{{ return('') }}{%- endif -%}
    {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.unique_id') | list -%}
    {%- set rows = [] -%}
    {%- for node in graph.nodes.values() if node.unique_id in built and node.name in state.definitions -%}
        {%- set version = state.versions.get(node.name, {}) -%}
        {%- if node.resource_type != 'seed' or version.definition != state.definitions[node.name] -%}
            {#- If a mart missed loads, the marts built from it missed them too. -#}
            {%- set loads = [_latest_load()] -%}
            {%- for id in node.depends_on.nodes if id in graph.nodes and id not in built and is_versioned(graph.nodes[id]) -%}
                {%- do loads.append(state.versions.get(graph.nodes[id].name, {'load_number': 0}).load_number) -%}
            {%- endfor -%}
            {%- do rows.append((node.name, state.definitions[node.name], loads | min)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if is_loaded(results) -%}{%- do rows.append(('batch_lines', reading_definition(), _latest_load())) -%}{%- endif -%}
    {%- if not rows -%}{{ return('') }}{%- endif -%}
    {%- set merge -%}
        merge into {{ table }} as version
        using (
            select
                built.name,
                built.definition,
                cast(built.load_number as bigint) as load_number,
                {{ now_utc() }} as built_at,
                timestamp '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as started_at
            from (
                values
                {% for name, digest, load_number in rows -%}
                ({{ sql_literals([name, digest]) }}, {{ load_number }}){{ ',' if not loop.last }}
                {% endfor -%}
            ) as built (name, definition, load_number)
            cross join (
                select coalesce(sum(exports.lines), 0) as lines, coalesce(sum(exports.unreadable_objects), 0) as unreadable_objects
                from {{ counts }} as exports
            ) as batch
            -- If no line was loaded, the settings have not been used yet; if objects were unreadable, the load is incomplete.
            where built.name != 'batch_lines' or (batch.lines > 0 and batch.unreadable_objects = 0)
        ) as run
        on version.name = run.name
        -- Another run may have built the same table in the meantime and overwritten rows of this run's loads.
        when matched then update set
            definition = run.definition,
            load_number = case
                when version.built_at > run.started_at then least(version.load_number, run.load_number)
                else run.load_number
            end,
            built_at = run.built_at
        when not matched then insert (name, definition, load_number, built_at)
            values (run.name, run.definition, run.load_number, run.built_at)
    {%- endset -%}
    {{ return(merge) }}
{% endmacro %}


{% macro reading_definition() %}
{#- A digest of the settings and the macros for parsing lines. Only a full refresh reads older lines again. -#}
    {%- set macros = [] -%}
    {%- for sql in [
        read_logged_at('x'), read_message('x'), read_timestamp('x'), read_status('x'), read_latency_ms('x'), read_method('x'),
        route(read_path('x')), bounded_client(read_client('x', 'y'), 'x'), request_name('x', 'y', 'z'), is_lambda_platform_line('x', 'y')
    ] -%}
        {%- do macros.append(_without_layout(sql)) -%}
    {%- endfor -%}
    {{ return(local_md5(tojson(
        [event_fields(), var('bot_user_agents'), var('max_days_from_log_time'), var('dedupe_horizon_days'), macros]
    ))) }}
{% endmacro %}
