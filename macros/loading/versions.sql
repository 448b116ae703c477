{#- How current each incremental model is: the table table_versions says with which definition its rows were made, and up to which load. -#}

{% macro run_state() %}
{#- What a run needs to know in many models, asked once and kept in `graph`, which all models of a run share:
    versions: model -> {definition, load_number} of table_versions. outdated: models whose rows were made with another definition.
    changed_days: see _changed_days(). -#}
    {%- if 'run_state' not in graph -%}
        {%- set versions = {} -%}
        {%- set relation = table_of('table_versions') -%}
        {%- if relation -%}
            {%- set names = graph.nodes.values() | map(attribute='name') | list -%}
            {%- for row in run_query('select name, definition, load_number from ' ~ relation).rows if row[0] in names -%}
                {%- do versions.update({row[0]: {'definition': row[1], 'load_number': row[2] | int}}) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- do graph.update({'run_state': {'versions': versions, 'outdated': []}}) -%}
        {%- for node in versioned_models() if versions.get(node.name, {}).definition != definition(node) -%}
            {%- do graph.run_state.outdated.append(node.name) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(graph.run_state) }}
{% endmacro %}


{% macro versioned_models() %}
{#- The nodes of models that keep rows from run to run and can be computed again from fct_events. -#}
    {%- set nodes = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'model' and node.config.materialized == 'incremental' and 'loads' not in node.tags -%}
        {%- do nodes.append(node) -%}
    {%- endfor -%}
    {{ return(nodes) }}
{% endmacro %}


{% macro should_full_refresh() %}
{#- Takes the place of dbt's macro: a model whose definition has changed is built whole, so that one table never holds two definitions. -#}
    {%- set configured = config.get('full_refresh') -%}
    {%- if configured is not none -%}{{ return(configured) }}{%- endif -%}
    {{ return(flags.FULL_REFRESH or (execute and is_built_whole(model.name))) }}
{% endmacro %}


{% macro is_built_whole(name) %}
{#- Whether a versioned model must be, rather than for the days that changed: its definition has changed, or more days than a merge on
    Athena can write, 100 partitions at most. -#}
    {%- set state = run_state() -%}
    {%- if name in state.outdated -%}{{ return(true) }}{%- endif -%}
    {{ return(name in versioned_models() | map(attribute='name')
        and days_changed_since(state.versions[name].load_number) | length > 60) }}
{% endmacro %}


{% macro definition(node) %}
{#- A digest of all that decides a model's rows, given the events: its SQL with the macros and vars in it, its columns, and the same of
    the models and seeds that it is made of. -#}
    {%- set parts = [_normal_sql(node.raw_code), node.columns.values() | map(attribute='name') | join(' ')] -%}
    {%- for id in node.depends_on.nodes | sort if id in graph.nodes -%}
        {%- set parent = graph.nodes[id] -%}
        {%- if parent.resource_type == 'seed' -%}
            {%- do parts.append(seed_definition(parent)) -%}
        {%- elif 'loads' not in parent.tags -%}
            {%- do parts.append(definition(parent)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(local_md5(parts | join('\n'))) }}
{% endmacro %}


{% macro seed_definition(seed) %}
{#- A digest of the rows that a seed's table holds while this run builds models: an edited file counts once it is loaded. -#}
    {%- set loaded = run_state().versions.get(seed.name) -%}
    {{ return(loaded.definition if loaded and seed.unique_id not in selected_resources else seed.checksum.checksum) }}
{% endmacro %}


{% macro reading_definition() %}
{#- A digest of what is read from a line, and how: only a full refresh reads older lines again. -#}
    {{ return(local_md5(tojson(
        [event_fields(), var('bot_user_agents'), var('max_days_from_log_time'), var('dedupe_horizon_days')]
    ))) }}
{% endmacro %}


{% macro _normal_sql(raw_code) %}
{#- A model's SQL, as written and as rendered for all days, without comments and line breaks. -#}
    {%- set code = modules.re.sub('--[^\n]*', '', raw_code) -%}
    {%- set whole = modules.re.sub('\\b(in_affected_days|affected_days|session_days|gone_rows)\\([^()]*\\)', 'none', code) -%}
    {%- set whole = modules.re.sub("\\bref\\(('[^']+')\\)", '\\1', whole) -%}
    {{ return((code ~ render(whole)).split() | join(' ')) }}
{% endmacro %}


{% macro table_of(name) %}
{#- The table of a model or seed that the current node must not or cannot ref(); none where it is not there yet. -#}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type in ('model', 'seed') and node.name == name -%}
        {{ return(adapter.get_relation(node.database, node.schema, node.alias)) }}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}


{% macro begin_run() %}
{#- on-run-start: says which tables are computed again for all days. -#}
    {%- if execute and flags.WHICH in ('build', 'run') and not flags.FULL_REFRESH -%}
        {%- set state = run_state() -%}
        {%- for name in state.outdated if name in state.versions -%}
            {{ log(name ~ ": its definition has changed since its rows were made, so it is computed again for all days.", info=true) }}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{% macro write_versions(results) %}
{#- on-run-end: what this run built is current up to the latest load. -#}
    {%- set versions, changed_days = table_of('table_versions'), table_of('changed_days') -%}
    {%- if not (versions and changed_days) -%}{{ return('') }}{%- endif -%}
    {%- set rows = [] -%}
    {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.unique_id') | list -%}
    {%- for node in versioned_models() if node.unique_id in built -%}
        {%- do rows.append((node.name, definition(node))) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() if node.unique_id in built -%}
        {%- if node.resource_type == 'seed' -%}{%- do rows.append((node.name, node.checksum.checksum)) -%}{%- endif -%}
        {%- if node.name == 'batch_lines' and is_loaded(results) -%}{%- do rows.append((node.name, reading_definition())) -%}{%- endif -%}
    {%- endfor -%}
    {%- if not rows -%}{{ return('') }}{%- endif -%}
    {%- set merge -%}
        merge into {{ versions }} as version
        using (
            select built.name, built.definition, loads.load_number, {{ now_utc() }} as built_at
            from (values {% for name, digest in rows %}({{ sql_literals([name, digest]) }}){{ ', ' if not loop.last }}{% endfor %})
                as built (name, definition)
            cross join (select coalesce(max(load_number), 0) as load_number from {{ changed_days }}) as loads
        ) as run
        on version.name = run.name
        when matched then update set definition = run.definition, load_number = run.load_number, built_at = run.built_at
        when not matched then insert (name, definition, load_number, built_at)
            values (run.name, run.definition, run.load_number, run.built_at)
    {%- endset -%}
    {{ return(merge) }}
{% endmacro %}
