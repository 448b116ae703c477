{#- How current each table is: table_versions says with which definition its rows were made, and up to which load. A model or seed whose
    definition has changed makes the models after it whole, so that one table never holds rows of two definitions. -#}

{% macro run_state() %}
{#- What many models of a run need to know, asked once and kept in `graph`, which they share:
    versions: name -> {definition, load_number} of table_versions. definitions: name -> definition, of what this run builds.
    whole: name -> whether the model is built whole. Later also changed_days and session_days. -#}
    {%- if 'run_state' not in graph -%}
        {%- set versions = {} -%}
        {%- set relation = table_of('table_versions') -%}
        {%- if relation and not flags.FULL_REFRESH -%}
            {%- set names = graph.nodes.values() | map(attribute='name') | list -%}
            {%- for row in run_query('select name, definition, load_number from ' ~ relation).rows if row[0] in names -%}
                {%- do versions.update({row[0]: {'definition': row[1], 'load_number': row[2] | int}}) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- do graph.update({'run_state': {'versions': versions, 'definitions': {}, 'whole': {}}}) -%}
    {%- endif -%}
    {{ return(graph.run_state) }}
{% endmacro %}


{% macro begin_run() %}
{#- on-run-start: asks before the models do, several at once. -#}
    {%- if execute -%}{%- do run_state() -%}{%- endif -%}
{% endmacro %}


{% macro table_of(name) %}
{#- The table of a model or seed that the current node must not or cannot ref(); none where it is not there yet. -#}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type in ('model', 'seed') and node.name == name -%}
        {{ return(adapter.get_relation(node.database, node.schema, node.alias)) }}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}


{% macro should_full_refresh() %}
{#- Takes the place of dbt's macro: it also says so of a model that keeps rows from run to run but must be built whole. -#}
    {%- set configured = config.get('full_refresh') -%}
    {%- if configured is not none -%}{{ return(configured) }}{%- endif -%}
    {{ return(flags.FULL_REFRESH or (execute and model.resource_type == 'model' and is_built_whole(model))) }}
{% endmacro %}


{% macro is_versioned(node) %}
{#- Whether a node is an incremental model that can be computed again from fct_events. -#}
    {{ return(node.resource_type == 'model' and node.config.materialized == 'incremental' and 'loads' not in node.tags) }}
{% endmacro %}


{% macro is_built_whole(node) %}
{#- Whether a versioned model is built whole: it is new, its definition has changed, or more days have than a merge can write on Athena,
    which is 100 partitions. -#}
    {%- if not is_versioned(node) -%}{{ return(false) }}{%- endif -%}
    {%- set state = run_state() -%}
    {%- if node.name not in state.whole -%}
        {#- True while its definition is worked out: that is its SQL for all days. -#}
        {%- do state.whole.update({node.name: true}) -%}
        {%- set version = state.versions.get(node.name) -%}
        {%- set has_changed = version and version.definition != definition(node) -%}
        {%- if has_changed and flags.WHICH in ('build', 'run') and node.unique_id in selected_resources -%}
            {{ log(node.name ~ ": its definition has changed since its rows were made, so it is computed again for all days.", info=true) }}
        {%- endif -%}
        {%- do state.whole.update({
            node.name: not version or has_changed or days_changed_since(version.load_number) | length > 60
        }) -%}
    {%- endif -%}
    {{ return(state.whole[node.name]) }}
{% endmacro %}


{% macro definition(node) %}
{#- A digest of all that decides the rows of a model or seed, given the events: its SQL with the macros and vars in it, its key and
    columns, and the same of the models and seeds that it is made of, as they now lie in the database. To be asked in the node itself;
    of the readers of batch_session_events also there. -#}
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
                {%- set name = graph.nodes[id].name -%}
                {%- do parts.append(definitions.get(name) or run_state().versions.get(name, {}).definition or '') -%}
            {%- endfor -%}
            {%- do definitions.update({node.name: local_md5(parts | join('\n'))}) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(definitions[node.name]) }}
{% endmacro %}


{% macro _without_layout(sql) %}
{#- The tokens of a text, without comments and white space. -#}
    {%- set tokens = modules.re.findall('\'[^\']*\'|"[^"]*"|--[^\n]*|/[*][\\s\\S]*?[*]/|\\w+|\\s+|.', sql) -%}
    {%- set kept = [] -%}
    {%- for token in tokens if token.strip() and token[:2] not in ('--', '/*') -%}{%- do kept.append(token) -%}{%- endfor -%}
    {{ return(kept | join(' ')) }}
{% endmacro %}


{% macro begin_table() %}
{#- Pre-hook of all models and seeds that table_versions knows: where the definition is another than that of the table's rows, says so
    there before the table changes. If the run then dies, the next one computes the table again. -#}
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
{#- on-run-end: what this run built is current up to the latest load. -#}
    {%- set versions, changed_days, counts = table_of('table_versions'), table_of('changed_days'), table_of('batch_counts') -%}
    {%- if not (versions and changed_days and counts) -%}{{ return('') }}{%- endif -%}
    {%- set definitions = {} -%}
    {%- for result in results if result.status == 'success' and result.node.name in run_state().definitions -%}
        {%- do definitions.update({result.node.name: run_state().definitions[result.node.name]}) -%}
    {%- endfor -%}
    {%- if is_loaded(results) -%}{%- do definitions.update({'batch_lines': reading_definition()}) -%}{%- endif -%}
    {%- if not definitions -%}{{ return('') }}{%- endif -%}
    {%- set merge -%}
        merge into {{ versions }} as version
        using (
            select
                built.name,
                built.definition,
                loads.load_number,
                {{ now_utc() }} as built_at
            from (
                values
                {% for name in definitions -%}
                ({{ sql_literals([name, definitions[name]]) }}){{ ',' if not loop.last }}
                {% endfor -%}
            ) as built (name, definition)
            cross join (select coalesce(max(days.load_number), 0) as load_number from {{ changed_days }} as days) as loads
            cross join (select coalesce(sum(exports.lines), 0) as lines from {{ counts }} as exports) as batch
            -- Where nothing was loaded, what is read from lines has not been tried.
            where built.name != 'batch_lines' or batch.lines > 0
        ) as run
        on version.name = run.name
        when matched then update set definition = run.definition, load_number = run.load_number, built_at = run.built_at
        when not matched then insert (name, definition, load_number, built_at)
            values (run.name, run.definition, run.load_number, run.built_at)
    {%- endset -%}
    {{ return(merge) }}
{% endmacro %}


{% macro reading_definition() %}
{#- A digest of what is read from a line, and how: only a full refresh reads older lines again. -#}
    {{ return(local_md5(tojson(
        [event_fields(), var('bot_user_agents'), var('max_days_from_log_time'), var('dedupe_horizon_days')]
    ))) }}
{% endmacro %}
